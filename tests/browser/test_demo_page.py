"""The demo's page: both sides next to each other, with the real service between them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from contact_sync.demo.story import World
from contact_sync.demo.story.steps import import_all, install, start


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """The demo's servers, installed and with all contacts on both sides."""
    with World() as world:
        for step in (start, install, import_all):
            step(world)
        yield world


@pytest.fixture
def opened(page: Page, world: World) -> Iterator[Page]:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(world.page.url)
    expect(page.locator("#crm .count")).to_contain_text("contacts")
    yield page
    assert [text for text in complaints if "422" not in text] == []


def row(page: Page, side: str, text: str) -> Locator:
    return page.locator(f"#{side} tbody tr", has_text=text)


def open_editor(page: Page, side: str, text: str) -> Locator:
    row(page, side, text).locator(".name button").click()
    return page.get_by_role("dialog")


def test_both_sides_are_shown_with_their_pairs(opened: Page, world: World) -> None:
    ivy = row(opened, "crm", "ivy@example.com")
    partner = ivy.locator(".pair").inner_text().removeprefix("↔").strip()
    assert world.platform.contacts[partner]["email"] == "ivy@example.com"
    ivy.locator(".pair button").click()
    found = opened.locator(f"#platform tr[data-id='{partner}']")
    expect(found).to_be_in_viewport()
    expect(found).to_contain_text("ivy@example.com")


def test_an_edit_on_the_platform_appears_in_the_crm(opened: Page, world: World) -> None:
    dialog = open_editor(opened, "platform", "thorunn@example.org")
    dialog.get_by_label("birthdate").fill("2001-02-03")
    dialog.get_by_label("balance").fill("12.34")
    dialog.get_by_label("lastname").fill("Ægis 🌳")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    there = row(opened, "crm", "thorunn@example.org")
    expect(there).to_contain_text("03/02/2001")
    expect(there).to_contain_text("1234")
    expect(there).to_contain_text("Ægis 🌳")


def test_an_edit_in_the_crm_appears_on_the_platform(opened: Page, world: World) -> None:
    dialog = open_editor(opened, "crm", "kalliopi@example.org")
    dialog.get_by_label("born_on").fill("04/05/1966")
    dialog.get_by_label("opted_in").select_option("yes")
    dialog.get_by_label("tags").fill('["vip", "été"]')
    dialog.get_by_label("properties.family_name").fill("")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    there = row(opened, "platform", "kalliopi@example.org")
    expect(there).to_contain_text("1966-05-04")
    expect(there.locator("td.name")).to_have_text("Καλλιόπη")
    id = there.get_attribute("data-id")
    contact = world.platform.contacts[str(id)]
    assert (contact["newsletter"], contact["tags"], contact["lastname"]) == (True, '["vip","été"]', None)


def test_a_contact_is_made_on_either_side_and_deleted_on_the_other(opened: Page, world: World) -> None:
    for side, other, field in (("platform", "crm", "email"), ("crm", "platform", "properties.email")):
        email = f"made.on.{side}@example.com"
        opened.locator(f"#{side}").get_by_role("button", name="New contact").click()
        dialog = opened.get_by_role("dialog")
        dialog.get_by_label(field, exact=True).fill(email)
        dialog.get_by_role("button", name="Save").click()
        expect(row(opened, other, email).locator(".pair button")).to_have_count(1)
        expect(row(opened, side, email).locator(".pair button")).to_have_count(1)
        dialog = open_editor(opened, other, email)
        dialog.get_by_role("button", name="Delete").click()
        dialog.get_by_role("button", name="Really delete?").click()
        expect(row(opened, other, email)).to_have_count(0)
        expect(row(opened, side, email)).to_have_count(0)


def test_what_is_edited_while_the_crm_is_down_waits_and_arrives_when_it_is_back(opened: Page, world: World) -> None:
    switch = opened.get_by_role("switch", name="CRM is up")
    waiting = opened.locator("#waiting")
    expect(switch).to_be_checked()
    expect(waiting).to_have_text("")
    switch.click()
    expect(switch).not_to_be_checked()
    expect(switch).to_have_text("down")
    dialog = open_editor(opened, "platform", "aglaya@example.net")
    dialog.get_by_label("lastname").fill("Meanwhile")
    dialog.get_by_role("button", name="Save").click()
    expect(waiting).to_have_text("1 waiting")
    dialog = open_editor(opened, "crm", "aglaya@example.net")
    dialog.get_by_label("properties.phone").fill("1")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_have_text("the CRM is down")
    dialog.get_by_role("button", name="Cancel").click()
    expect(row(opened, "crm", "aglaya@example.net")).not_to_contain_text("Meanwhile")
    switch.click()
    expect(switch).to_be_checked()
    expect(row(opened, "crm", "aglaya@example.net")).to_contain_text("Meanwhile")
    expect(waiting).to_have_text("")
    assert not world.backlog().failed


def test_what_a_side_does_not_take_is_said_and_nothing_is_lost(opened: Page) -> None:
    dialog = open_editor(opened, "crm", "aglaya@example.net")
    dialog.get_by_label("notes").fill("typed already")
    for field, wrong, said in (
        ("order_count", "many", "order_count: a number is expected"),
        ("order_count", "1.5", "order_count: a whole number is expected"),
        ("preferences", "{", "preferences: JSON is expected"),
        ("customer_since", "once upon a time", "customer_since: a day such as 2018-02-09 is expected"),
    ):
        before = dialog.get_by_label(field).input_value()
        dialog.get_by_label(field).fill(wrong)
        dialog.get_by_role("button", name="Save").click()
        expect(dialog.get_by_role("alert")).to_contain_text(said)
        expect(dialog.get_by_label(field)).to_have_accessible_description(re.compile(said.partition(": ")[2]))
        expect(dialog.get_by_label(field)).to_be_focused()
        assert dialog.locator("[aria-invalid]").count() == 1
        dialog.get_by_label(field).fill(before)
        expect(dialog.locator("[aria-invalid]")).to_have_count(0)
    expect(dialog.get_by_label("notes")).to_have_value("typed already")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)


def test_what_the_platform_takes_and_the_crm_could_not_hold_is_said_beside_the_field(
    opened: Page, world: World
) -> None:
    before = dict(world.platform.contacts)
    dialog = open_editor(opened, "platform", "aglaya@example.net")
    dialog.get_by_label("birthdate").fill("soon")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_label("birthdate")).to_have_accessible_description(re.compile("expected a date such as "))
    dialog.get_by_role("button", name="Cancel").click()
    assert world.platform.contacts == before


@pytest.mark.parametrize("cell", ["td.id", "td.email", "td.day", "td.money"])
def test_a_click_anywhere_in_a_row_opens_it(opened: Page, cell: str) -> None:
    row(opened, "crm", "ivy@example.com").locator(cell).click()
    expect(opened.get_by_role("dialog").get_by_label("properties.email")).to_have_value("ivy@example.com")


def test_saving_without_an_edit_changes_nothing(opened: Page, world: World) -> None:
    """Line breaks, tabs and blanks go through a form's fields without being touched."""
    for email in ("tab@example.com", "padma@example.com", "lukasz.wojcik@example.com"):
        before = world.crm_contacts()
        dialog = open_editor(opened, "crm", email)
        dialog.get_by_role("button", name="Save").click()
        expect(dialog).to_have_count(0)
        assert world.crm_contacts() == before


def test_hostile_text_is_only_text(opened: Page) -> None:
    """The `page` fixture fails if a script of a contact opens a dialog."""
    hostile = row(opened, "platform", "markup@example.com")
    expect(hostile.locator("td.name")).to_have_text("<b>Bold</b> <script>alert(1)</script>")
    dialog = open_editor(opened, "platform", "markup@example.com")
    expect(dialog.get_by_label("notes")).to_have_value("<img src=x onerror=alert(2)>")
    assert opened.locator("tbody :is(b, img, script), dialog :is(b, img, script)").count() == 0


def test_the_search_keeps_pairs_together(opened: Page) -> None:
    opened.get_by_label("Search").fill("29 02 ???")
    expect(opened.locator("#crm tbody tr:visible")).to_have_count(0)
    opened.get_by_label("Search").fill("layla.haddad@")
    for side in ("platform", "crm"):
        expect(opened.locator(f"#{side} tbody tr:visible")).to_have_count(1)
    opened.get_by_label("Search").fill("")
    expect(opened.locator("#crm tbody tr:visible")).not_to_have_count(1)


def test_the_editor_fits_into_a_small_window(opened: Page) -> None:
    opened.set_viewport_size({"width": 700, "height": 420})
    dialog = open_editor(opened, "crm", "zoe@example.net")
    expect(dialog.get_by_role("button", name="Save")).to_be_in_viewport(ratio=1)
    dialog.get_by_label("notes").scroll_into_view_if_needed()
    expect(dialog.get_by_label("notes")).to_be_in_viewport()
