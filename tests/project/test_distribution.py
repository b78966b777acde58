"""What is built is what a user installs: whole, typed, and at home in an environment that holds nothing else.

The environment gets the wheel and, copied from the one that runs the tests, the distributions that the wheel's own
metadata requires, and theirs. So it holds what `pip install contact-sync` brings, and needs no network.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.project.markdown import ROOT

PACKAGES = ("contact_sync", "key_stores", "mappers")
SHIPPED = sorted(
    str(path.relative_to(ROOT))
    for package in PACKAGES
    for path in (ROOT / package).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
)


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution and the wheel that is built from it."""
    source = tmp_path_factory.mktemp("source") / "tree"
    skipped = shutil.ignore_patterns("__pycache__", ".*", "build", "dist", "*.egg-info", "examples", "tests")
    shutil.copytree(ROOT, source, ignore=skipped)
    output = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", output, source, cwd=source)
    return output


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    [file] = built.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def user(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel and what it requires, and nothing else."""
    folder = tmp_path_factory.mktemp("user")
    venv.create(folder)
    python = folder / "bin" / "python"
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder))
    for needed in required_by(Distribution.at(unpacked_metadata(wheel, folder))):
        copy_distribution(needed, packages)
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    run(*pip, "check", cwd=folder)
    return python


def unpacked_metadata(wheel: Path, folder: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" in name]
        archive.extractall(folder / "metadata", names)
    return folder / "metadata" / names[0].split("/")[0]


def required_by(dist: Distribution, extra: str = "") -> list[Distribution]:
    found: dict[str, Distribution] = {}
    for text in dist.requires or ():
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        needed = distribution(requirement.name)
        found[needed.name] = needed
        for wanted in ("", *requirement.extras):
            found |= {further.name: further for further in required_by(needed, wanted)}
    return list(found.values())


def copy_distribution(dist: Distribution, packages: Path) -> None:
    for file in dist.files or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            target = packages / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(file.locate()), target)


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert sorted(names) == SHIPPED


def test_the_packages_say_that_they_are_typed(wheel: Path) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_carries_the_licence(wheel: Path) -> None:
    assert any(name.endswith("/licenses/LICENSE") for name in zipfile.ZipFile(wheel).namelist())


def test_the_source_distribution_builds_and_holds_the_packages(built: Path) -> None:
    [file] = built.glob("*.tar.gz")
    with tarfile.open(file) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {*SHIPPED, "LICENSE", "README.md", "setup.py", "pyproject.toml"} <= names


def test_a_user_with_a_redis_store_installs_four_packages(wheel: Path, tmp_path: Path) -> None:
    requires = Distribution.at(unpacked_metadata(wheel, tmp_path)).requires or []
    core = {Requirement(text).name for text in requires if "extra ==" not in text}
    assert core == {"Flask", "redis", "requests", "marshmallow"}


def test_what_is_installed_imports_and_runs_without_any_extra(user: Path, tmp_path: Path) -> None:
    program = """
import contact_sync, key_stores, mappers
store = key_stores.open_key_store("memory://")
assert store.save_ids("i", "b", "e") is True
mapper = mappers.Mapper([mappers.Mapping("id", "ref", id=True), mappers.Mapping("email", "mail", match=True)])
print(mapper.to_botmatic({"ref": "1", "mail": "a@example.org"}))
"""
    assert run(user, "-W", "error", "-c", program, cwd=tmp_path) == "{'id': '1', 'email': 'a@example.org'}"


def test_no_extra_came_along(user: Path, tmp_path: Path) -> None:
    program = """
from importlib.util import find_spec
extras = ["granian", "rich", "sqlalchemy", "psycopg", "cryptography", "yaml", "pytest"]
print([name for name in extras if find_spec(name)])
"""
    assert run(user, "-c", program, cwd=tmp_path) == "[]"


SYNC = """
from contact_sync import ContactSync
from contact_sync.testing import MemoryConsumer
from mappers import Mapping
def sync(**options):
    return ContactSync(MemoryConsumer(), [Mapping("id", "id", id=True)], "memory://", **options)
"""


@pytest.mark.parametrize(
    ("asks", "extra"),
    [
        ("import key_stores; key_stores.open_key_store('sqlite:///pairs.db')", "sql"),
        ("import key_stores; key_stores.open_key_store('postgresql://localhost/pairs')", "sql"),
        ("import key_stores; key_stores.SQLKeyStore", "sql"),
        ("import mappers; mappers.load_mapper('mapping.yaml')", "yaml"),
        (SYNC + "sync().run()", "server"),
        (SYNC + "sync(secret_keys=['a key of more than 32 characters, for sure'])", "crypto"),
    ],
    ids=["sqlite", "postgresql", "store", "yaml", "server", "secret_keys"],
)
def test_what_needs_an_extra_says_which(user: Path, tmp_path: Path, asks: str, extra: str) -> None:
    (tmp_path / "mapping.yaml").write_text("rows: []\n")
    done = subprocess.run([str(user), "-c", asks], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"contact-sync[{extra}]" in done.stderr.splitlines()[-1]


def contact_sync(user: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the user's, beside a program."""
    (folder / "app.py").write_text(SYNC)
    return subprocess.run(
        [str(user.with_name("contact-sync")), *arguments],
        cwd=folder,
        env=os.environ | {"BOTMATIC_BASE_URL": "http://127.0.0.1:9"},  # nobody is there
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("command", "extras"),
    [
        (["demo", "--once"], "server,sql,crypto"),
        (["serve", "app:sync"], "server"),
        (["check", "app:sync"], "server"),
    ],
)
def test_a_command_without_its_extra_says_which(user: Path, tmp_path: Path, command: list[str], extras: str) -> None:
    done = contact_sync(user, tmp_path, *command)
    assert done.returncode == 2
    assert f"contact-sync[{extras}]" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_commands_that_need_no_extra_do_without(user: Path, tmp_path: Path) -> None:
    found = contact_sync(user, tmp_path, "check", "app:sync", "--json", "--timeout", "5")
    assert {check["name"] for check in json.loads(found.stdout)["checks"]} >= {"mapping", "key store"}
