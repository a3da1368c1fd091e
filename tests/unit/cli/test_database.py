"""`pullcord db` where there is no server to ask: the key, the printed SQL, and clear refusals."""

import subprocess
import sys
from pathlib import Path

import pytest

from pullcord.cli.places import KEY_FILE_VARIABLE, MASTER_VARIABLE, is_postgres, master_of, store_of
from pullcord.errors import InvalidInput
from tests.unit.cli.terminal import Desk, typed, well

DSN = "postgresql://pullcord_app@db1,db2/pullcord"


def test_the_key_of_many_servers_is_made_once(desk: Desk) -> None:
    """A second key under the same name would make what is sealed unreadable."""
    made = well("db", "key", "pullcord.key")
    again = typed("db", "key", "pullcord.key")

    kept = desk.folder / "pullcord.key"
    assert "every server" in made.err
    assert again.code == 2
    assert kept.stat().st_mode & 0o077 == 0
    assert master_of(DSN, key_file=kept) == master_of(str(desk.db), key_file=kept)


def test_a_server_on_postgresql_is_told_where_its_key_may_stand(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key made in passing on one server could not read what the others sealed."""
    monkeypatch.delenv(MASTER_VARIABLE, raising=False)
    monkeypatch.delenv(KEY_FILE_VARIABLE, raising=False)
    with pytest.raises(InvalidInput, match="pullcord db key"):
        master_of(DSN)
    with pytest.raises(InvalidInput, match="copy it to every server"):
        master_of(DSN, key_file=Path("nowhere.key"))

    well("db", "key", "pullcord.key")
    monkeypatch.setenv(KEY_FILE_VARIABLE, "pullcord.key")

    assert len(master_of(DSN)) == 32


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The base install has no PostgreSQL driver; the remedy is one line."""
    monkeypatch.delitem(sys.modules, "pullcord.store.postgres", raising=False)
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    for name in [
        each for each in sys.modules if each.startswith("pullcord.store.") and "postgres" in each
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "pullcord.store.connector", raising=False)

    with pytest.raises(InvalidInput, match=r"pullcord\[postgres\]"):
        store_of(DSN)


def test_the_schema_is_printed_and_the_driver_named_where_there_is_none() -> None:
    """Whoever reads the SQL first has installed nothing yet."""
    hidden = "import sys; sys.modules['asyncpg'] = None; sys.argv[1:] = {words}; "
    run = "from pullcord.entry import main; main()"

    def told(*words: str) -> subprocess.CompletedProcess[str]:
        program = hidden.format(words=list(words)) + run
        return subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
        )

    printed = told("db", "upgrade", "--sql")
    refused = told("db", "upgrade", "--db", DSN)

    assert "create table escalations" in printed.stdout, printed.stderr
    assert refused.returncode == 2
    assert "pip install 'pullcord[postgres]'" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_address_of_postgresql_gives_a_store_of_it() -> None:
    """The address alone decides; nothing is asked before it starts."""
    from pullcord.store.postgres import PostgresStore

    assert isinstance(store_of(DSN), PostgresStore)
    assert is_postgres("postgres://a/b")
    assert not is_postgres("sqlite:///a.db")


def test_the_schema_is_printed_for_whoever_makes_it_by_hand() -> None:
    """From the first step, or after those the database has."""
    every = well("db", "upgrade", "--db", DSN, "--sql")
    rest = well("db", "upgrade", "--db", DSN, "--sql", "--after", "999")
    offline = well("db", "upgrade", "--sql")

    assert offline.out == every.out
    assert "create table escalations" in every.out
    assert every.out.strip().endswith("commit;")
    assert rest.out.strip() == ""


def test_a_file_is_upgraded_by_its_first_start_and_has_no_sql_to_print(desk: Desk) -> None:
    """SQLite upgrades itself; the command says the same in both cases."""
    done = well("db", "upgrade", "--db", desk.db)
    refused = typed("db", "upgrade", "--db", desk.db, "--sql")

    assert "is up to date" in done.out
    assert refused.code == 2
    assert "Leave out --sql" in refused.err


def test_the_roles_are_printed_under_the_names_that_are_wanted() -> None:
    """An administrator reads it before running it."""
    printed = well("db", "roles", "--app", "desk_app")
    refused = typed("db", "roles", "--app", "x; drop table links")

    assert "create role pullcord_owner login" in printed.out
    assert "grant select, insert on links to desk_app;" in printed.out
    assert refused.code == 2
