"""What the demo plays: its world, its steps, and how they are shown."""

from .board import Board, LiveBoard, PlainBoard
from .check import Comparison, compare
from .play import play
from .steps import STORY, Step
from .tools import StepFailed
from .world import World

__all__ = [
    "STORY",
    "Board",
    "Comparison",
    "LiveBoard",
    "PlainBoard",
    "Step",
    "StepFailed",
    "World",
    "compare",
    "play",
]
