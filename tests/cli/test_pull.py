"""`contact-sync pull`: for one and for all, again and again, and how it stops."""

from __future__ import annotations

import re
import signal

import pytest

from contact_sync.testing.sandbox import SandboxPlatform
from tests.cli.helpers import PATIENCE, Project, Result, started, wait_until
from tests.cli.test_installations import KEY, STORE, installed

PROGRAM = f"""
import json
import os
import time
from pathlib import Path

from contact_sync import Changes, ContactSync, Result
from contact_sync.testing import MemoryConsumer
from mappers import Mapping


class Telling(MemoryConsumer):
    # Tells the pages of a file, each under its number; waits before a page for as long as a file names it.

    def list_changed(self, cursor=None):
        for number, page in enumerate(json.loads(Path("pages.json").read_text()), 1):
            if number <= int(cursor or 0):
                continue
            while Path(f"hold-{{number}}").exists():
                Path(f"held-{{number}}").touch()
                time.sleep(0.02)
            if page == "away":
                yield Result.failed("the CRM is away", retryable=True)
                return
            yield Changes(cursor=str(number), **page)


rows = [Mapping("id", "ref", id=True), Mapping("email", "mail", match=True), Mapping("born", "born_on", type="date")]
crm = Telling(id_field="ref", email_field="mail")
crm.lacks = ()
sync = ContactSync(crm, rows, {STORE!r}, secret_keys=[{KEY!r}], installations="any")
"""


@pytest.fixture
def pulled(project: Project, sandbox_platform: SandboxPlatform) -> Project:
    """A program whose CRM has nothing to tell yet, installed."""
    project.write("program.py", PROGRAM)
    project.write("pages.json", "[]")
    installed(STORE, sandbox_platform.token)
    return project


def pull(project: Project, *options: str) -> Result:
    return project.run("pull", "program:sync", *options)


def ana(ref: int, **more: str) -> str:
    fields = "".join(f', "{name}": "{value}"' for name, value in more.items())
    return f'{{"ref": {ref}, "mail": "ana-{ref}@example.com"{fields}}}'


def told(project: Project, *pages: str) -> None:
    """Let the CRM tell these pages."""
    project.write("pages.json", f"[{', '.join(pages)}]")


def test_what_has_changed_is_applied_and_counted_and_then_there_is_nothing_new(
    pulled: Project, sandbox_platform: SandboxPlatform
) -> None:
    told(pulled, f'{{"contacts": [{ana(1)}, {ana(2)}]}}')
    first = pull(pulled)
    assert first.code == 0
    assert re.fullmatch(r"token:[0-9a-f]{32}: 2 created, in \d s\n", first.out)
    assert {contact["email"] for contact in sandbox_platform.contacts.values()} == {
        "ana-1@example.com",
        "ana-2@example.com",
    }
    again = pull(pulled)
    assert (again.code, again.out.split(": ", 1)[1]) == (0, "nothing new, in 0 s\n")
    told(pulled, '{"contacts": []}', f'{{"contacts": [{ana(1)}], "deleted": ["2"]}}')
    last = pull(pulled)
    assert (last.code, last.out.split(": ", 1)[1]) == (0, "1 deleted, 1 unchanged, in 0 s\n")
    assert len(sandbox_platform.contacts) == 1


def test_every_installation_is_pulled_for_or_the_one_that_is_named(
    pulled: Project, sandbox_platform: SandboxPlatform
) -> None:
    other = installed(STORE, sandbox_platform.issue_token())
    named = pull(pulled, "--installation", other)
    assert (named.code, named.out) == (0, f"{other}: nothing new, in 0 s\n")
    assert len(pull(pulled).out.splitlines()) == 2


def test_a_token_pulls_for_its_installation(
    pulled: Project, sandbox_platform: SandboxPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", sandbox_platform.token)
    result = pull(pulled, "--token-env", "TOKEN")
    assert (result.code, result.out) == (0, "the token's installation: nothing new, in 0 s\n")
    both = pull(pulled, "--token-env", "TOKEN", "--installation", "client:acme")
    assert (both.code, both.err) == (2, "Error: --installation, --token-env and --ask-token exclude each other\n")


def test_what_fails_is_named_without_its_values_and_the_rest_is_applied(pulled: Project) -> None:
    told(pulled, f'{{"contacts": [{ana(1, born_on="the day before")}, {ana(2)}, {{"mail": "bea@example.com"}}]}}')
    result = pull(pulled)
    assert result.code == 1
    assert "1 created, 2 failed" in result.out
    assert result.err.splitlines()[0].startswith('  1: external field "born_on": expected a date')
    assert result.err.splitlines()[1].startswith("  a record without an id: ")
    assert "bea@" not in result.err
    assert "the day before" not in result.err


def test_of_many_that_fail_the_first_ten_are_named(pulled: Project) -> None:
    told(pulled, f'{{"contacts": [{", ".join(ana(ref, born_on="never") for ref in range(1, 14))}]}}')
    result = pull(pulled)
    assert (result.code, len(result.err.splitlines()), result.err.splitlines()[-1]) == (1, 11, "  and 3 more")


def test_a_crm_that_is_away_is_said_and_the_next_pull_goes_on_from_there(pulled: Project) -> None:
    told(pulled, f'{{"contacts": [{ana(1)}]}}', '"away"')
    result = pull(pulled)
    assert (result.code, "1 created" in result.out) == (1, True)
    assert result.err.endswith(": not finished: the CRM is away\n")
    told(pulled, f'{{"contacts": [{ana(1)}]}}', f'{{"contacts": [{ana(2)}]}}')
    assert "1 created, in" in pull(pulled).out


def test_a_consumer_that_cannot_tell_what_has_changed_needs_full(
    project: Project, sandbox_platform: SandboxPlatform
) -> None:
    program = "plain = MemoryConsumer([{'mail': 'ana@example.com'}], id_field='ref', email_field='mail')\n"
    program += f"sync = ContactSync(plain, rows, {STORE!r}, secret_keys=[{KEY!r}])\n"
    project.write("program.py", PROGRAM + program)
    installed(STORE, sandbox_platform.token)
    refused = pull(project)
    assert (refused.code, refused.out) == (1, "")
    assert "not finished: MemoryConsumer has no list_changed" in refused.err
    assert "--full" in refused.err
    full = pull(project, "--full")
    assert (full.code, full.out.split(": ", 1)[1]) == (0, "1 created, in 0 s\n")
    assert pull(project, "--full").out.split(": ", 1)[1] == "nothing to do (1 record unchanged), in 0 s\n"


def test_with_nobody_installed_there_is_nobody_to_pull_for(project: Project) -> None:
    project.write("program.py", PROGRAM)
    result = pull(project)
    assert (result.code, result.err) == (1, "Error: nothing is installed here, so there is nobody to pull for\n")


def test_a_store_in_memory_cannot_be_pulled_into_from_here(project: Project) -> None:
    result = project.run("pull", project.sync("memory://"))
    assert result.code == 1
    assert "no other process can look into it" in result.err


def test_an_installation_whose_token_cannot_be_read_is_named(
    project: Project, sandbox_platform: SandboxPlatform
) -> None:
    project.write("program.py", PROGRAM)
    id = installed(STORE, sandbox_platform.token, keys=())
    result = pull(project)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"{id}: not finished: no token of this installation can be read")


def test_it_pulls_again_and_again_until_it_is_stopped_also_while_the_crm_is_away(
    pulled: Project, sandbox_platform: SandboxPlatform
) -> None:
    first, second = f'{{"contacts": [{ana(1)}]}}', f'{{"contacts": [{ana(2)}]}}'
    told(pulled, first)
    with started(pulled, "pull", "program:sync", "--every", "1") as service:
        service.wait_for("1 created")
        told(pulled, first, '"away"')
        service.wait_for("not finished: the CRM is away")
        told(pulled, first, second)
        wait_until(lambda: service.log.count("1 created") == 2)
        service.signal(signal.SIGTERM)
        assert service.end() == 0
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  token:\S+ 1 created, in", service.log, re.MULTILINE)
    assert len(sandbox_platform.contacts) == 2


@pytest.mark.parametrize(("options", "code"), [(("--every", "1"), 0), ((), 1)], ids=["service", "once"])
def test_a_stop_lets_the_page_in_hand_be_applied_and_the_next_pull_goes_on_from_there(
    pulled: Project, sandbox_platform: SandboxPlatform, options: tuple[str, ...], code: int
) -> None:
    """A single pull that did not come to its end has failed."""
    told(pulled, f'{{"contacts": [{ana(1)}]}}', f'{{"contacts": [{ana(2)}]}}', f'{{"contacts": [{ana(3)}]}}')
    pulled.write("hold-2", "")
    other = installed(STORE, sandbox_platform.issue_token())
    with started(pulled, "pull", "program:sync", *options, ready=False) as service:
        wait_until((pulled.folder / "held-2").exists)
        service.signal(signal.SIGTERM)
        wait_until(lambda: "Stopping after the page in hand" in service.log)
        (pulled.folder / "hold-2").unlink()
        assert service.end() == code
    assert "stopped after a page; the next pull goes on from there" in service.log
    assert "Stopped; not pulled for: token:" in service.log
    assert service.log.count("2 created") == 1
    (one,) = re.findall(r"(token:\S+): 2 created", service.log)
    rest = pull(pulled, "--installation", one)
    assert (rest.code, rest.out.split(": ", 1)[1]) == (0, "1 created, in 0 s\n")
    assert other in service.log


def test_a_second_signal_ends_it_at_once(pulled: Project) -> None:
    told(pulled, f'{{"contacts": [{ana(1)}]}}')
    pulled.write("hold-1", "")
    with started(pulled, "pull", "program:sync", ready=False) as service:
        wait_until((pulled.folder / "held-1").exists)
        service.signal(signal.SIGTERM)
        service.wait_for("Stopping after the page in hand")
        service.signal(signal.SIGTERM)
        assert service.end(PATIENCE) == 1
    assert "created" not in service.log
