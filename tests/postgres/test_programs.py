"""The servers of these tests run wherever pip can install: no Debian, no root, no language pack."""

from collections.abc import Iterator

import asyncpg
import pytest

from pullcord.store.connector import Connector
from pullcord.store.migrating_postgres import upgrade
from pullcord.store.postgres import PostgresStore
from tests.conformance.stage import Stage
from tests.postgres import programs
from tests.postgres.databases import OWNER, Databases
from tests.postgres.machine import new_folder, new_server, throw_away
from tests.postgres.programs import candidates, version_of, within_reach


@pytest.fixture
def installed() -> Iterator[Databases]:
    """A server of the programs that pip installed, whatever the machine has."""
    folder = new_folder(in_memory=True)
    server = new_server(folder, within_reach(candidates("pip")[0]))
    yield Databases(server.dsn())
    throw_away(folder, [server])


async def test_a_server_that_pip_installed_serves_all_the_same(installed: Databases) -> None:
    """Whoever has no PostgreSQL runs every test all the same, and one without lz4 will do."""
    await installed.make_roles()
    await installed.make("plain")
    dsn = installed.of("plain", user=OWNER)

    applied = await upgrade(Connector(dsn))

    store = PostgresStore(dsn)
    await store.start()
    await Stage(store).open("esc_1")
    assert applied
    assert await store.chains("shop") == ["esc_1"]
    await store.close()
    connection = await asyncpg.connect(dsn)
    assert await connection.fetchval("show server_version_num") >= "150000"
    await connection.close()


def test_the_machine_s_own_programs_come_first_and_a_named_folder_alone() -> None:
    """What is tested is what the machine serves with, unless somebody says otherwise."""
    own, named, pip = candidates(""), candidates("/opt/pg/bin"), candidates("pip")

    assert own[-len(pip) :] == pip
    assert [str(each) for each in named] == ["/opt/pg/bin"]
    assert version_of(named[0]) == 0
    assert version_of(pip[0]) >= programs.OLDEST


def test_without_any_programs_the_tests_fail_and_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A suite that skips what it cannot do is green on a machine that proves nothing."""
    monkeypatch.setattr(programs, "candidates", lambda _: [])

    with pytest.raises(pytest.fail.Exception, match="apt-get install postgresql"):
        programs.binaries.__wrapped__()
