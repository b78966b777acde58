"""What is particular to the SQL store: the tables, the invariant in the database itself, engines, faults."""

from __future__ import annotations

import multiprocessing
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, event, exc, text

from key_stores import Bury, ContactRef, DeletePair, KeyStoreError, SavePair, SQLKeyStore, StoreUnavailable
from key_stores.sql.failures import translated
from key_stores.testing.pairs import pairs_in
from key_stores.testing.tombstones import wait_until
from tests.servers import Database, PostgreSQL


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/a folder with spaces.db"
    database: Database = request.getfixturevalue("postgresql")
    return database.url


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """An engine of one's own on that database."""
    engine = create_engine(url)
    yield engine
    engine.dispose()


def test_the_database_itself_keeps_the_pairs_one_to_one(url: str, engine: Engine) -> None:
    """Whoever writes into the table by hand cannot break it."""
    store = SQLKeyStore(url)
    store.save_ids("i", "b1", "e1")
    insert = text("INSERT INTO contact_sync_pairs (installation, botmatic, external) VALUES (:i, :b, :e)")
    for botmatic, external in ((b"b1", b"e2"), (b"b2", b"e1")):
        with engine.connect() as connection, pytest.raises(Exception, match=r"(?i)unique"):
            connection.execute(insert, {"i": b"i", "b": botmatic, "e": external})
    assert pairs_in(store, "i", ["b1", "b2"], ["e1", "e2"]) == {("b1", "e1")}
    store.close()


def test_ids_can_be_read_in_the_tables(url: str, engine: Engine) -> None:
    """As bytes; a long one by its digest, with the whole beside it."""
    store = SQLKeyStore(url)
    store.save_ids("i", "Zoë", "e" * 300)
    with engine.connect() as connection:
        row = connection.execute(
            text("SELECT botmatic, botmatic_long, external, external_long FROM contact_sync_pairs")
        )
        botmatic, botmatic_long, external, external_long = row.one()
    assert (bytes(botmatic), botmatic_long, bytes(external_long)) == ("Zoë".encode(), None, b"e" * 300)
    assert len(external) == 33
    store.close()


def test_a_given_engine_stays_open_and_its_pool_is_used(engine: Engine) -> None:
    """Only what the store opened is closed by it."""
    connections = []
    event.listen(engine, "checkout", lambda *_: connections.append(1))
    pool = engine.pool
    store = SQLKeyStore(engine)
    store.save_ids("i", "b1", "e1")
    store.close()
    assert engine.pool is pool
    assert connections
    assert store.get_external_id("i", "b1") == "e1"


def test_a_closed_store_of_a_url_opens_again_when_it_is_used(url: str) -> None:
    """Closing gives connections back, and nothing else."""
    store = SQLKeyStore(url)
    store.save_ids("i", "b1", "e1")
    store.close()
    assert store.get_external_id("i", "b1") == "e1"
    store.close()


def test_an_engine_of_strict_isolation_serves_as_well(postgresql: Database) -> None:
    """Writers of one installation take turns, whatever the engine is set to; none fails."""
    engine = create_engine(postgresql.url, isolation_level="SERIALIZABLE")
    store = SQLKeyStore(engine)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(store.save_ids, "i", f"b{n % 3}", f"e{n % 4}") for n in range(80)]:
            assert done.result() is True
    pairs_in(store, "i", ["b0", "b1", "b2"], ["e0", "e1", "e2", "e3"])
    engine.dispose()


def test_a_later_format_is_refused(url: str, engine: Engine) -> None:
    """At the first call; the message says that a later release wrote it."""
    store = SQLKeyStore(url)
    store.save_ids("i", "b1", "e1")
    store.close()
    with engine.begin() as connection:
        connection.execute(text("UPDATE contact_sync_meta SET value = '2'"))
    later = SQLKeyStore(url)
    with pytest.raises(KeyStoreError, match="a later release wrote it") as raised:
        later.get_external_id("i", "b1")
    assert not isinstance(raised.value, StoreUnavailable)
    later.close()


def test_processes_may_make_the_tables_at_once(url: str) -> None:
    """Three that come first."""
    program = (
        "import sys; from key_stores import SQLKeyStore; store = SQLKeyStore(sys.argv[1]); "
        "print('ready', flush=True); input(); print(store.save_ids('i', 'b1', 'e1')); store.close()"
    )
    command = [sys.executable, "-W", "error", "-c", program, url]
    processes = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[0] for process in processes] == ["True\n"] * 3


def _in_a_fork(store: SQLKeyStore, answers: multiprocessing.Queue[str | None]) -> None:
    store.save_ids("i", "b2", "e2")
    answers.put(store.get_external_id("i", "b1"))
    store.close()


def test_a_store_survives_a_fork(url: str) -> None:
    """As under a server that loads the program before it makes its workers: the child has connections of its own."""
    store = SQLKeyStore(url)
    store.save_ids("i", "b1", "e1")
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=_in_a_fork, args=(store, answers))
    child.start()
    assert answers.get(timeout=60) == "e1"
    child.join(60)
    assert store.get_external_id("i", "b2") == "e2"
    store.close()


def test_sqlite_runs_in_wal_mode(tmp_path: Path) -> None:
    """Readers and a writer do not wait for each other."""
    store = SQLKeyStore(f"sqlite:///{tmp_path}/pairs.db")
    store.save_ids("i", "b1", "e1")
    with sqlite3.connect(tmp_path / "pairs.db", isolation_level=None) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        other.execute("BEGIN IMMEDIATE")
        assert store.get_external_id("i", "b1") == "e1"
        other.execute("ROLLBACK")
    other.close()
    store.close()


def test_an_sqlite_file_that_stays_locked_is_unavailable(tmp_path: Path) -> None:
    """After the busy time-out, here a short one of the user's own engine."""
    engine = create_engine(f"sqlite:///{tmp_path}/pairs.db", connect_args={"timeout": 0.05})
    store = SQLKeyStore(engine)
    store.save_ids("i", "b1", "e1")
    other = sqlite3.connect(tmp_path / "pairs.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="SQLITE_BUSY"):
        store.save_ids("i", "b2", "e2")
    with pytest.raises(StoreUnavailable, match="SQLITE_BUSY"):
        store.delete_ids("i", "b1", "e1")
    other.execute("ROLLBACK")
    other.close()
    assert store.save_ids("i", "b2", "e2") is True
    engine.dispose()


def test_wal_mode_is_waited_for(tmp_path: Path) -> None:
    """While another process has the new file for itself; not for ever."""
    other = sqlite3.connect(tmp_path / "pairs.db", isolation_level=None)
    other.execute("CREATE TABLE something (id)")
    other.execute("BEGIN EXCLUSIVE")
    store = SQLKeyStore(f"sqlite:///{tmp_path}/pairs.db?timeout=0.01")
    with ThreadPoolExecutor(1) as pool:
        ping = pool.submit(store.ping)
        with pytest.raises(TimeoutError):
            ping.result(0.1)
        other.execute("ROLLBACK")
        assert ping.result(60) is None
    assert other.execute("SELECT count(*) FROM contact_sync_pairs").fetchone() == (0,)
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()
    store.close()


def test_a_pool_whose_connections_are_all_in_use_is_unavailable(url: str) -> None:
    """After the time that the pool waits."""
    engine = create_engine(url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    store = SQLKeyStore(engine)
    store.ping()
    with engine.connect(), pytest.raises(StoreUnavailable, match="stayed in use"):
        store.ping()
    store.ping()
    engine.dispose()


def test_what_sqlalchemy_raises_by_itself_is_an_error_of_the_store() -> None:
    """Its kind is named."""
    with pytest.raises(KeyStoreError, match="InvalidRequestError"), translated():
        raise exc.InvalidRequestError("secret")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """That will not get better by waiting."""
    (tmp_path / "pairs.db").write_text("not a database, but long enough to be taken for one at first sight" * 20)
    store = SQLKeyStore(f"sqlite:///{tmp_path}/pairs.db")
    with pytest.raises(KeyStoreError, match="SQLITE_NOTADB") as raised:
        store.ping()
    assert not isinstance(raised.value, StoreUnavailable)
    store.close()


def test_a_server_that_comes_back_is_used_again(private_postgresql: PostgreSQL) -> None:
    """While it is away, calls say so."""
    with private_postgresql.database() as database:
        store = SQLKeyStore(database.url)
        store.save_ids("i", "b1", "e1")
        private_postgresql.stop()
        with pytest.raises(StoreUnavailable):
            store.get_external_id("i", "b1")
        with pytest.raises(StoreUnavailable):
            store.save_ids("i", "b2", "e2")
        private_postgresql.start()
        assert store.get_external_id("i", "b1") == "e1"
        store.close()


def test_a_lock_that_is_not_given_back_is_unavailable(postgresql: Database) -> None:
    """The server ends what waits for too long: here after a short time of the test's own."""
    url = postgresql.url.replace("search_path", "lock_timeout%3D50%20-csearch_path")
    store, other = SQLKeyStore(url), psycopg.connect(postgresql.dsn)
    store.save_ids("i", "b1", "e1")
    other.execute("LOCK TABLE contact_sync_pairs")
    with pytest.raises(StoreUnavailable, match="55P03"):
        store.save_ids("i", "b2", "e2")
    other.rollback()
    other.close()
    assert store.save_ids("i", "b2", "e2") is True
    store.close()


def test_time_limits_are_set_for_connections_of_a_url(postgresql: Database) -> None:
    """So that neither a statement nor a forgotten transaction lasts."""
    store = SQLKeyStore(postgresql.url)
    statement = store._backend.read(lambda connection: connection.execute(text("SHOW statement_timeout")).scalar())
    idle = text("SHOW idle_in_transaction_session_timeout")
    assert statement == "10s"
    assert store._backend.read(lambda connection: connection.execute(idle).scalar()) == "30s"
    store.close()


def test_a_standby_is_unavailable_for_writes(postgresql: Database) -> None:
    """As after a fail-over: the database says that it can be read only."""
    store = SQLKeyStore(postgresql.url.replace("search_path", "default_transaction_read_only%3Don%20-csearch_path"))
    first = SQLKeyStore(postgresql.url)
    first.save_ids("i", "b1", "e1")
    with pytest.raises(StoreUnavailable, match="25006"):
        store.save_ids("i", "b2", "e2")
    first.close()
    store.close()


def test_an_error_holds_nothing_that_was_stored(url: str, engine: Engine) -> None:
    """Nor does what SQLAlchemy says below it."""
    store = SQLKeyStore(url)
    store.save_ids("i", "b1", "e1")
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE contact_sync_pairs"))
    with pytest.raises(KeyStoreError) as raised:
        store.save_ids("i", "secret botmatic", "secret external")
    assert not isinstance(raised.value, StoreUnavailable)
    assert "secret" not in f"{raised.value}{raised.value.__cause__}"
    store.close()


def test_a_wrong_password_or_database_is_unavailable(postgresql_server: PostgreSQL) -> None:
    """The address is right or wrong as far as anybody can tell."""
    store = SQLKeyStore(f"postgresql://postgres:hunter2@127.0.0.1:{postgresql_server.port}/nothing")
    with pytest.raises(StoreUnavailable) as raised:
        store.ping()
    assert "hunter2" not in f"{raised.value}{raised.value.__cause__}"
    store.close()


def test_an_unknown_option_of_a_url_is_refused_at_the_first_call(postgresql_server: PostgreSQL) -> None:
    """Only the driver knows them."""
    store = SQLKeyStore(f"{postgresql_server.dsn}?nothing=1")
    with pytest.raises(KeyStoreError, match="refuses") as raised:
        store.ping()
    assert not isinstance(raised.value, StoreUnavailable)
    store.close()


def test_what_is_no_engine_is_refused() -> None:
    """Its type is named; a database of another kind is."""
    with pytest.raises(KeyStoreError, match="not int"):
        SQLKeyStore(5)  # type: ignore[arg-type]  # what is tested
    with pytest.raises(KeyStoreError, match="in memory"):
        SQLKeyStore(create_engine("sqlite://"))
    with pytest.raises(KeyStoreError, match="SQLite and PostgreSQL"):
        SQLKeyStore("oracle://localhost/pairs")


def test_tables_of_an_earlier_layout_are_refused(url: str, engine: Engine) -> None:
    """With the name of the table and what to do, rather than in the middle of a call."""
    store = SQLKeyStore(url)
    store.save_ids("i", "b1", "e1")
    store.close()
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE contact_sync_pairs DROP COLUMN baseline"))
    earlier = SQLKeyStore(url)
    with pytest.raises(KeyStoreError, match=r"contact_sync_pairs .* lacks a column") as raised:
        earlier.get_external_id("i", "b1")
    assert not isinstance(raised.value, StoreUnavailable)
    earlier.close()


def test_a_step_that_fails_is_undone_and_leaves_a_good_connection(url: str, engine: Engine) -> None:
    """Here in its last statement: the table of tombstones is gone."""
    store = SQLKeyStore(url)
    store.save_ids("i", "b1", "e1")
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE contact_sync_tombstones"))
    for _ in range(3):
        with pytest.raises(KeyStoreError) as raised:
            store.save_ids("i", "secret botmatic", "secret external")
        assert "secret" not in f"{raised.value}{raised.value.__cause__}"
        assert b"secret".hex() not in "".join(traceback.format_exception(raised.value))
    assert store.count_pairs("i") == 1
    assert store.delete_ids("i", "b1", "e1") is True
    store.close()


def test_ended_tombstones_leases_and_claims_go(url: str, engine: Engine) -> None:
    """When others are put."""
    store = SQLKeyStore(url)
    for number in range(20):
        store.bury_ids("i", f"b{number}", None, 0.001)
        store.acquire_leases("i", [f"l{number}"], "me", 0.001)
        store.claim("i", [ContactRef(number)], "me", 0.001)

    def left(table: str) -> int:
        store.bury_ids("i", "b", None, 60)
        store.acquire_leases("i", ["l"], "me", 60)
        store.claim("i", [ContactRef("b")], "me", 60)
        with engine.connect() as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM contact_sync_{table}")).scalar_one())

    wait_until(lambda: left("tombstones") == left("leases") == left("claims") == 1, "the end of all others")
    store.close()


def test_every_statement_finds_its_rows_by_an_index(tmp_path: Path) -> None:
    """None goes through a whole installation but those that are about all of it."""
    engine = create_engine(f"sqlite:///{tmp_path}/pairs.db")
    said: dict[str, Any] = {}

    @event.listens_for(engine, "before_cursor_execute")
    def note(*arguments: object) -> None:
        said[str(arguments[2])] = arguments[3]

    store = SQLKeyStore(engine)
    store.ping()
    said.clear()
    store.save_many("i", [("b1", "e1"), ("b2", "e2")])
    store.get_external_ids("i", ["b1", "b2"])
    store.get_botmatic_ids("i", ["e1", "e2"])
    store.delete_ids("i", "b1", "e1")
    store.bury_ids("i", "b2", "e2", 60)
    store.is_buried("i", botmatic_id="b2")
    next(store.iter_pairs("i"), None)
    store.get_baselines("i", ["b1"])
    store.acquire_leases("i", ["a"], "me", 60)
    store.renew_leases("i", ["a"], "me", 60)
    claimed = store.claim("i", [ContactRef("b1", guards=("g",)), ContactRef(external_id="e2")], "me", 60)
    assert claimed is not None
    store.renew_claim("i", claimed.leases, "me", 60)
    store.record("i", claimed.leases, "me", [SavePair("b1", "e1", b""), DeletePair("b1", "e1"), Bury("b2", "e2", 60)])
    plans = {}
    with engine.connect() as connection:
        for statement, values in list(said.items()):
            if "contact_sync_" not in statement:
                continue
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            plans[statement] = " ".join(str(row[3]) for row in rows)
    engine.dispose()
    steps = " ".join(plans.values()).replace("(installation=? AND ", "(").split("SEARCH contact_sync_")
    assert len(plans) >= 25
    assert [step for step in steps if "installation=?" in step and "leases" not in step] == []
    assert "SCAN contact_sync_" not in " ".join(plans.values())
