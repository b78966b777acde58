"""Playing the story: step by step, until one fails."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from .board import Board
from .steps import Step
from .world import World

log = logging.getLogger(__name__)


def play(steps: Sequence[Step], world: World, board: Board) -> bool:
    """Play steps and show them. Whether all went well; the first that fails ends it."""
    world.tell = board.tell
    for number, step in enumerate(steps):
        board.begin(number)
        try:
            checked = step.play(world)
        except Exception as error:
            log.debug("%s failed", step.title, exc_info=True)
            board.fail(str(error) or type(error).__name__)
            return False
        board.done(checked)
    return True
