"""The story on a terminal and in a log."""

from __future__ import annotations

import io

from rich.console import Console

from contact_sync.demo.story import STORY, LiveBoard, PlainBoard


def console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, force_terminal=terminal, width=80, color_system=None, highlight=False), text


def test_without_a_terminal_there_is_a_line_for_each_step_that_is_over() -> None:
    shown, text = console(terminal=False)
    with PlainBoard(shown, ["First [bold]", "Second", "Third"]) as board:
        board.begin(0)
        board.tell("half of it")
        board.done("17 things [/]")
        board.begin(1)
        board.fail("because " + "long " * 50)
    lines = text.getvalue().splitlines()
    assert [line[:6] for line in lines] == ["ok    ", "FAILED"]
    assert "First [bold]: 17 things [/]" in lines[0]
    assert lines[1].rstrip().endswith("long")


def test_on_a_terminal_there_is_a_row_for_each_step() -> None:
    shown, text = console(terminal=True)
    with LiveBoard(shown, ["First", "Second", "Third"]) as board:
        board.begin(0)
        board.done("17 things")
        board.begin(1)
        board.tell("half of it")
        rows = [list(column.cells) for column in board.table().columns]
        assert [str(cell) for cell in rows[1]] == ["First", "Second", "Third"]
        assert [str(cell) for cell in rows[2]] == ["17 things", "half of it", ""]
        board.fail("for a reason")
    assert "✔" in text.getvalue()
    assert "✘" in text.getvalue()
    assert "for a reason" in text.getvalue()


def test_the_whole_story_fits_into_a_terminal_of_80_columns_and_24_lines() -> None:
    shown, text = console(terminal=False)
    board = LiveBoard(shown, [step.title for step in STORY])
    for number in range(len(STORY)):
        board.begin(number)
        board.done("x" * 41)
    shown.print(board.table())
    lines = text.getvalue().splitlines()
    assert len(lines) == len(STORY) <= 20
    assert all("…" not in line.removeprefix("✔  …") for line in lines)
