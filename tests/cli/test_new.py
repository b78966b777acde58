"""`contact-sync new`: a project that runs and passes its own tests at once, and names that it cannot have."""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from packaging.requirements import Requirement

from contact_sync.cli.new.files import files_for
from contact_sync.cli.new.names import names_of
from contact_sync.server import HEALTH
from contact_sync.testing.sandbox import SandboxPlatform
from tests.cli.helpers import Project, process, started, wait_until
from tests.project.markdown import ROOT
from tests.project.test_documents import commands, wrong_with

FILES = [
    ".dockerignore",
    ".env",
    ".env.example",
    ".gitignore",
    "Dockerfile",
    "README.md",
    "acme_crm/__init__.py",
    "acme_crm/app.py",
    "acme_crm/consumer.py",
    "acme_crm/mapping.py",
    "acme_crm/settings.py",
    "pyproject.toml",
    "tests/__init__.py",
    "tests/conftest.py",
    "tests/crm.py",
    "tests/test_consumer.py",
    "tests/test_sync.py",
]

KEY = {"Authorization": "Bearer key-of-the-crm-on-this-machine"}


def python(folder: Path, *arguments: str, **env: str) -> str:
    """Run Python in a folder. What it printed; it has to end well."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"} | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=["written", "declared"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a new project, as the command makes it."""
    folder = tmp_path_factory.mktemp(request.param)
    options = ["--declared"] if request.param == "declared" else []
    python(folder, "-m", "contact_sync.cli", "new", "acme-crm", *options)
    return folder / "acme-crm"


def is_declared(made: Path) -> bool:
    return "RestConsumer" in (made / "acme_crm" / "consumer.py").read_text("utf-8")


def instructions(made: Path) -> list[tuple[str, str]]:
    """The Dockerfile's instructions: the word, and the rest."""
    text = (made / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines()]
    parts = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in parts]


def test_all_that_was_made_is_listed_with_what_comes_next(project: Project) -> None:
    result = project.run("new", "acme-crm")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[: len(FILES) + 1] == ["acme-crm is made", *[f"  acme-crm/{name}" for name in FILES]]
    found = [str(file.relative_to(project.folder / "acme-crm")) for file in project.folder.rglob("*") if file.is_file()]
    assert sorted(found) == FILES
    assert "  contact-sync serve acme_crm.app:make_sync" in lines
    assert "pip install" not in result.out
    assert "{{" not in "".join((project.folder / "acme-crm" / name).read_text("utf-8") for name in FILES)


def test_extras_that_are_not_installed_are_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("sqlalchemy", "pytest"):
        monkeypatch.setitem(sys.modules, package, None)
    shown = project.run("new", "acme-crm").out
    assert "  pip install '/path/to/the/clone/of/contact_sync[sql,testing]'\n" in shown


@pytest.mark.no_cover
def test_it_passes_its_own_tests_at_once(made: Path) -> None:
    """Of the declared one those that take long are left out, since the other one's are the same."""
    fewer = ["-k", "not converge and not survive and not hostile and not look_up"] if is_declared(made) else []
    output = python(made, "-m", "pytest", "-q", "-p", "no:cacheprovider", *fewer)
    assert "passed" in output.splitlines()[-1]
    assert "skipped" not in output.splitlines()[-1]


def test_its_style_and_its_types_are_in_order(made: Path) -> None:
    python(made, "-m", "ruff", "check", "--no-cache", ".")
    python(made, "-m", "ruff", "format", "--check", "--no-cache", ".")
    # As the examples are checked, and with what that has found out already: it takes half a minute otherwise.
    how = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache/examples")]
    python(made, "-m", "mypy", *how, ".", MYPYPATH=str(ROOT))


@contextlib.contextmanager
def running(made: Path, platform: SandboxPlatform) -> Iterator[tuple[Project, dict[str, str], str]]:
    """Run the project's CRM: the project, an environment that leads to both sides, and the address of the contacts."""
    project = Project(made)
    with process(project, "-m", "tests.crm", "0") as crm:
        crm.wait_for("listens on")
        env = {"CRM_URL": crm.address.rstrip(";"), "BOTMATIC_BASE_URL": platform.url}
        yield project, env, f"{env['CRM_URL']}/contacts"


def test_what_the_dockerfile_starts_serves_and_is_seen_to_be_healthy(
    made: Path, sandbox_platform: SandboxPlatform
) -> None:
    """With `.env` as it was made, a contact of the platform comes to the CRM of the project; all checks are passed."""
    image = dict(instructions(made))
    command = json.loads(image["CMD"].replace("0.0.0.0", "127.0.0.1"))
    health = json.loads(image["HEALTHCHECK"].partition("CMD ")[2])
    assert command[0] == "contact-sync"
    assert health[0] == "python"
    assert f"http://127.0.0.1:{command[command.index('--port') + 1]}{HEALTH[0]}" in health[2]
    with (
        running(made, sandbox_platform) as (project, env, contacts),
        started(project, *command[1:], "--port", "0", ready=True, **env) as service,
    ):
        python(made, health[1], health[2].replace("http://127.0.0.1:3000", service.address))
        assert sandbox_platform.install(service.address).state == "delivered"
        sandbox_platform.create_contact({"email": "ana@example.org", "firstname": "Ana"})

        def records() -> list[dict[str, str]]:
            found: list[dict[str, str]] = requests.get(contacts, headers=KEY, timeout=10).json()["contacts"]
            return found

        wait_until(lambda: [record["email"] for record in records()] == ["ana@example.org"])
        checked = json.loads(
            python(made, "-m", "contact_sync.cli", "check", "acme_crm.app:make_sync", "--write", "--json", **env)
        )
        assert checked["success"] is True
        assert {check["state"] for check in checked["checks"]} == {"ok", "skipped"}
        assert [record["email"] for record in records()] == ["ana@example.org"]
    for name in ("pairs.db", "inbox.db"):
        assert (made / name).exists()


def test_the_image_does_not_run_as_root_and_holds_no_secret(made: Path) -> None:
    words = [word for word, _ in instructions(made)]
    assert {"FROM", "COPY", "RUN", "USER", "HEALTHCHECK", "CMD"} <= set(words)
    assert words.index("USER") < words.index("CMD")
    bases = {rest.split()[0] for word, rest in instructions(made) if word == "FROM"}
    assert [re.fullmatch(r"python:3\.\d+-slim-[a-z]+", base) is not None for base in bases] == [True]
    assert dict(instructions(made))["USER"] not in ("root", "0")
    ignored = (made / ".dockerignore").read_text("utf-8").split()
    assert ignored[0] == "**"  # nothing comes along that is not named
    assert {"!acme_crm", "!pyproject.toml", "!README.md", "!wheels"} <= set(ignored)


def test_the_secret_of_this_machine_is_in_no_file_that_is_committed(project: Project) -> None:
    made = [project.folder / name for name in ("one", "two")]
    for folder in made:
        result = project.run("new", folder.name)
        assert result.code == 0, result.err
    secrets = {line for folder in made for line in (folder / ".env").read_text("utf-8").splitlines()[-1:]}
    assert len(secrets) == 2
    assert all(len(line.removeprefix("SECRET_KEYS=")) >= 32 for line in secrets)
    for folder in made:
        assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
        example = (folder / ".env.example").read_text("utf-8").splitlines()
        assert [line for line in example if line.startswith(("CRM_KEY", "SECRET_KEYS"))] == ["CRM_KEY=", "SECRET_KEYS="]


def test_git_ignores_all_files_of_settings_but_the_example(project: Project) -> None:
    """Those that its README names, and others that one might write, too; and nothing else of what was made."""
    project.run("new", "acme-crm")
    made = project.folder / "acme-crm"
    named = re.findall(r"[\w.-]*\.env\b(?!\.)", (made / "README.md").read_text("utf-8"))
    assert {".env", "production.env"} <= set(named)
    paths = sorted({*named, ".env.production", "acme_crm/test.env", *FILES})
    subprocess.run(["git", "init", "--quiet", "."], cwd=made, check=True, timeout=60)
    asked = subprocess.run(["git", "check-ignore", *paths], cwd=made, capture_output=True, text=True, timeout=60)
    assert set(asked.stdout.split()) == {*named, ".env.production", "acme_crm/test.env"}


def test_the_extras_that_a_choice_of_the_settings_needs_are_named(made: Path) -> None:
    example = (made / ".env.example").read_text("utf-8")
    there = Requirement(
        tomllib.loads((made / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"][0]
    ).extras
    lines = [line for line in example.splitlines() if "://" in line and line.startswith("#  ")]
    for line in lines:
        needed = re.findall(r"the extra (\w+)", line)
        assert wrong_with(["pip", "install", f"contact-sync[{','.join(needed)}]"] if needed else []) is None
        assert ("which is there" in line) is (set(needed) & there != set())
    assert len(lines) == 6
    assert "metrics" in example


def test_every_setting_is_explained_and_one_that_is_missing_is_named(made: Path) -> None:
    program = """
from acme_crm.settings import load_settings
import re, pathlib
names = set(re.findall(r'"([A-Z_]{3,})"', pathlib.Path("acme_crm/settings.py").read_text()))
explained = set(re.findall(r"(?m)^#?([A-Z_]+)=", pathlib.Path(".env.example").read_text()))
assert names == explained, names ^ explained
whole = {"CRM_URL": "http://127.0.0.1:9", "CRM_KEY": "hush", "SECRET_KEYS": "a b", "CRM_TIMEOUT": "5"}
assert "hush" not in repr(load_settings(whole))
assert (load_settings(whole).secret_keys, load_settings(whole).crm_timeout) == (("a", "b"), 5.0)
for wrong in ({"CRM_KEY": ""}, {"CRM_TIMEOUT": "soon"}):
    try:
        load_settings(whole | wrong)
    except Exception as error:
        print(type(error).__name__, error)
"""
    said = python(made, "-c", program).splitlines()
    assert said == [
        "ConfigurationError CRM_KEY is not set: put it into the environment or into .env; .env.example says how",
        "ConfigurationError CRM_TIMEOUT has to be a number of seconds",
    ]


def test_it_can_be_installed(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    project.run("new", "acme-crm")
    made, wheels = project.folder / "acme-crm", tmp_path_factory.mktemp("wheels")
    data = tomllib.loads((made / "pyproject.toml").read_text("utf-8"))["project"]
    [needed] = [Requirement(text) for text in data["dependencies"]]
    assert (needed.name, "0.1.0" in needed.specifier) == ("contact-sync", True)
    wheel = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "."]
    python(made, *wheel, "--wheel-dir", str(wheels))
    assert [file.name for file in wheels.iterdir()] == ["acme_crm-0.1.0-py3-none-any.whl"]


def test_its_readme_shows_commands_that_exist(made: Path) -> None:
    shown = [line.strip() for line in (made / "README.md").read_text("utf-8").splitlines()]
    found = list(commands("\n".join(shown)))
    inside = [
        words[words.index("contact-sync") :]
        for words in found
        if words[:2] == ["docker", "run"] and "contact-sync" in words
    ]
    ours = [words for words in found if words[0] in ("contact-sync", "pip")] + inside
    assert [words[1] for words in ours] == ["install", "serve", "sandbox", "check", "wheel", "pull"]
    assert [wrong_with(words) for words in ours] == [None] * len(ours)


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/tmp/x",
        "a/b",
        ".",
        "..",
        "",
        "x" * 41,
        "-",
        "x-",
        "_x",
        "9x",
        "a b",
        "a\nb",
        "a.b",
        "acmé",
        "акме",
        "a$b",
    ],
)
def test_a_name_that_is_none_is_refused(project: Project, name: str) -> None:
    result = project.run("new", "--", name)
    assert (result.code, list(project.folder.iterdir())) == (2, [])
    assert result.err.startswith("Error: NAME is a name, not a path: letters (a-z), digits")


@pytest.mark.parametrize("name", ["class", "Async", "test", "json", "contact-sync", "key_stores", "Flask", "click"])
def test_a_name_that_python_would_mix_up_with_another_is_refused(project: Project, name: str) -> None:
    result = project.run("new", name)
    assert (result.code, list(project.folder.iterdir())) == (2, [])
    assert f"try {name}-crm" in result.err


def test_a_name_that_its_folder_has_for_something_else_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where Python knows no module of that name: git would ignore the package."""
    monkeypatch.setattr("contact_sync.cli.new.names.find_spec", lambda name: None)
    ignored = re.findall(r"(?m)^([a-z]+)/$", files_for(names_of("acme"))[".gitignore"])
    assert {"build", "dist", "wheels"} <= set(ignored)
    for name in ("tests", "Dist", *ignored):
        result = project.run("new", name)
        assert (result.code, list(project.folder.iterdir())) == (2, [])
        assert result.err == (
            f"Error: {name}: a project has a folder {name.lower()!r} for something else; try {name}-crm\n"
        )


@pytest.mark.parametrize("name", ["x" * 40, "Acme_crm-2"])
def test_other_names_are_taken_and_so_are_the_names_made_of_them(project: Project, name: str) -> None:
    assert project.run("new", name).code == 0
    package = name.lower().replace("-", "_")
    assert (project.folder / name / package / "app.py").exists()
    readme = (project.folder / name / "README.md").read_text("utf-8")
    assert f"docker build --tag {package.replace('_', '-')} .\n" in readme  # no capitals
    python(project.folder / name, "-m", "ruff", "check", "--no-cache", ".")
    python(project.folder / name, "-c", f"import {package}.app, tests.test_consumer, tests.test_sync")


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_nothing_is_written_over(project: Project, kind: str) -> None:
    there = project.folder / "acme"
    if kind == "link":
        there.symlink_to("nowhere")
    elif kind == "folder":
        there.mkdir()
    else:
        there.touch()
    result = project.run("new", "acme")
    assert (result.code, list(project.folder.iterdir())) == (1, [there])
    assert result.err == "Error: acme is there already, and nothing is written over; choose another name\n"
    assert not there.is_dir() or list(there.iterdir()) == []


def test_where_no_folder_can_be_made_it_says_so(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/proc")
    result = project.run("new", "acme")
    assert result.code == 1
    assert result.err.startswith("Error: acme cannot be made in /proc: ")


@pytest.mark.no_cover  # which writes files, too
def test_what_cannot_be_written_whole_is_not_left_in_half(tmp_path: Path) -> None:
    """As on a full disk: no file may have a single byte."""
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", sys.executable, "-m", "contact_sync.cli", "new", "acme"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, list(tmp_path.iterdir())) == (1, [])
    assert done.stderr == "Error: acme cannot be written: File too large; nothing of it is left\n"
