"""Reading the documents: their code blocks, links and headings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

_FENCE: Final = re.compile(r"^( *)(```+|~~~+)\s*(\S*)")
_NOT_RUN: Final = re.compile(r"^<!-- not run: .{5,} -->$")
_LINK: Final = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)[^)]*\)")


@dataclass(frozen=True)
class Block:
    """A fenced block of a document.

    Attributes:
        line: The line number of its first line of code, from 1.
        not_run: Whether the line above says `<!-- not run: why -->`.
    """

    path: Path
    line: int
    language: str
    code: str
    not_run: bool

    @property
    def file(self) -> str | None:
        """The name of the file that it shows, if its first line is a comment with nothing but that name."""
        named = re.match(r"# ([\w-]+\.(?:py|ya?ml))\n", self.code)
        return named[1] if named else None

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def documents() -> list[Path]:
    """Every document that readers are meant to read."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/README.md")])


def blocks(path: Path, *languages: str) -> list[Block]:
    """The fenced blocks of a document in any of these languages, in order."""
    return [block for block in _all_blocks(path) if block.language in languages]


def links(path: Path) -> list[str]:
    """The targets of the document's links, outside of code."""
    return _LINK.findall(re.sub(r"`[^`\n]*`", "", _prose(path)))


def anchors(path: Path) -> set[str]:
    """The anchors of the document's headings, made GitHub's way."""
    found: set[str] = set()
    for title in re.findall(r"^#{1,6} +(.+?)\s*$", _prose(path), flags=re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()
        anchor = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        number = 0
        while (unique := f"{anchor}-{number}" if number else anchor) in found:
            number += 1
        found.add(unique)
    return found


def _all_blocks(path: Path) -> list[Block]:
    found = []
    lines = path.read_text("utf-8").splitlines()
    number = 0
    while number < len(lines):
        fence = _FENCE.match(lines[number])
        if not fence:
            number += 1
            continue
        indent, marks, language = fence.groups()
        start = number + 1
        end = next(
            (n for n in range(start, len(lines)) if lines[n].strip() == marks),
            None,
        )
        assert end is not None, f"{path}:{start}: the block is never closed"
        code = "".join(line.removeprefix(indent) + "\n" for line in lines[start:end])
        above = next((line for line in reversed(lines[:number]) if line.strip()), "")
        found.append(Block(path, start + 1, language, code, bool(_NOT_RUN.match(above.strip()))))
        number = end + 1
    return found


def _prose(path: Path) -> str:
    text = path.read_text("utf-8")
    return re.sub(r"^( *)(```+|~~~+).*?^\1\2\s*$", "", text, flags=re.MULTILINE | re.DOTALL)
