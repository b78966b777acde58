"""Where settings pages can be reached, and what stays as it was on the app that they are mounted on."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Blueprint, Flask, redirect, request
from werkzeug.wrappers import Response

from contact_sync.errors import ConfigurationError
from contact_sync.settings_page import SettingsPages
from tests.settings_page.helpers import PLATFORM, TOKEN, Site, verify

AUTHORIZED = {"token": TOKEN}


@pytest.mark.parametrize("prefix", [None, "", "/", "/botmatic", "/botmatic/", "/a/b"])
@pytest.mark.parametrize("path", ["/settings", "/settings/"])
def test_a_page_is_reached_below_any_prefix_with_and_without_a_trailing_slash(prefix: str | None, path: str) -> None:
    site = Site(url_prefix=prefix)
    at = (prefix or "").rstrip("/")
    assert site.client.get(f"{at}{path}", query_string=AUTHORIZED).status_code == 200
    assert site.client.post(f"{at}{path}", json=AUTHORIZED).json == {"success": True}


@pytest.mark.parametrize("prefix", [None, "/botmatic"])
def test_a_path_may_be_the_root_of_the_prefix(prefix: str | None) -> None:
    site = Site(url_prefix=prefix)
    site.pages.on_page("/", lambda auth: "the root")
    assert "the root" in site.client.get(f"{prefix or ''}/", query_string=AUTHORIZED).text
    assert "the root" in site.client.get(prefix or "/", query_string=AUTHORIZED).text


def test_functions_can_be_given_at_any_time() -> None:
    site = Site(url_prefix="/botmatic")
    site.pages.on_page("/late", lambda auth: "late")
    assert "late" in site.client.get("/botmatic/late", query_string=AUTHORIZED).text
    site.pages.on_page("/later/still.html", lambda auth: "after the first request")
    site.pages.on_update("/later/still.html", lambda auth, fields: {"success": True})
    answer = site.client.get("/botmatic/later/still.html", query_string=AUTHORIZED)
    assert "after the first request" in answer.text
    assert site.client.post("/botmatic/later/still.html", json=AUTHORIZED).json == {"success": True}


def test_a_later_function_takes_the_place_of_an_earlier_one() -> None:
    site = Site()
    site.pages.on_page("/settings/", lambda auth: "another page")
    site.pages.on_update("/settings", lambda auth, fields: {"success": False, "error": "another"})
    assert "another page" in site.client.get("/settings", query_string=AUTHORIZED).text
    assert site.client.post("/settings", json=AUTHORIZED).json == {"success": False, "error": "another"}


def test_the_blueprint_can_be_mounted_twice_and_on_two_apps() -> None:
    site = Site()
    site.mount("again", url_prefix="/again")
    blueprint = Blueprint("third", __name__)
    site.pages.register(blueprint)
    other = Flask("other")
    outer = Blueprint("outer", __name__, url_prefix="/outer")
    outer.register_blueprint(blueprint, url_prefix="/inner")
    other.register_blueprint(outer)
    site.pages.on_page("/late", lambda auth: "late")
    assert "late" in site.client.get("/late", query_string=AUTHORIZED).text
    assert "late" in site.client.get("/again/late", query_string=AUTHORIZED).text
    assert "late" in other.test_client().get("/outer/inner/late", query_string=AUTHORIZED).text
    assert other.test_client().get("/late").status_code == 404


def test_a_prefix_with_a_variable_is_no_hindrance() -> None:
    site = Site()
    site.mount("tenants", url_prefix="/<tenant>/hooks")
    assert site.client.get("/acme/hooks/settings", query_string=AUTHORIZED).status_code == 200
    assert site.client.post("/acme/hooks/settings", json=AUTHORIZED).json == {"success": True}


def test_url_for_knows_the_pages() -> None:
    site = Site(url_prefix="/botmatic")
    with site.app.test_request_context():
        assert site.app.url_for("contact_sync.settings_page:/settings") == "/botmatic/settings"
        assert site.app.url_for("contact_sync.update_settings:/settings") == "/botmatic/settings"


def test_hooks_of_the_blueprint_see_its_requests() -> None:
    site = Site()
    site.pages.on_page("/with.dot", lambda auth: "")
    seen: list[str | None] = []

    def before() -> None:
        seen.append(request.blueprint)

    site.app.before_request(before)
    site.client.get("/with.dot", query_string=AUTHORIZED)
    site.client.post("/settings", json=AUTHORIZED)
    assert seen == ["contact_sync", "contact_sync"]


def test_methods_that_nobody_registered_are_405_and_options_lists_those_that_are_there() -> None:
    site = Site()
    site.pages.on_page("/shown", lambda auth: "")
    site.pages.on_update("/saved", lambda auth, fields: {"success": True})
    client = site.client
    assert client.put("/settings").status_code == 405
    assert client.post("/shown", json=AUTHORIZED).status_code == 405
    assert client.get("/saved", query_string=AUTHORIZED).status_code == 405
    assert set(client.options("/settings").allow) == {"GET", "HEAD", "OPTIONS", "POST"}
    assert set(client.options("/shown").allow) == {"GET", "HEAD", "OPTIONS"}
    assert set(client.options("/saved").allow) == {"OPTIONS", "POST"}
    assert "Access-Control-Allow-Origin" not in client.options("/settings").headers
    assert site.asked == []


def grown_app() -> Flask:
    app = Flask(__name__)

    @app.route("/")
    def home() -> str:
        return "home"

    @app.route("/about/")
    def about() -> str:
        return "about"

    @app.post("/orders")
    def orders() -> str:
        return "ordered"

    @app.route("/taken")
    def taken() -> str:
        return "the app's own"

    @app.route("/old")
    def old() -> Response:
        return redirect("/about/")

    @app.route("/pages/<path:page>")
    def page(page: str) -> str:
        return page

    @app.errorhandler(404)
    def missing(error: Exception) -> tuple[str, int]:
        return "the app's own 404", 404

    return app


def test_an_app_keeps_its_own_routes_redirects_and_errors() -> None:
    def probe(app: Flask) -> list[tuple[int, str, str | None]]:
        client = app.test_client()
        asked = [
            client.get("/"),
            client.get("/about"),
            client.get("/about/"),
            client.get("/orders"),
            client.post("/orders"),
            client.get("/taken"),
            client.get("/old"),
            client.get("/pages/settings"),
            client.get("/nowhere"),
            client.post("/nowhere/else"),
            client.get("/static/nothing.css"),
            client.options("/orders"),
        ]
        return [(answer.status_code, answer.text, answer.headers.get("Allow")) for answer in asked]

    before = probe(grown_app())
    app = grown_app()
    pages = SettingsPages(verify, frame_ancestors=[PLATFORM])
    pages.on_page("/settings", lambda auth: "ours")
    pages.on_page("/taken", lambda auth: "ours")
    blueprint = Blueprint("contact_sync", __name__)
    pages.register(blueprint)
    app.register_blueprint(blueprint)
    assert probe(app) == before
    pages.on_page("/late", lambda auth: "ours")
    assert probe(app) == before
    assert "ours" in app.test_client().get("/late", query_string=AUTHORIZED).text


def test_an_app_that_answers_every_path_keeps_all_but_the_settings() -> None:
    app = Flask(__name__)

    @app.route("/", defaults={"path": ""})
    @app.route("/<path:path>")
    def single_page_app(path: str) -> str:
        return f"app: {path}"

    site = Site()
    site.app = app
    site.mount()
    assert app.test_client().get("/").text == "app: "
    assert app.test_client().get("/anything/else").text == "app: anything/else"
    assert app.test_client().get("/settings").status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "",
        "settings",
        "/a//b",
        "//a",
        "/..",
        "/a/../b",
        "/./a",
        "/<id>",
        "/a b",
        "/a?b",
        "/a#b",
        "/é",
        "/a%2e",
        "/a\n",
        None,
        5,
    ],
)
def test_a_path_that_cannot_be_one_is_refused_with_a_remedy(path: object) -> None:
    pages = Site().pages
    with pytest.raises(ConfigurationError, match="such as '/settings'"):
        pages.on_page(path, lambda auth: "")  # type: ignore[arg-type]  # what is tested
    with pytest.raises(ConfigurationError, match="such as '/settings'"):
        pages.on_update(path, lambda auth, fields: {})  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize(("reserved", "path"), [("/", "/"), ("/hook", "/hook/"), ("/hook/", "/hook")])
def test_the_webhooks_own_path_is_refused(reserved: str, path: str) -> None:
    pages = SettingsPages(verify, frame_ancestors=[PLATFORM], reserved=[reserved])
    with pytest.raises(ConfigurationError, match="is the webhook's"):
        pages.on_page(path, lambda auth: "")
    with pytest.raises(ConfigurationError, match="is the webhook's"):
        pages.on_update(path, lambda auth, fields: {})


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"'/settings': expected a function, got str"):
        Site().pages.on_page("/settings", "<input>")  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize("name", ["body_limit", "upload_limit"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "1MB", None, True])
def test_a_limit_that_is_no_number_of_bytes_is_refused(name: str, value: object) -> None:
    options: dict[str, Any] = {name: value}
    with pytest.raises(ConfigurationError, match=f"^{name} must be"):
        Site(**options)
