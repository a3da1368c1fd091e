"""The fixtures of the adapters' tests, and which of them this environment can run.

An environment made for a framework says so with PULLCORD_ADAPTER, and then a framework that is
missing is an error. Elsewhere only what can be imported is collected.
"""

import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.adapters import matrix
from tests.adapters.places import WANTED, Build, Place, available, open_place
from tests.adapters.shop import Stage, open_shop

if not available():
    collect_ignore_glob = [
        "test_conformance.py",
        "test_never_open.py",
        "test_programs.py",
        "test_framework_*.py",
    ]
elif WANTED:
    collect_ignore_glob = [
        each.name
        for each in Path(__file__).parent.glob("test_framework_*.py")
        if each.stem != f"test_framework_{WANTED}"
    ]
else:
    collect_ignore_glob = [
        each.name
        for each in Path(__file__).parent.glob("test_framework_*.py")
        if each.stem.removeprefix("test_framework_") not in available()
    ]

#: opens the agent anew, as a new process would; keyword arguments change how it is built
Opens = Callable[..., Place]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One server for all."""
    with open_shop(tmp_path_factory.mktemp("shop")) as stage:
        yield stage


@pytest.fixture
def stage(server: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A clean folder and a key of its own, so that no test sees another's decisions."""
    key = server.live.new_key(agent="support")
    monkeypatch.setenv("PULLCORD_URL", server.live.url)
    monkeypatch.setenv("PULLCORD_KEY", key)
    server.faults.planned.clear()
    found = Stage(server.live, tmp_path, server.faults, key=key)
    yield found
    server.faults.planned.clear()


@pytest.fixture(params=available())
def framework(request: pytest.FixtureRequest) -> str:
    """Every framework this environment has."""
    name: str = request.param
    return name


@pytest.fixture
def opens(framework: str, stage: Stage) -> Iterator[Opens]:
    """Opens the shop's agent; what is opened is closed."""
    with ExitStack() as stack:

        def open_one(**changes: object) -> Place:
            place = open_place(framework, Build(stage.folder, **changes))  # type: ignore[arg-type]
            stack.callback(place.close)
            return place

        yield open_one


@pytest.fixture
def place(opens: Opens) -> Place:
    """The shop's agent."""
    return opens()


@pytest.fixture
def thread() -> str:
    """A conversation of its own."""
    return str(uuid.uuid4())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note for the matrix what a test showed."""
    report = yield
    mark = item.get_closest_marker("shows")
    if mark is not None and report.when == "call":
        how = str(dict(report.user_properties).get("how", "yes"))
        matrix.SHOWN.setdefault(mark.args[0], how)
        if not report.passed:
            matrix.SHOWN[mark.args[0]] = "no"
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In an environment made for a framework, what was shown is what the matrix says."""
    if WANTED and set(matrix.SHOWN) == set(matrix.rows()):
        problem = matrix.settle(WANTED)
        if problem:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            print(f"\n{problem}")


def pytest_report_header() -> str:
    """What is tested here."""
    return f"adapters: {', '.join(available()) or 'none'}"
