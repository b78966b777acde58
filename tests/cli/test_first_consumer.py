"""The page "from new to a proven consumer in an hour", followed from the first block to the last."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from contact_sync.testing.sandbox import SandboxPlatform
from tests.cli.helpers import Project, Service, process, started, wait_until
from tests.platforms.servers import free_port
from tests.project.markdown import ROOT, Block, blocks

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

PAGE = ROOT / "docs" / "first-consumer.md"

ZENITH = "http://127.0.0.1:8901"
SERVICE = "http://127.0.0.1:3000"


@dataclass
class Reader:
    """Somebody who follows the page.

    Attributes:
        project: The folder that they are in.
        platform: The sandbox, in place of the one that the page starts.
        running: Ends, with the reader, what was started.
        addresses: The addresses that the page shows, each with the one that it has here.
        env: What was exported.
        done: The commands that were run, in order.
    """

    project: Project
    platform: SandboxPlatform
    running: contextlib.ExitStack
    addresses: dict[str, str] = field(default_factory=lambda: {SERVICE: f"http://127.0.0.1:{free_port()}"})
    env: dict[str, str] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    def follow(self, block: Block) -> None:
        """Do what a block shows."""
        if block.language == "console":
            for command, shown in commands(block.code):
                output = self.run(self.here(command))
                for line in shown:
                    assert_shows(output, line, f"{block}: {command}")
                self.done.append(command)
        elif block.language == "ini":
            file = self.project.folder / ".env"
            for line in self.here(block.code).splitlines():
                name = line.partition("=")[0]
                file.write_text(re.sub(rf"(?m)^{name}=.*$", line, file.read_text("utf-8")), "utf-8")
        elif block.file is not None:
            self.project.write(block.file, block.code)
        else:
            name, piece = block.code.split("\n", 1)
            put(self.project.folder / name.removeprefix("# "), piece)

    def here(self, text: str) -> str:
        """A text of the page, with the addresses of this machine."""
        for shown, real in self.addresses.items():
            text = text.replace(shown, real)
        return text

    def run(self, command: str) -> str:
        """Run a command; what it printed."""
        words = shlex.split(command)
        for begin, action in self.actions.items():
            if words[: len(begin)] == list(begin):
                return action(words)
        raise AssertionError(f"the page shows a command that nobody here runs: {command}")

    @property
    def actions(self) -> dict[tuple[str, ...], Callable[[list[str]], str]]:
        """What is done for commands that begin with these words."""
        return {
            ("pip", "install"): lambda words: "",  # it is installed
            ("contact-sync", "new"): self.make,
            ("contact-sync", "check"): lambda words: self.end("-m", "contact_sync.cli", *words[1:]),
            ("contact-sync", "sandbox"): lambda words: "",  # the fixture's
            ("contact-sync", "serve"): self.serve,
            ("contact-sync", "pull"): self.pull,
            ("python", "zenith_crm.py"): self.start_zenith,
            ("python", "-m", "pytest"): self.test,
            ("export",): self.export,
            ("unset",): self.unset,
            ("curl",): self.create_and_look,
        }

    def end(self, *arguments: str) -> str:
        """Run Python until it ends."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.project.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"} | self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.stdout + done.stderr

    def make(self, words: list[str]) -> str:
        assert words[3:] == ["&&", "cd", words[2]]
        output = self.end("-m", "contact_sync.cli", *words[1:3])
        self.project = Project(self.project.folder / words[2])
        return output

    def test(self, words: list[str]) -> str:
        """Run the project's tests: of the new one a few, since its own test runs them all, and then what may fail."""
        first = "python -m pytest" not in self.done
        chosen = "test_sync or create" if first else "not converge and not hostile and not survive"
        return self.end(*words[1:], "-p", "no:cacheprovider", "-k", chosen)

    def start_zenith(self, words: list[str]) -> str:
        # Beside the folder of the project, where the page has it saved.
        file = self.project.folder / words[1]
        file.rename(self.project.folder.parent / words[1])
        beside = Project(self.project.folder.parent)
        zenith = self.running.enter_context(process(beside, words[1], "0"))
        zenith.wait_for("Zenith listens on")
        self.addresses[ZENITH] = zenith.address
        return zenith.log.replace(zenith.address, ZENITH)

    def export(self, words: list[str]) -> str:
        self.env |= dict(word.split("=", 1) for word in words[1:])
        return ""

    def unset(self, words: list[str]) -> str:
        for name in words[1:]:
            del self.env[name]
        return ""

    def serve(self, words: list[str]) -> str:
        port = self.addresses[SERVICE].rpartition(":")[2]
        serving = started(self.project, *words[1:], "--port", port, ready=True, **self.env)
        service: Service = self.running.enter_context(serving)
        assert self.platform.install(service.address).state == "delivered"
        return service.log.replace(service.address, SERVICE)

    def create_and_look(self, words: list[str]) -> str:
        """Create a contact on the platform, as its page does, and look for it in Zenith."""
        self.platform.create_contact({"email": "ana@example.org", "firstname": "Ana"})
        name, value = words[2].split(": ")

        def people() -> str:
            return requests.get(words[3], headers={name: value}, timeout=10).text

        wait_until(lambda: "ana@example.org" in people())
        return people()

    def pull(self, words: list[str]) -> str:
        return "" if "--every" in words else self.end("-m", "contact_sync.cli", *words[1:])


def commands(code: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a block, each with the lines that are shown below it."""
    for part in re.split(r"(?m)^\$ ", code)[1:]:
        command, *shown = part.splitlines()
        yield command, shown


def assert_shows(output: str, line: str, where: str) -> None:
    """An output holds what the page shows of it; … stands for anything."""
    plain = " ".join(output.split())
    at = 0
    for piece in line.split("…"):
        wanted = " ".join(piece.split())
        found = plain.find(wanted, at)
        assert found >= 0, f"{where}: {wanted!r} is not in\n{output}"
        at = found + len(wanted)


def put(file: Path, piece: str) -> None:
    """Put a piece of Python into a file: in place of what has the same name, otherwise behind the rest."""
    for node in ast.parse(piece).body:
        for part in node.body if isinstance(node, ast.ClassDef) else [node]:
            source = file.read_text("utf-8")
            where = ast.parse(source).body
            if isinstance(node, ast.ClassDef):
                [home] = [one for one in where if isinstance(one, ast.ClassDef) and one.name == node.name]
                where = home.body
            same = [one for one in where if name_of(one) == name_of(part)]
            others = [one for one in where if isinstance(one, type(part))]
            lines = source.splitlines()
            new = piece.splitlines()[part.lineno - 1 : part.end_lineno]
            if same:
                lines[same[0].lineno - 1 : same[0].end_lineno] = new
            else:
                end = (others or where)[-1].end_lineno
                lines[end:end] = new if isinstance(part, ast.ImportFrom) else ["", *new]
            file.write_text("\n".join(lines) + "\n", "utf-8")


def name_of(node: ast.stmt) -> object:
    """By what a statement is recognised as the same."""
    match node:
        case ast.FunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case ast.ImportFrom(module=module):
            return f"from {module}"
    return ast.dump(node)


@pytest.fixture
def reader(tmp_path: Path, sandbox_platform: SandboxPlatform) -> Iterator[Reader]:
    with contextlib.ExitStack() as running:
        yield Reader(Project(tmp_path), sandbox_platform, running)


def test_whoever_follows_the_page_has_a_proven_consumer(reader: Reader) -> None:
    for block in blocks(PAGE, "python", "console", "ini"):
        reader.follow(block)
    assert [command for command in reader.done if "pytest" in command] == [
        "python -m pytest",
        "python -m pytest -x",
        "python -m pytest -x",
        "python -m pytest -x",
        "python -m pytest",
    ]
