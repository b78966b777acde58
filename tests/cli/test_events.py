"""`contact-sync events`: what is listed and shown of events, and what is done with them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from contact_sync.delivery.base import IN_FLIGHT_STAYS, NO_SUCH_EVENT, NOT_FAILED, OLDER, SETTLED_STAYS
from tests.cli.crm import CRM
from tests.cli.helpers import PATIENCE, Project, started, wait_until
from tests.cli.storing import Storing, apply_all, storing

HOSTILE = "x\x1b[2J[red]\u202e\u2028 y"


@pytest.fixture(params=["sqlite", "postgresql", "valkey"])
def shop(
    request: pytest.FixtureRequest, project: Project, crm: CRM, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Storing]:
    url = "sqlite:///inbox.db" if request.param == "sqlite" else request.getfixturevalue(request.param).url
    yield storing(project, crm, monkeypatch, url)
    if "program" in sys.modules:
        sys.modules["program"].delivery.close()  # before what it works on is gone


@pytest.fixture
def file(project: Project, crm: CRM, monkeypatch: pytest.MonkeyPatch) -> Storing:
    """A program that stores events in a file, where nothing depends on the kind of database."""
    return storing(project, crm, monkeypatch)


def fail(shop: Storing, id: str, **contact: Any) -> str:
    """Have an event fail for good. Its id."""
    shop.crm.refusing[f"{id}@example.com"] = 422
    event = shop.send(id, email=f"{id}@example.com", **contact)
    apply_all()
    assert shop.state(event) == "failed"
    return event


def test_without_events_nothing_waits(shop: Storing) -> None:
    assert shop.run().out == "Nothing waits, and nothing has failed.\n"
    assert shop.run("--json").json == {"waiting": 0, "in_flight": 0, "failed": 0, "oldest": None, "events": []}


def test_it_lists_how_much_there_is_and_what_wants_attention_first(shop: Storing) -> None:
    failed = fail(shop, "bea", firstname="Bea")
    first = shop.send("1", email="ana@example.com")
    second = shop.send("2", "contact_deleted")
    lines = shop.run().out.splitlines()
    assert lines[0].startswith("1 failed, 0 in flight, 2 waiting; the oldest arrived ")
    header, _, *rows = lines[2:]
    assert header.split() == ["Id", "Event", "Contact", "State", "Age", "Tries"]
    assert [line.split()[:4] for line in rows if line and not line.startswith(" ")][:3] == [
        [failed, "created", "bea", "failed"],
        [first, "created", "1", "waiting"],
        [second, "deleted", "2", "waiting"],
    ]
    assert any(line.startswith("  given up ") and "HTTP 422" in line for line in rows)
    assert lines[-1] == "Try again with: contact-sync events program:sync retry ID, or --all"
    assert "@example" not in "".join(lines)


def test_json_has_all_that_is_known_of_each(shop: Storing) -> None:
    failed = fail(shop, "bea")
    whole = shop.run("--json").json
    assert (whole["failed"], whole["waiting"], whole["in_flight"], whole["oldest"]) == (1, 0, 0, None)
    [event] = whole["events"]
    assert event == shop.run("show", failed, "--json").json
    [attempt] = event.pop("attempts")
    times = [event.pop("arrived"), event.pop("settled"), attempt["at"]]
    assert times == sorted(times)
    assert all(datetime.fromisoformat(time).utcoffset() is not None for time in times)
    assert attempt["error"] == event["error"]
    assert "HTTP 422" in event.pop("error")
    assert event.pop("installation").startswith("token:")
    assert event == {
        "id": failed,
        "contact": "bea",
        "side": "botmatic",
        "name": "contact_created",
        "state": "failed",
        "due": None,
        "action": None,
        "tries": 1,
    }


def test_it_lists_what_is_asked_for(shop: Storing) -> None:
    failed = fail(shop, "bea")
    applied = shop.send("1", email="ana@example.com")
    apply_all()
    waiting = [shop.send("1", "contact_updated", email="a@example.com"), shop.send("2"), shop.send("2", token="other")]

    def ids(*options: str) -> list[str]:
        return [event["id"] for event in shop.listed(*options)]

    assert ids() == [failed, *waiting]
    assert ids("--state", "waiting") == waiting
    assert ids("--state", "applied", "--state", "failed") == [failed, applied]
    assert ids("--contact", "1") == [waiting[0]]
    assert ids("--contact", "1", "--state", "applied") == [applied]
    other = shop.listed("--contact", "2")[1]["installation"]
    assert ids("--installation", other) == [waiting[2]]
    assert ids("--installation", "client:nobody") == []
    assert ids("--limit", "1") == [failed, waiting[0]]
    assert "At most 1 of a state are listed; --limit N lists more." in shop.run("--limit", "1").out
    assert "At most" not in shop.run().out
    assert f"  of {other}" in shop.run().out  # several installations: it is said whose


def test_what_an_id_holds_does_nothing_to_the_terminal(shop: Storing) -> None:
    event = shop.send(HOSTILE)
    for shown in (shop.run().out, shop.run("show", event).out, shop.run("drop", event, input="n\n").out):
        assert not set(shown) & set("\x1b\u202e\u2028")
        assert r"x\x1b[2J[red]" in shown
    assert shop.listed("--contact", HOSTILE)[0]["contact"] == HOSTILE


@pytest.mark.parametrize("id", ["0" * 32, "nothing", HOSTILE, "\udcff", "'; DROP TABLE x; --", "9" * 10_000])
def test_an_id_of_no_event_is_no_event(shop: Storing, id: str) -> None:
    for command in ("show", "drop", "retry"):
        result = shop.run(command, id)
        assert result.code == 1
        assert NO_SUCH_EVENT in result.err
        assert "\x1b" not in result.err


def test_show_tells_every_try_that_failed(shop: Storing) -> None:
    shop.crm.refusing["ana@example.com"] = 503
    event = shop.send("1", email="ana@example.com")
    with started(shop.project, "worker", "program:sync"):
        wait_until(lambda: shop.run("show", event, "--json").json["tries"] >= 2)
        del shop.crm.refusing["ana@example.com"]
        wait_until(lambda: shop.state(event) == "applied")
    known = shop.run("show", event, "--json").json
    assert len(known["attempts"]) == known["tries"] - 1
    shown = shop.run("show", event).out
    assert "contact_created" in shown
    assert "applied: created " in shown
    assert shown.count("HTTP 503") == len(known["attempts"])


def test_a_dead_letter_is_tried_again(shop: Storing) -> None:
    event = fail(shop, "bea")
    shop.crm.refusing.clear()
    result = shop.run("retry", event)
    assert (result.code, result.out) == (0, "1 event is tried again.\n")
    apply_all()
    assert shop.state(event) == "applied"
    assert [record["mail"] for record in shop.crm.records.values()] == ["bea@example.com"]


def test_what_cannot_be_tried_again_is_said_and_the_rest_is(shop: Storing) -> None:
    failed, waiting = fail(shop, "bea"), shop.send("1", email="ana@example.com")
    result = shop.run("retry", waiting, "nothing", failed)
    assert (result.code, result.out) == (1, "1 event is tried again.\n")
    assert result.err.splitlines() == [f"{waiting}: {NOT_FAILED}", f"nothing: {NO_SUCH_EVENT}"]
    assert shop.state(failed) == "waiting"


def test_one_that_is_older_than_what_was_applied_since_needs_a_word_more(shop: Storing) -> None:
    event = fail(shop, "bea", firstname="Bea")
    shop.send("bea", "contact_updated", email="b@example.com", firstname="Beatrice")
    apply_all()
    shop.crm.refusing.clear()
    refused = shop.run("retry", event)
    assert (refused.code, refused.out) == (1, "0 events are tried again.\n")
    assert refused.err.splitlines() == [
        f"{event}: {OLDER}",
        "What is older is tried again with --although-older, and then writes over what came later.",
    ]
    assert shop.run("retry", event, "--although-older").code == 0
    apply_all()
    assert [record["first_name"] for record in shop.crm.records.values()] == ["Bea"]


def test_all_that_failed_is_tried_again_in_the_order_in_which_it_came(file: Storing) -> None:
    file.crm.refusing = {"bea@example.com": 422, "b@example.com": 422}
    first = file.send("bea", email="bea@example.com", firstname="Bea")
    apply_all()
    second = file.send("bea", "contact_updated", email="b@example.com", firstname="Beatrice")
    apply_all()
    assert file.run("retry", "--all", input="n\n").code == 1
    assert {file.state(first), file.state(second)} == {"failed"}
    file.crm.refusing = {}
    with started(file.project, "worker", "program:sync"):  # it applies each as soon as it can
        result = file.run("retry", "--all", input="y\n")
        assert (result.code, result.out) == (0, "Try 2 events again? [y/N]: y\n2 events are tried again.\n")
        wait_until(lambda: not file.listed())
    assert [record["first_name"] for record in file.crm.records.values()] == ["Beatrice"]


def test_all_of_an_installation_are_tried_again(file: Storing) -> None:
    mine = fail(file, "bea")
    file.crm.refusing["eve@example.com"] = 422
    other = file.send("eve", email="eve@example.com", token="other")
    apply_all()
    whose = file.run("show", other, "--json").json["installation"]
    assert file.run("retry", "--all", "--installation", whose, "--yes").out == "1 event is tried again.\n"
    assert [file.state(mine), file.state(other)] == ["failed", "waiting"]


def test_nothing_that_failed_leaves_nothing_to_try_again(file: Storing) -> None:
    result = file.run("retry", "--all")
    assert (result.code, result.out) == (0, "Nothing has failed.\n")


def test_an_event_is_dropped_after_asking_and_never_applied(shop: Storing) -> None:
    failed, waiting = fail(shop, "bea"), shop.send("1", email="ana@example.com")
    assert shop.run("drop", failed, waiting, input="n\n").code == 1
    assert [shop.state(failed), shop.state(waiting)] == ["failed", "waiting"]
    result = shop.run("drop", failed, waiting, input="y\n")
    assert result.code == 0
    assert f"{waiting}: contact_created of contact 1 of token:" in result.out
    assert result.out.endswith("Drop them, so that they are never applied? [y/N]: y\n2 events are dropped.\n")
    assert shop.listed() == []
    shop.crm.refusing.clear()
    apply_all()
    assert shop.crm.records == {}


def test_what_is_in_flight_or_applied_is_not_dropped(file: Storing) -> None:
    applied = file.send("1", email="ana@example.com")
    apply_all()
    in_flight = file.send("2", email="bea@example.com", firstname="held")
    with started(file.project, "worker", "program:sync"):
        assert file.crm.entered.acquire(timeout=PATIENCE)
        waiting = file.send("3", email="eve@example.com")
        result = file.run("drop", in_flight, applied, "--yes")
        assert (result.code, result.out) == (1, "0 events are dropped.\n")
        assert result.err.splitlines() == [f"{in_flight}: {IN_FLIGHT_STAYS}", f"{applied}: {SETTLED_STAYS}"]
        file.crm.let_go.set()
        wait_until(lambda: not file.listed())
    assert file.state(waiting) == "applied"


def test_who_has_no_worker_is_asked_about_it(file: Storing, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = "Events are due, and none is in flight: is a worker running? contact-sync worker program:sync\n"
    file.send("1", email="ana@example.com")
    assert asked not in file.run().out
    monkeypatch.setattr("contact_sync.cli.event_rows.LATE_SECONDS", -1.0)
    assert file.run().out.endswith(asked)


def test_without_rich_json_still_works(file: Storing, monkeypatch: pytest.MonkeyPatch) -> None:
    event = file.send("1", email="ana@example.com")
    for name in ["rich", *(name for name in sys.modules if name.startswith("rich."))]:
        monkeypatch.setitem(sys.modules, name, None)
    assert [one["id"] for one in file.listed()] == [event]
    assert file.run("retry", event).code == 1
    result = file.run()
    assert result.code == 2
    assert "events needs the package 'rich', which is not installed; pip install 'contact-sync[server]'" in result.err


@pytest.mark.parametrize("command", [(), ("--json",), ("show", "x"), ("retry", "--all"), ("drop", "x"), ("--watch",)])
def test_within_their_request_no_events_wait(project: Project, command: tuple[str, ...]) -> None:
    result = project.run("events", project.sync("sqlite:///pairs.db"), *command)
    assert result.code == 2
    assert "program:sync applies events within their request (its delivery is inline), so none ever" in result.err


def test_an_inbox_in_a_folder_that_is_not_there_is_one_line(project: Project) -> None:
    target = project.sync("sqlite:///pairs.db", delivery="'sqlite:////nowhere/inbox.db'", secret_keys="['k' * 32]")
    result = project.run("events", target)
    assert result.code == 1
    assert result.err.count("\n") == 1
    assert result.err.startswith("Error: the delivery: ")
    assert not Path("/nowhere").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("retry",), "Error: say which: the IDs of events, or --all\n"),
        (("retry", "x", "--all"), "Error: say which: the IDs of events, or --all\n"),
        (("retry", "x", "--installation", "y"), "Error: --installation goes with --all; an ID says for whom it is\n"),
        (("drop",), "Missing argument 'ID...'"),
        (("show",), "Missing argument 'ID'"),
        (("nope",), "No such command 'nope'"),
        (("--nope",), "No such option '--nope'"),
        (("--state", "lost"), "Invalid value for '--state'"),
        (("--limit", "0"), "Invalid value for '--limit'"),
        (("--watch", "--limit", "50"), "Error: --watch shows all there is; leave out --state, "),
        (("--json", "show", "x"), "Error: options of 'show' come after it; those before it are of the list"),
        (("--watch", "--contact", "1"), "Error: --watch shows all there is; leave out --state, "),
    ],
)
def test_what_makes_no_sense_is_refused(project: Project, arguments: tuple[str, ...], said: str) -> None:
    result = project.run("events", "program:sync", *arguments)
    assert result.code == 2
    assert said in result.err


def test_who_forgets_the_module_is_told_that_it_comes_first(project: Project) -> None:
    result = project.run("events", "show", "x")
    assert (result.code, result.err) == (
        2,
        "Error: MODULE:SYNC comes before 'show': contact-sync events app:sync show …\n",
    )


@pytest.mark.parametrize("arguments", [("--help",), ("program:sync", "--help"), ("show", "--help")])
def test_every_command_explains_itself(project: Project, arguments: tuple[str, ...]) -> None:
    result = project.run("events", *arguments)
    assert result.code == 0
    assert result.out.startswith("Usage: contact-sync events ")


def test_the_options_of_the_list_may_stand_on_either_side_of_the_module(file: Storing) -> None:
    file.send("1", email="ana@example.com")
    before = file.project.run("events", "--state", "waiting", "program:sync", "--json")
    after = file.project.run("events", "program:sync", "--json", "--state", "waiting")
    assert before.out == after.out
    assert len(after.json["events"]) == 1
