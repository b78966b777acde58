"""Declarations in YAML, and what they take from the environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from contact_sync.consumers.rest import RestConsumer
from contact_sync.errors import ConfigurationError

from .script import Script

SECRETS = """
base_url: ${ACME_URL}/v1
auth: {type: bearer, token: "${ACME_TOKEN}"}
headers: {X-Both: "${ACME_ONE}-${ACME_TWO}", X-Plain: "$${ACME_ONE}", X-Else: "$ACME_ONE $5"}
"""


def test_values_of_the_environment_are_put_in(api: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_TOKEN", "${NOT_READ_AGAIN}")
    for name, value in {"ACME_URL": api.url, "ACME_ONE": "1", "ACME_TWO": ""}.items():
        monkeypatch.setenv(name, value)
    api.then({"id": "7"})
    crm = RestConsumer.from_yaml(SECRETS)
    assert crm.get_contact("7").success
    crm.close()
    headers = api.calls[0].headers
    assert api.calls[0].path == "/v1/contacts/7"
    assert headers["Authorization"] == "Bearer ${NOT_READ_AGAIN}"
    assert [headers[name] for name in ("X-Both", "X-Plain", "X-Else")] == ["1-", "${ACME_ONE}", "$ACME_ONE $5"]


def test_what_is_not_set_is_named_with_its_places() -> None:
    with pytest.raises(ConfigurationError) as caught:
        RestConsumer.from_yaml(SECRETS, environ={"ACME_ONE": "1", "ACME_URL": "https://api.example.com"})
    assert str(caught.value).splitlines() == [
        "RestConsumer: 2 things are wrong in the declaration:",
        "  auth.token: the environment variable ACME_TOKEN is not set. Set it, or write the value itself",
        "  headers.X-Both: the environment variable ACME_TWO is not set. Set it, or write the value itself",
    ]


def test_a_name_that_is_none_is_told() -> None:
    with pytest.raises(ConfigurationError, match=r"find.fields.0: \$\{…\} holds no name of an environment variable"):
        RestConsumer.from_yaml("base_url: x\nfind: {fields: ['${a b}']}", environ={})


def test_in_python_nothing_is_put_in(api: Script) -> None:
    """A password may hold such a text."""
    api.then({"id": "7"})
    crm = RestConsumer({"base_url": api.url, "headers": {"X-A": "${HOME}"}})
    assert crm.get_contact("7").success
    crm.close()
    assert api.calls[0].headers["X-A"] == "${HOME}"


def test_a_file_is_read(api: Script, tmp_path: Path) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text("﻿base_url: ${ACME_URL} # é\n", "utf-8")
    api.then({"id": "7"})
    crm = RestConsumer.from_file(file, environ={"ACME_URL": api.url})
    assert crm.get_contact("7").success
    crm.close()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"base_url: http://localhost\nrat: 1", 'acme.yaml: RestConsumer: rat: unknown key. Did you mean "rate"?'),
        (b"base_url: ${ACME}", "acme.yaml: RestConsumer: base_url: the environment variable ACME is not set"),
        (b"a: [secret", "RestConsumer: acme.yaml: line 1 is not YAML; look for a missing quote, a tab, or an indent"),
        (b"a: b\n\tsecret: c", "RestConsumer: acme.yaml: line 2 is not YAML"),
        (b"a: !!python/object:os.system secret", "RestConsumer: acme.yaml: line 1 is not YAML"),
        (b"a: \x00secret", "RestConsumer: acme.yaml: it is not YAML"),
        (b"\xff\xfe\xff", "RestConsumer: acme.yaml is not UTF-8. Save it as UTF-8"),
        (b"#" * 1_000_001, "RestConsumer: acme.yaml is larger than 1 MB"),
        (b"", "the declaration: expected an object of keys and values, got nothing"),
    ],
    ids=lambda it: repr(it[:30]),
)
def test_a_file_that_cannot_be_read_is_named_and_not_repeated(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "acme.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        RestConsumer.from_file(file, environ={})
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"acme\.yaml cannot be read: No such file"):
        RestConsumer.from_file(tmp_path / "acme.yaml")


def test_without_pyyaml_the_extra_is_named() -> None:
    program = (
        "import sys; sys.modules['yaml'] = None\n"
        "from contact_sync.consumers.rest import RestConsumer\n"
        "RestConsumer({'base_url': 'http://localhost'}).close()\n"
        "RestConsumer.from_yaml('')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert 'reading YAML needs PyYAML. Install it with: pip install "contact-sync[rest]"' in done.stderr
