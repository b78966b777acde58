"""`contact-sync demo` as a user runs it: a real process, which leaves nothing behind however it ends."""

from __future__ import annotations

import io
import os
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from contact_sync.demo import run_demo
from contact_sync.demo.crm import Did
from contact_sync.demo.story import STORY, Step, World
from contact_sync.demo.story import service as service_module
from contact_sync.demo.story.down import crm_back, crm_down
from contact_sync.demo.story.steps import check_both, import_all, install, start
from contact_sync.demo.story.tools import unsettled, until

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

DEMO = [sys.executable, "-m", "contact_sync.cli", "demo"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a space in its path: to run in, and for temporary files."""
    folder = tmp_path / "a folder"
    (folder / "temporary files").mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(folder / "temporary files"))
    return folder


def left_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name != "temporary files"]


def descendants(pid: int) -> set[int]:
    """All processes that a process has started, and those that they have."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = status.read_text()
        except OSError:
            continue  # it has just ended
        parents[int(status.parent.name)] = int(text.rpartition(")")[2].split()[1])
    found: set[int] = set()
    while new := {child for child, parent in parents.items() if parent in found | {pid}} - found:
        found |= new
    return found


def is_there(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def running(folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        DEMO, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], wanted: str) -> str:
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if wanted in line:
            return text
    pytest.fail(f"the demo ended before it said {wanted!r}:\n{text}")


def test_played_once_it_checks_everything_and_ends_with_0(folder: Path) -> None:
    done = subprocess.run(
        [*DEMO, "--once"], cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    *steps, empty, last = done.stdout.splitlines()
    assert [re.sub(r"^ok +[0-9.]+ s  (.*?): .*$", r"\1", line) for line in steps] == [step.title for step in STORY]
    assert empty == ""
    assert re.search(r"The CRM goes down: 11 queued with 200 and wait; [0-9]+ tries", done.stdout)
    assert re.search(r"The CRM is back: 11 arrived in order, by [6-8] writes; 0 wait", done.stdout)
    saved = re.search(r"unchanged, no call; ([0-9]+) calls saved", done.stdout)
    assert saved
    assert int(saved[1]) >= 200, "each contact of the import came back once"
    assert re.fullmatch(
        rf"All {len(STORY)} steps went well, in [0-9.]+ s\. "
        r"Both sides agreed in 202 contacts and 3,434 fields; 0 pairs are left\.",
        last,
    )
    assert left_in(folder) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stays_up_until_it_is_stopped_and_leaves_nothing_behind(folder: Path, number: signal.Signals) -> None:
    with running(folder) as process:
        said = read_until(process, "until Ctrl-C")
        ports = [int(port) for port in re.findall(r"http://127\.0\.0\.1:([0-9]+)/", said)]
        children = descendants(process.pid)
        assert len(ports) == 4
        assert children
        for port in ports:
            socket.create_connection(("127.0.0.1", port), timeout=10).close()
        process.send_signal(number)
        assert process.wait(60) == 0
    assert [pid for pid in children if is_there(pid)] == []
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=10)
    assert left_in(folder) == []


def test_stopped_in_the_middle_of_the_story_it_leaves_nothing_behind(folder: Path) -> None:
    with running(folder) as process:
        read_until(process, STORY[0].title)
        children = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert children
    assert [pid for pid in children if is_there(pid)] == []
    assert left_in(folder) == []


def played(*steps: Step) -> tuple[int, str]:
    """Play another story in this process."""
    text = io.StringIO()
    code = run_demo(once=True, steps=steps, console=Console(file=text, width=80, highlight=False))
    return code, text.getvalue()


def test_a_difference_that_was_planted_is_found_and_named(folder: Path) -> None:
    """Somebody writes into the CRM's records without anybody noticing."""

    def plant(world: World) -> str:
        world.records.change(1007, {"notes": "planted"})
        world.records.remove(1013)
        return "two differences"

    code, said = played(
        Step("Start", start),
        Step("Install", install),
        Step("Import", import_all),
        Step("Plant", plant),
        Step("Check both sides", check_both),
        Step("Never", plant),
    )
    assert code == 1
    assert re.search(r"^FAILED .*Check both sides: .*CRM contact 1007: notes differs", said, re.MULTILINE)
    assert "CRM contact 1013 is paired, but gone" in said
    assert "Never" not in said
    assert "The last lines of the service:" in said
    assert "planted" not in said.replace("Plant: ", "")
    assert left_in(folder) == []


def test_an_event_that_gets_lost_while_the_crm_is_down_is_found(folder: Path) -> None:
    """Somebody takes out of the inbox what waits for a contact that is new."""

    def lose(world: World) -> str:
        waiting = unsettled(world)
        count = Counter(record.contact for record in waiting)
        lost = next(one for one in waiting if one.name == "contact_created" and count[one.contact] == 1)
        until(world, lambda: world.inbox.drop(lost.id).success, "it is dropped, once no worker has it")
        return f"contact {lost.contact}"

    code, said = played(
        Step("Start", start),
        Step("Install", install),
        Step("Import", import_all),
        Step("Down", crm_down),
        Step("Lose", lose),
        Step("Back", crm_back),
    )
    assert code == 1
    lost = re.search(r"Lose: contact ([0-9]+)", said)
    assert lost
    assert re.search(rf"^FAILED .*Back: platform contact {lost[1]} is in no pairs$", said, re.MULTILINE)


def test_a_write_that_is_made_twice_after_the_crm_was_down_is_found(folder: Path) -> None:
    def repeat(world: World) -> str:
        noted = world.crm_journal.note

        def note(by: str, did: Did, id: int) -> None:
            noted(by, did, id)
            if did == "updated":
                noted(by, did, id)

        world.crm_journal.note = note  # type: ignore[method-assign]
        return "each update counts as two"

    code, said = played(
        Step("Start", start),
        Step("Install", install),
        Step("Import", import_all),
        Step("Down", crm_down),
        Step("Repeat", repeat),
        Step("Back", crm_back),
    )
    assert code == 1
    found = r"^FAILED .*Back: CRM [0-9]+ was \[('.*', )?'updated', 'updated'.*\], though the inbox says \[.*'updated'"
    assert re.search(found, said, re.MULTILINE)


def test_a_service_that_does_not_come_up_is_said_with_what_it_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "APP", "no_such_module:sync")
    code, said = played(Step("Start", start), Step("Never", install))
    assert code == 1
    assert re.search(r"^FAILED .*Start: the service ended with code [1-9]", said, re.MULTILINE)
    assert "no_such_module" in said.partition("The last lines of the service:")[2]
    assert left_in(folder) == []


def test_a_service_that_is_not_ready_in_time_is_stopped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "START_SECONDS", 0.0)
    before = descendants(os.getpid())
    code, said = played(Step("Start", start))
    assert (code, "the service is not ready after 0 s" in said) == (1, True)
    assert descendants(os.getpid()) <= before


def test_a_service_that_was_stopped_does_not_start_any_more(folder: Path) -> None:
    """Ctrl-C may come just before it would have started."""
    service = service_module.Service(folder / "service.log")
    service.stop()
    with pytest.raises(RuntimeError, match="stopped before"):
        service.start({})


def test_a_service_that_does_not_stop_is_stopped_by_force(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is held still, so that it cannot even notice that it is to stop."""
    monkeypatch.setattr(service_module, "STOP_SECONDS", 0.2)
    frozen: list[int] = []

    def freeze(_: World) -> str:
        for pid in descendants(os.getpid()):
            if "contact_sync.demo" in Path(f"/proc/{pid}/cmdline").read_text():
                os.kill(pid, signal.SIGSTOP)
                frozen.append(pid)
        return "frozen"

    code, _ = played(Step("Start", start), Step("Freeze", freeze))
    assert frozen
    assert [pid for pid in frozen if is_there(pid)] == []
    assert code == 0
    assert left_in(folder) == []
