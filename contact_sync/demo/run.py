"""The demo from beginning to end, in a process that leaves nothing behind."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Final, Self

from rich.console import Console

from .story import STORY, Board, LiveBoard, PlainBoard, Step, World, play
from .story.steps import reinstall

INTERRUPTED: Final = 130
_LOOK_SECONDS: Final = 0.1
_PATIENCE_SECONDS: Final = 30.0


def run_demo(*, once: bool, steps: Sequence[Step] = STORY, console: Console | None = None) -> int:
    """Play the story; then stay up until Ctrl-C, unless it is to be played once.

    Args:
        once: Whether to end after the story.
        steps: The story.
        console: Where to show it; standard output unless given.

    Returns:
        The exit code: 0 if all went well, 1 if a step failed, 130 if it was stopped in the middle of the story.
    """
    console = console or Console(highlight=False)
    with _Signals() as signals, World() as world:
        story = _Playing(lambda: _play(world, console, steps, once))
        while story.is_going_on() and not signals.came:
            time.sleep(_LOOK_SECONDS)
        if story.is_going_on():
            world.interrupt()
            story.wait(_PATIENCE_SECONDS)
            console.print("\nStopped before the end.")
            return INTERRUPTED
        if story.fine and not once:
            while not signals.came:
                time.sleep(_LOOK_SECONDS)
            console.print("\nStopping …")
        return 0 if story.fine else 1


def _play(world: World, console: Console, steps: Sequence[Step], once: bool) -> bool:
    began = time.monotonic()
    if not _shown(world, console, steps):
        return False
    console.print(
        f"\nAll {len(steps)} steps went well, in {time.monotonic() - began:.1f} s. Both sides agreed in "
        f"{world.agreed.pairs} contacts and {world.agreed.fields:,} fields; {world.count_pairs()} pairs are left.",
        markup=False,
        soft_wrap=not console.is_terminal,
    )
    if once:
        return True
    console.print()
    if not _shown(world, console, [Step("Install again", reinstall)]):
        return False
    console.print(
        f"\n  Both sides   {world.page.url}/   see and edit them next to each other\n"
        f"  Platform     {world.platform.url}/   its events, calls and faults\n"
        f"  CRM          {world.crm_server.url}/   JSON, for the service and that page\n"
        f"  Service      {world.service.url}/   the integration itself\n\n"
        "It stays up until Ctrl-C.",
        markup=False,
        soft_wrap=True,
    )
    return True


def _shown(world: World, console: Console, steps: Sequence[Step]) -> bool:
    """Play steps and show them; where one fails, also what the service has to say. Whether all went well."""
    kind = LiveBoard if console.is_terminal else PlainBoard
    with kind(console, [step.title for step in steps]) as board:
        fine = play(steps, world, board)
    if not fine and not world.interrupted:
        _show_failure(world, console, board)
    return fine


def _show_failure(world: World, console: Console, board: Board) -> None:
    lines = world.service.last_lines()
    if lines:
        console.print("\nThe last lines of the service:", markup=False)
        for line in lines:
            console.print(f"  {line}", markup=False, soft_wrap=True)
    for row in board.rows:
        if row.state == "failed":
            reason = f"\nFailed: {row.title}: {row.note}"
            console.print(reason, style="red", markup=False, soft_wrap=not console.is_terminal)


class _Playing:
    """Something that goes on in a thread, while the main thread looks out for signals."""

    def __init__(self, play: Callable[[], bool]) -> None:
        self.fine = False
        self._play = play
        self._thread = threading.Thread(target=self._run, name="story", daemon=True)
        self._thread.start()

    def is_going_on(self) -> bool:
        return self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _run(self) -> None:
        self.fine = self._play()


class _Signals:
    """Notes that somebody wants the demo to end. Nothing is interrupted by it, least of all the cleaning up."""

    _NUMBERS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.came = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # elsewhere there are none
            self._before = {number: signal.signal(number, self._note) for number in self._NUMBERS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.came = True
