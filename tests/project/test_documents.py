"""Whatever the documents show is true: the code runs, the commands exist, the links lead somewhere."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import pytest
import yaml

from contact_sync.cli import main
from tests.project.markdown import ROOT, Block, anchors, blocks, documents, links

DOCUMENTS = documents()
WITH_PYTHON = [path for path in DOCUMENTS if path.parent.parent.name != "examples" and blocks(path, "python", "pycon")]


def name_of(value: object) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


def shown(*languages: str) -> list[Block]:
    return [block for path in DOCUMENTS for block in blocks(path, *languages)]


@pytest.mark.parametrize("document", WITH_PYTHON, ids=name_of)
def test_a_documents_python_runs_as_it_stands(document: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.project.run_blocks", str(document)],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_python_that_is_not_run_is_at_least_python(document: Path) -> None:
    for block in blocks(document, "python"):
        assert compile("\n" * (block.line - 1) + block.code, str(document), "exec") is not None


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_yaml_and_json_can_be_read(document: Path) -> None:
    for block in blocks(document, "yaml", "json"):
        read = json.loads if block.language == "json" else yaml.safe_load
        assert read(block.code) is not None, f"{block} is empty"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(document: Path) -> None:
    for link in links(document):
        target = urlsplit(link)
        if target.scheme:
            assert target.scheme == "https", f"{document.name}: {link}"
            continue
        file = (document.parent / unquote(target.path)).resolve() if target.path else document
        assert file.exists(), f"{document.name} links to {link}, which is not there"
        assert file.is_relative_to(ROOT), f"{document.name} links to {link}, outside of the project"
        if target.fragment:
            assert target.fragment in anchors(file), f"{document.name} links to {link}; no heading has that anchor"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_the_commands_that_are_shown_exist(document: Path) -> None:
    for block in blocks(document, "console"):
        for words in commands(block.code):
            problem = wrong_with(words)
            assert problem is None, f"{block}: `{shlex.join(words)}`: {problem}"


def test_plain_shell_blocks_are_not_used_since_console_ones_are_checked() -> None:
    assert [str(block) for block in shown("sh", "shell", "bash", "")] == []


def commands(code: str) -> Iterator[list[str]]:
    """The words of each line that begins with a prompt, without comments, assignments and what is piped on."""
    for line in code.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            words = shlex.split(line[2:], comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words.pop(0)
            ends = [at for at, word in enumerate(words) if word in {"|", "&", "&&", ">", "||"}]
            yield words[: min(ends, default=len(words))]


def wrong_with(words: list[str]) -> str | None:
    match words:
        case ["contact-sync", *rest]:
            return wrong_with_our_command(rest)
        case ["make", target, *_]:
            targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
            return None if target in targets else "there is no such target"
        case ["cd", folder]:
            return None if (ROOT / folder).is_dir() else "there is no such folder"
        case ["pip", "install", *_]:
            return wrong_with_extras(" ".join(words))
    return None


def wrong_with_our_command(words: list[str]) -> str | None:
    command: click.Command = main
    while isinstance(command, click.Group):
        words = words[sum(isinstance(parameter, click.Argument) for parameter in command.params) :]  # MODULE:SYNC
        if not words or words[0].startswith("-"):
            break
        if words[0] not in command.commands:
            return f"there is no command {words[0]!r}"
        command, words = command.commands[words[0]], words[1:]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    unknown = {word.split("=")[0] for word in words if word.startswith("-")} - known - {"--help"}
    return f"there is no option {', '.join(sorted(unknown))}" if unknown else None


def wrong_with_extras(line: str) -> str | None:
    from importlib.metadata import metadata

    known = set(metadata("contact-sync").get_all("Provides-Extra") or ())
    used = {name for names in re.findall(r"\[([\w, -]+)\]", line) for name in re.split(r"\s*,\s*", names)}
    return f"there is no extra {', '.join(sorted(used - known))}" if used - known else None


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("contact-sync nonsense", "there is no command 'nonsense'"),
        ("contact-sync serve app:sync --nonsense 1", "there is no option --nonsense"),
        ("make nonsense", "there is no such target"),
        ("cd examples/nonsense", "there is no such folder"),
        ("pip install 'contact-sync[sql,nonsense]'", "there is no extra nonsense"),
    ],
)
def test_a_command_that_does_not_exist_would_be_noticed(line: str, problem: str) -> None:
    assert wrong_with(shlex.split(line)) == problem


@pytest.mark.parametrize(
    "code",
    ["1 / 0", "import warnings\nwarnings.warn('old', DeprecationWarning)", "from contact_sync import nonsense"],
    ids=["raises", "warns", "imports"],
)
def test_code_that_does_not_run_would_be_noticed(tmp_path: Path, code: str) -> None:
    document = tmp_path / "page.md"
    document.write_text(f"# Page\n\n```python\n{code}\n```\n")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.project.run_blocks", str(document)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert f'"{document}", line {3 + code.count(chr(10)) + 1}' in done.stderr
