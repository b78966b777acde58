"""Runs a document's Python blocks, from top to bottom, in one namespace, in the current folder.

Started by the tests as a program of its own: `python -W error -m tests.project.run_blocks DOCUMENT`.
"""

from __future__ import annotations

import doctest
import importlib
import os
import sys
from pathlib import Path

from tests.project.markdown import Block, blocks


def run(document: Path) -> None:
    """Run a document's blocks. Anything that goes wrong in one raises, with the document's own line numbers."""
    namespace: dict[str, object] = {"__name__": "document"}
    sys.path.insert(0, os.getcwd())
    for block in blocks(document, "python", "pycon", "yaml"):
        if block.file is not None:
            Path(block.file).write_text(block.code, "utf-8")
            if block.language == "python":
                importlib.invalidate_caches()
                module = importlib.import_module(block.file.removesuffix(".py"))
                namespace |= {name: value for name, value in vars(module).items() if not name.startswith("__")}
        elif block.language == "pycon":
            _check_session(block, namespace)
        elif block.language == "python" and not block.not_run:
            source = "\n" * (block.line - 1) + block.code
            exec(compile(source, str(block.path), "exec"), namespace)


def _check_session(block: Block, namespace: dict[str, object]) -> None:
    session = doctest.DocTestParser().get_doctest(block.code, namespace, str(block), str(block.path), block.line - 1)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    if runner.run(session, clear_globs=False).failed:
        sys.exit(f"{block}: what is shown is not what comes out")
    namespace.update(session.globs)


if __name__ == "__main__":
    run(Path(sys.argv[1]))
