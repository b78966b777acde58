"""`contact-sync check`, the doctor: what it finds, and that nothing ends it."""

from __future__ import annotations

import pytest

from contact_sync.testing.sandbox import SandboxPlatform
from tests.cli.crm import CRM
from tests.cli.helpers import FIVE_METHODS, SYNC, Checked, Project
from tests.cli.storing import apply_all, storing
from tests.cli.test_installations import KEY, STORE, installed
from tests.platforms.servers import free_port
from tests.servers import Valkey

KEYS = f"[{KEY!r}]"

pytestmark = pytest.mark.usefixtures("sandbox_platform")

UNSEEN = "what a service keeps in memory cannot be seen from another process"

AWAY = "BotmaticPlatform('http://127.0.0.1:9', retries=0)"


def test_all_is_well(project: Project, sandbox_platform: SandboxPlatform) -> None:
    project.sync(STORE, secret_keys=KEYS)
    id = installed(STORE, sandbox_platform.token)
    checked = project.check("--installation", id)
    assert checked.code == 0
    assert checked.states() == dict.fromkeys(
        [
            "mapping",
            "endpoint",
            "authorization",
            "secret keys",
            "key store",
            "abilities",
            "delivery",
            "installations",
            "platform",
            "token",
            "consumer",
            "updates",
            "matching",
            "CRM abilities",
        ],
        "ok",
    )
    assert checked["mapping"] == ("ok", "2 rows, ids in 'ref', matched by email")
    assert checked["endpoint"] == ("ok", "POST / on the default server")
    assert checked["platform"][1].startswith(f"{sandbox_platform.url}, answers in ")
    assert sandbox_platform.token not in checked.text


def test_the_table_shows_a_row_for_each_and_a_remedy_below(project: Project) -> None:
    project.sync("memory://", auth="allow_any_token", platform=AWAY)
    result = project.run("check", "program:sync")
    assert result.code == 1
    lines = [line.strip() for line in result.out.splitlines()]
    assert next(line for line in lines if "authorization" in line).split() == [
        "warn",
        "authorization",
        "everybody",
        "(allow_any_token)",
    ]
    assert any(line.startswith("→ Leave auth out, or give a function") for line in lines)
    assert any(line.split()[:2] == ["fail", "platform"] for line in lines)
    assert lines[-1] == "1 of 14 checks failed."


def test_without_failures_the_table_counts_the_warnings(project: Project) -> None:
    project.sync("memory://", secret_keys=KEYS, auth="lambda token: True")
    result = project.run("check", "program:sync")
    assert result.code == 0
    assert result.out.splitlines()[-1] == "Nothing failed; 1 warning."


def test_a_program_that_is_set_up_for_trying_out_gets_warnings(project: Project) -> None:
    project.write(
        "program.py",
        f"{SYNC}\nsync = ContactSync(crm, [Mapping('id', 'ref', id=True)], 'memory://', auth=allow_any_token)\n",
    )
    checked = project.check()
    assert checked.code == 0
    assert {name for name, state in checked.states().items() if state == "warn"} == {
        "mapping",
        "authorization",
        "secret keys",
        "key store",
    }
    assert checked["mapping"] == ("warn", "1 row, ids in 'ref', matched by nothing")
    assert checked["token"] == ("skipped", "none given")


def test_without_any_installation_it_is_said_how_to_get_one(project: Project) -> None:
    project.sync(STORE)
    assert project.check()["installations"] == ("skipped", "none yet")


def test_what_a_service_keeps_in_memory_is_not_judged_from_here(
    project: Project, sandbox_platform: SandboxPlatform
) -> None:
    project.write("program.py", f"{SYNC}\nsync = ContactSync(lambda auth: crm, FIELDS, 'memory://')\n")
    checked = project.check("--ask-token", input=f"{sandbox_platform.token}\n")
    assert checked.code == 0
    assert checked["installations"] == ("skipped", UNSEEN)
    assert checked["token"] == (
        "skipped",
        f"confirmed by the platform; whether it is installed is not known: {UNSEEN}",
    )
    assert checked["consumer"][0] == "ok"
    assert "Install the integration" not in checked.text
    remedies = {finding["name"]: finding["remedy"] for finding in checked.all}
    assert remedies["installations"] == remedies["token"] == "Use sqlite:///pairs.db or another store"
    refused = project.check("--ask-token", input="a-token-of-nobody\n")
    assert refused["token"][0] == "fail"


def test_an_installation_in_the_memory_of_a_service_cannot_be_checked_with(project: Project) -> None:
    project.write("program.py", f"{SYNC}\nsync = ContactSync(lambda auth: crm, FIELDS, 'memory://')\n")
    checked = project.check("--installation", "client:acme")
    assert checked.code == 0
    assert checked["token"] == ("skipped", UNSEEN)
    assert checked["consumer"] == ("skipped", "nobody to ask for")
    remedies = {finding["name"]: finding["remedy"] for finding in checked.all}
    assert remedies["consumer"] == "Pass --token-env NAME or --ask-token: there is a CRM account for each"


def test_a_function_that_authorizes_is_named(project: Project) -> None:
    project.write(
        "program.py",
        f"{SYNC}\ndef by_our_list(token):\n    return False\n\n"
        "sync = ContactSync(crm, FIELDS, 'memory://', auth=by_our_list)\n",
    )
    assert project.check()["authorization"] == ("ok", "decided by by_our_list")


def test_an_app_of_the_users_own_is_said_to_be_one(project: Project) -> None:
    project.write(
        "program.py",
        f"{SYNC}\nfrom flask import Flask\n"
        "sync = ContactSync(crm, FIELDS, 'memory://', server=Flask('own'), endpoint='/botmatic')\n",
    )
    assert project.check()["endpoint"] == ("ok", "POST /botmatic on an app of its own")


def test_an_endpoint_that_cannot_be_served_fails(project: Project) -> None:
    project.sync("memory://", endpoint="'/healthz'")
    state, detail = project.check()["endpoint"]
    assert state == "fail"
    assert detail.startswith("endpoint: the default server answers '/healthz' itself")


def test_what_a_users_store_lacks_is_named_with_what_it_costs(project: Project) -> None:
    project.write("program.py", FIVE_METHODS)
    checked = project.check()
    assert checked["key store"][0] == "ok"
    state, detail = checked["abilities"]
    assert state == "warn"
    assert "Leases (two processes may work on one contact at once and create it twice)" in detail
    assert detail.endswith("PairBatches, PairListing, Ping")


def test_a_store_that_is_down_fails_and_the_other_checks_are_made(project: Project, private_valkey: Valkey) -> None:
    project.sync(private_valkey.url.replace("//", "//somebody:hush-hush@"))
    private_valkey.stop()
    checked = project.check()
    assert checked.code == 1
    assert checked["key store"][0] == "fail"
    assert checked["key store"][1].startswith("RedisKeyStore: Redis cannot be reached")
    assert checked["installations"][0] == "fail"
    assert checked["platform"][0] == "ok"
    assert checked["consumer"][0] == "ok"
    assert "hush" not in checked.text


def test_a_store_that_raises_something_else_fails_without_its_message(project: Project) -> None:
    project.write(
        "program.py",
        FIVE_METHODS + "\ndef raises(*ids):\n    raise ValueError('ana@example.com')\n"
        "sync.key_store.get_external_id = raises\n",
    )
    checked = project.check()
    assert checked["key store"] == ("fail", "the check of the key store raised ValueError")
    assert "ana@" not in checked.text


def test_a_platform_that_cannot_be_reached_fails(project: Project) -> None:
    project.sync("memory://", platform=AWAY)
    state, detail = project.check()["platform"]
    assert state == "fail"
    assert detail.startswith("http://127.0.0.1:9: ")


def test_a_platform_that_confirms_anything_is_none(project: Project) -> None:
    project.write(
        "program.py",
        f"{SYNC}\nfrom contact_sync import Result\n"
        "class Anything(BotmaticPlatform):\n    def validate_token(self, token):\n        return Result.ok()\n"
        "sync = ContactSync(crm, FIELDS, 'memory://', platform=Anything('https://example.com'))\n",
    )
    assert project.check()["platform"] == ("fail", "https://example.com confirms any token")


def test_a_token_of_the_environment_is_checked(
    project: Project, sandbox_platform: SandboxPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.sync(STORE, secret_keys=KEYS)
    installed(STORE, sandbox_platform.token)
    monkeypatch.setenv("TOKEN", sandbox_platform.token)
    checked = project.check("--token-env", "TOKEN")
    assert checked["token"] == ("ok", "confirmed by the platform")
    assert sandbox_platform.token not in checked.text


def test_a_token_is_asked_for_without_showing_it(project: Project, sandbox_platform: SandboxPlatform) -> None:
    project.sync(STORE)
    result = project.run("check", "program:sync", "--ask-token", input=f"{sandbox_platform.token}\n")
    assert "Token:" in result.err
    assert "confirmed, but not installed here" in result.out
    assert sandbox_platform.token not in result.out + result.err


def test_a_token_that_the_platform_refuses_fails(project: Project, sandbox_platform: SandboxPlatform) -> None:
    project.sync(STORE)
    state, detail = project.check("--ask-token", input="a-token-of-nobody\n")["token"]
    assert state == "fail"
    assert detail.startswith("the platform does not confirm it: ")


def test_a_token_that_the_users_function_refuses_fails(project: Project) -> None:
    project.sync(STORE, auth="lambda token: False")
    checked = project.check("--ask-token", input="a-token\n")
    assert checked["token"] == ("fail", "the auth function refuses this token")


def test_a_token_that_cannot_be_checked_now_fails_with_another_remedy(project: Project) -> None:
    project.sync(STORE, platform=AWAY)
    checked = project.check("--ask-token", input="a-token\n")
    [finding] = [finding for finding in checked.all if finding["name"] == "token"]
    assert (finding["state"], finding["remedy"]) == ("fail", "Try again later")


def test_an_installation_without_a_readable_token_is_a_warning(
    project: Project, sandbox_platform: SandboxPlatform
) -> None:
    project.sync(STORE)
    id = installed(STORE, sandbox_platform.token, keys=())
    checked = project.check("--installation", id)
    assert checked["installations"] == ("warn", "1, 1 of them without a readable token")
    assert checked["token"][0] == "fail"


@pytest.mark.parametrize("crm", ["crm", "lambda auth: crm"])
def test_an_installation_that_is_not_there_fails_and_it_is_said_what_lists_them(project: Project, crm: str) -> None:
    project.write("program.py", f"{SYNC}\nsync = ContactSync({crm}, FIELDS, {STORE!r}, secret_keys={KEYS})\n")
    checked = project.check("--installation", "client:nobody")
    assert checked.code == 1
    failed = [finding for finding in checked.all if finding["state"] == "fail"]
    assert [finding["name"] for finding in failed] == (["token"] if crm == "crm" else ["token", "consumer"])
    assert {(finding["detail"], finding["remedy"]) for finding in failed} == {
        (
            "there is no such installation",
            "Name one that there is: 'contact-sync installations app:sync list' lists them",
        )
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--token-env", "TOKEN", "--ask-token"), "--token-env, --ask-token and --installation exclude each other"),
        (("--token-env", "NO_SUCH_VARIABLE"), "--token-env: the environment variable NO_SUCH_VARIABLE is not set"),
    ],
)
def test_options_that_make_no_sense_are_refused(project: Project, options: tuple[str, ...], said: str) -> None:
    result = project.run("check", project.sync("memory://"), *options)
    assert (result.code, result.err) == (2, f"Error: {said}\n")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ConnectionError('ana@example.com')", "Odd.list_contacts raised ConnectionError"),
        (
            "return {'success': False, 'error': 'the account is suspended'}",
            "Odd.list_contacts: the account is suspended",
        ),
        ("return {'success': True}", "Odd.list_contacts succeeded without 'contacts'"),
        ("return None", "Odd.list_contacts returned nothing; expected a Result or a dict with a 'success'"),
        ("hang.wait(3)", "no answer within 0.5 s"),
    ],
    ids=["raises", "fails", "no contacts", "nothing", "hangs"],
)
def test_a_consumer_that_cannot_list_fails(project: Project, body: str, said: str) -> None:
    project.write("program.py", program_with(body))
    checked = project.check("--timeout", "0.5")
    assert checked.code == 1
    assert checked["consumer"] == ("fail", said)
    assert "ana@" not in checked.text


def test_records_without_an_id_where_the_mapping_looks_for_it_fail(project: Project) -> None:
    records = "[{'ref': 1}, {'id': 2, 'mail': 'ana@example.com'}]"
    project.write("program.py", program_with(f"return {{'success': True, 'contacts': {records}}}"))
    checked = project.check()
    assert checked["records"] == ("fail", "1 of 2 have no usable id in 'ref'")
    assert "ana@" not in checked.text


def test_records_that_cannot_be_mapped_fail_with_the_row_and_without_the_value(project: Project) -> None:
    records = "[{'ref': 1, 'born_on': 'the day before yesterday'}, {'ref': 2, 'born_on': '2001-02-03'}]"
    project.write("program.py", program_with(f"return {{'success': True, 'contacts': {records}}}"))
    state, detail = project.check()["records"]
    assert state == "fail"
    assert detail.startswith("1 of 2 cannot be mapped: ")
    assert "born_on" in detail
    assert "yesterday" not in detail


def test_records_that_are_in_order_are_said_to_be(project: Project) -> None:
    project.write("program.py", program_with("return {'success': True, 'contacts': [{'ref': 1}]}"))
    checked = project.check()
    assert checked["consumer"][1].startswith("Odd lists 1 record in ")
    assert checked["records"][0] == "ok"


def test_with_one_account_a_tenant_somebody_has_to_be_named(
    project: Project, sandbox_platform: SandboxPlatform
) -> None:
    project.write(
        "program.py", f"{SYNC}\nsync = ContactSync(lambda auth: crm, FIELDS, {STORE!r}, secret_keys={KEYS})\n"
    )
    assert project.check()["consumer"] == ("skipped", "nobody to ask for")
    named = project.check("--installation", installed(STORE, sandbox_platform.token))
    assert named["consumer"][0] == "ok"
    assert named["consumer"][1].startswith("MemoryConsumer lists 0 records in ")


def test_a_consumer_function_that_gives_no_consumer_fails(project: Project, sandbox_platform: SandboxPlatform) -> None:
    project.write("program.py", f"{SYNC}\nsync = ContactSync(lambda auth: 3, FIELDS, {STORE!r})\n")
    checked = project.check("--ask-token", input=f"{sandbox_platform.token}\n")
    assert checked["consumer"] == ("fail", "the consumer function returned int; expected an ExternalAPIConsumer")


def test_a_consumer_of_a_token_that_is_refused_fails(project: Project) -> None:
    project.write(
        "program.py",
        f"{SYNC}\nsync = ContactSync(lambda auth: crm, FIELDS, {STORE!r}, auth=lambda token: False)\n",
    )
    checked = project.check("--ask-token", input="a-token\n")
    assert checked["consumer"] == ("fail", "the auth function refuses this token")


def test_what_an_update_holds_is_said(project: Project) -> None:
    project.write("program.py", program_with("return {'success': True, 'contacts': []}"))
    assert project.check()["updates"] == ("ok", "all mapped fields of a change")
    project.write("partial.py", f"{SYNC}\ncrm.partial_updates = True\nsync = ContactSync(crm, FIELDS, 'memory://')\n")
    found = Checked(project.run("check", "partial:sync", "--json"))
    assert found["updates"] == ("ok", "the changed fields alone (partial_updates)")


def test_match_rows_that_cannot_be_searched_are_named(project: Project) -> None:
    rows = "[*FIELDS, Mapping('phone', 'mobile', type='phone', match=True), Mapping('no', 'no', match=True)]"
    project.write(
        "program.py",
        f"{SYNC}\nfrom contact_sync import ExternalAPIConsumer\n"
        "class Plain(MemoryConsumer):\n    find_contact = ExternalAPIConsumer.find_contact\n"
        f"sync = ContactSync(Plain(email_field='mail'), {rows}, 'memory://')\n",
    )
    checked = project.check()
    assert checked["matching"] == ("warn", "Plain finds e-mail addresses alone, and nobody by phone, no")
    project.write("finding.py", f"{SYNC}\nsync = ContactSync(crm, {rows}, 'memory://')\n")
    found = Checked(project.run("check", "finding:sync", "--json"))
    assert found["matching"] == ("ok", "by find_contact")


def test_with_addresses_alone_to_match_by_the_six_methods_are_enough(project: Project) -> None:
    project.write(
        "program.py",
        f"{SYNC}\nfrom contact_sync import ExternalAPIConsumer\n"
        "class Plain(MemoryConsumer):\n    find_contact = ExternalAPIConsumer.find_contact\n"
        "sync = ContactSync(Plain(id_field='ref', email_field='mail'), FIELDS, 'memory://')\n",
    )
    assert project.check()["matching"] == ("ok", "by get_contact_by_email")


def test_without_secret_keys_it_is_said_what_baselines_are_worth(project: Project) -> None:
    project.sync(STORE)
    [found] = [finding for finding in project.check().all if finding["name"] == "secret keys"]
    assert (found["state"], found["detail"]) == ("warn", "none; the key of the baselines lies beside them in the store")
    assert found["remedy"].endswith("who reads the store can try out values on the baselines")


def program_with(list_contacts: str) -> str:
    """A program whose consumer lists contacts like this."""
    return f"""{SYNC}
import threading

hang = threading.Event()

class Odd(MemoryConsumer):
    def list_contacts(self, page=1, limit=30):
        {list_contacts}

odd = Odd(id_field="ref", email_field="mail")
sync = ContactSync(odd, [*FIELDS, Mapping("birthdate", "born_on", type="date")], "memory://")
"""


DURABLE = "'sqlite:///inbox.db'"


def test_an_inline_delivery_is_named_with_what_else_there_is(project: Project) -> None:
    project.sync(STORE)
    checked = project.check()
    assert checked["delivery"] == ("ok", "inline: events are applied within their request")
    remedies = {finding["name"]: finding["remedy"] for finding in checked.all}
    assert (
        remedies["delivery"]
        == 'A durable one, such as delivery="sqlite:///inbox.db", loses nothing while the CRM is away'
    )


def test_a_durable_delivery_that_answers_is_in_order(project: Project) -> None:
    project.sync(STORE, delivery=DURABLE, secret_keys=KEYS)
    checked = project.check()
    state, detail = checked["delivery"]
    assert (state, detail.startswith("inbox (SQLite), answers in ")) == ("ok", True)
    assert checked["events"] == ("ok", "Nothing waits, and nothing has failed.")


def test_a_durable_delivery_without_secret_keys_is_warned_of(project: Project) -> None:
    project.sync(STORE, delivery=DURABLE)
    state, detail = project.check()["delivery"]
    assert (state, detail.endswith("; what waits is not encrypted")) == ("warn", True)


def test_a_durable_delivery_that_is_away_fails(project: Project) -> None:
    away = f"postgresql://hush:hush@127.0.0.1:{free_port()}/contacts"
    project.sync(STORE, delivery=repr(away), secret_keys=KEYS)
    checked = project.check()
    state, detail = checked["delivery"]
    assert (checked.code, state) == (1, "fail")
    assert detail.startswith("inbox (PostgreSQL): ")
    assert "hush" not in checked.text


def test_dead_letters_are_warned_of_with_how_to_see_them(
    project: Project, crm: CRM, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = storing(project, crm, monkeypatch)
    crm.refusing["ana@example.com"] = 422
    shop.send("1", email="ana@example.com")
    apply_all()
    checked = project.check()
    assert checked["events"] == ("warn", "1 failed, 0 in flight, 0 waiting.")
    assert "contact-sync events app:sync" in checked.text
