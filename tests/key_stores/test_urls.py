"""`open_key_store`: which URL gives which store, and what is said of a wrong one, without any part of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import key_stores
from key_stores import (
    InvalidId,
    KeyStore,
    KeyStoreError,
    MemoryKeyStore,
    RedisKeyStore,
    SQLKeyStore,
    as_id,
    open_key_store,
)

PASSWORD = "hunter2"
ROOT = Path(__file__).parents[2]

GOOD: dict[str, type[KeyStore]] = {
    "memory://": MemoryKeyStore,
    "MEMORY://": MemoryKeyStore,
    "sqlite:///pairs.db": SQLKeyStore,
    "sqlite:////var/lib/pairs.db": SQLKeyStore,
    "sqlite:///pairs.db?timeout=3": SQLKeyStore,
    "sqlite:///file:pairs.db?cache=private&uri=true": SQLKeyStore,
    "sqlite+pysqlite:///pairs.db": SQLKeyStore,
    "redis://localhost": RedisKeyStore,
    "redis://": RedisKeyStore,
    "Redis://localhost": RedisKeyStore,
    "redis://user:p%40ss@localhost:6380/3?socket_timeout=2": RedisKeyStore,
    "redis://localhost?db=3": RedisKeyStore,
    "rediss://localhost/0?ssl_cert_reqs=required": RedisKeyStore,
    "redis+cluster://localhost:7000": RedisKeyStore,
    "redis+cluster://localhost:7000/0": RedisKeyStore,
    "rediss+cluster://user:pass@localhost:7000": RedisKeyStore,
    "unix:///run/redis.sock?db=2": RedisKeyStore,
    "postgresql://user:p%40ss@localhost/pairs": SQLKeyStore,
    "postgres://localhost/pairs?sslmode=verify-full": SQLKeyStore,
    "postgresql+psycopg://localhost/pairs": SQLKeyStore,
}

WRONG = {
    "": "begins with memory://",
    "localhost": "begins with memory://",
    f"redis:{PASSWORD}@localhost": "begins with memory://",
    f"mysql://root:{PASSWORD}@localhost/pairs": "begins with memory://",
    f"http://u:{PASSWORD}@localhost": "begins with memory://",
    "memory://pairs": "memory:// has nothing after it",
    f"redis://u:{PASSWORD}@localhost:port": "the Redis URL is wrong",
    f"redis://:{PASSWORD}/x@localhost:6379/0": "the Redis URL is wrong",
    f"redis://:{PASSWORD}@localhost:99999/0": "the Redis URL is wrong",
    f"redis://:{PASSWORD}@[localhost/0": "the Redis URL is wrong",
    f"redis://:{PASSWORD}@localhost/pairs": "names no database",
    f"redis://:{PASSWORD}@localhost?socket_timeout=soon": "the Redis URL is wrong",
    f"redis://:{PASSWORD}@localhost?tls=true": "the Redis URL is wrong",
    f"rediss://:{PASSWORD}@localhost?ssl_cert_reqs=maybe": "the Redis URL is wrong",
    f"redis+cluster://:{PASSWORD}@localhost/2": "no database but 0",
    f"unix+cluster://{PASSWORD}": "a Redis URL begins with one of",
    "sqlite://": "in memory",
    "sqlite:///:memory:": "in memory",
    "sqlite:///file:pairs?mode=memory&uri=true": "in memory",
    "sqlite:///pairs.db?nothing=1": "takes timeout=SECONDS",
    "sqlite+aiosqlite:///pairs.db": "aiosqlite|asynchronous",
    f"postgresql://u:{PASSWORD}@localhost:port/pairs": "the database URL is wrong",
    f"postgresql+asyncpg://u:{PASSWORD}@localhost/pairs": "asyncpg|asynchronous",
    f"postgresql+nothing://u:{PASSWORD}@localhost/pairs": "the database URL is wrong",
    f"postgresql+pg8000://u:{PASSWORD}@localhost/pairs": "the package pg8000 is not installed",
}


@pytest.mark.parametrize(("url", "kind"), GOOD.items(), ids=GOOD.keys())
def test_a_url_names_a_store(url: str, kind: type[KeyStore]) -> None:
    """Nothing is connected to, so nothing has to be there."""
    store = open_key_store(url)
    assert type(store) is kind
    store.close()


@pytest.mark.parametrize(("url", "said"), WRONG.items(), ids=range(len(WRONG)))
def test_a_wrong_url_is_refused_without_being_repeated(url: str, said: str) -> None:
    """The message says what is wrong; neither it nor what it came from holds the password."""
    with pytest.raises(KeyStoreError, match=said) as raised:
        open_key_store(url)
    error: BaseException | None = raised.value
    while error is not None:
        assert PASSWORD not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_what_is_no_text_is_refused() -> None:
    """Its type is named."""
    with pytest.raises(KeyStoreError, match=r"not \w*Path;"):
        open_key_store(Path("pairs.db"))  # type: ignore[arg-type]  # what is tested


def test_a_number_too_long_to_be_written_is_no_id() -> None:
    """Python refuses to turn it into text; that is said as of any other that is no id."""
    with pytest.raises(InvalidId, match="more digits"):
        as_id(10**5000)


def test_everything_public_is_exported() -> None:
    """`__all__` is complete and true, also for what is imported on demand."""
    assert sorted(key_stores.__all__) == key_stores.__all__
    for name in key_stores.__all__:
        assert getattr(key_stores, name).__module__.startswith("key_stores") or name in ("Id", "Write")
        assert name in dir(key_stores)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = key_stores.Nothing


def _run(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT).stdout


def test_importing_key_stores_brings_no_optional_library_along() -> None:
    """Neither SQLAlchemy, psycopg nor pytest; and a store in memory needs no Redis client either."""
    program = (
        "import sys, key_stores; key_stores.open_key_store('memory://').save_ids('i', 'b', 'e'); "
        "print([name for name in ('sqlalchemy', 'psycopg', 'pytest', 'redis') if name in sys.modules])"
    )
    assert _run(program).strip() == "[]"


@pytest.mark.parametrize(
    ("missing", "url", "extra"),
    [
        ("sqlalchemy", "sqlite:///pairs.db", "contact-sync[sql]"),
        ("sqlalchemy", "postgresql://localhost/pairs", "contact-sync[sql]"),
        ("psycopg", "postgresql://localhost/pairs", "contact-sync[postgresql]"),
    ],
)
def test_a_library_that_is_missing_is_named_with_its_extra(missing: str, url: str, extra: str) -> None:
    """Before anything is connected to."""
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from key_stores import KeyStoreError, open_key_store\n"
        f"try: open_key_store({url!r})\n"
        "except KeyStoreError as error: print(error)\n"
    )
    assert extra in _run(program)


def test_the_tree_of_errors_is_as_it_is_drawn() -> None:
    """In the module's first lines."""
    from key_stores import errors

    drawn = errors.__doc__ or ""
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert {kind.__name__ for kind in classes} == {"KeyStoreError", "StoreUnavailable", "InvalidId"}
    for kind in classes:
        assert kind.__name__ in drawn
        assert kind is KeyStoreError or kind.__base__ is KeyStoreError
    assert issubclass(errors.InvalidId, ValueError)
