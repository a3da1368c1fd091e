"""What is told afterwards: bounded, counted, and never in the way of a tool."""

import json
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from pullcord import Pullcord
from pullcord.client import background as notes
from pullcord.client.background import Background
from pullcord.client.core import Executions, Kept
from pullcord.client.plans import Answer, Plan
from pullcord.errors import AlreadyCollected, ServerUnreachable
from pullcord.wire.bounds import CALLS_MAX
from pullcord.wire.requests import ReportIn

DONE = ReportIn(attempt="a", outcome="executed")


class Taker:
    """Takes what is sent and answers with a status; counts what it took."""

    def __init__(self, status: int = 202) -> None:
        self.status = status
        self.taken: list[dict[str, Any]] = []
        self.reports: list[str] = []

    def __call__(self, plan: Plan[object]) -> Answer:
        if self.status == 0:
            raise ServerUnreachable("away")
        if self.status < 400 and plan.path == "/v1/calls":
            self.taken.append(json.loads(plan.body or b""))
        if self.status < 400 and plan.path.endswith("/report"):
            self.reports.append(plan.path)
            raise ServerUnreachable("away") if self.status == 201 else _closed()
        return Answer(self.status, {}, b'{"recorded": 1}')


def _closed() -> AlreadyCollected:
    return AlreadyCollected("reported before")


@pytest.fixture
def taker() -> Taker:
    return Taker()


@pytest.fixture
def quiet(taker: Taker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Background]:
    """Notes that are sent only when the test says so."""
    monkeypatch.setattr(Background, "_begin", lambda self: None)
    found = Background(taker, name="me")
    yield found
    found.close()


def note(notebook: Background, count: int = 1) -> None:
    """That many guarded calls."""
    for _ in range(count):
        notebook.note("pay", "allow", rule="", run="r", policy_version="p")


def test_calls_are_sent_in_batches_with_ids_of_their_own(quiet: Background, taker: Taker) -> None:
    """Denominators are made of them: none twice, none missing."""
    note(quiet, CALLS_MAX + 5)

    quiet.flush()

    sizes = [len(each["calls"]) for each in taker.taken]
    ids = {call["id"] for each in taker.taken for call in each["calls"]}
    assert sizes == [CALLS_MAX, 5]
    assert len(ids) == CALLS_MAX + 5
    assert quiet.waiting == 0


def test_what_the_server_did_not_take_is_sent_again_with_the_same_ids(
    quiet: Background, taker: Taker
) -> None:
    """It may have been taken and only the answer lost."""
    note(quiet, 3)
    taker.status = 0

    first = quiet.flush()
    taker.status = 202
    second = quiet.flush()

    assert (first, second) == (False, True)
    assert [call["id"] for call in taker.taken[0]["calls"]] == ["me-1", "me-2", "me-3"]


def test_what_had_to_be_dropped_is_counted_and_told(
    quiet: Background, taker: Taker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A figure that silently misses calls would be a wrong figure."""
    monkeypatch.setattr(notes, "WAITING_MAX", 4)
    note(quiet, 6)

    quiet.flush()

    assert len(taker.taken[0]["calls"]) == 4
    assert taker.taken[0]["lost"] == 2
    assert quiet.lost == 0


def test_what_comes_back_beyond_the_limit_is_counted_too(
    quiet: Background, taker: Taker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is away for long: the newest are kept, the loss is known."""
    note(quiet, 4)
    taker.status = 0
    monkeypatch.setattr(notes, "WAITING_MAX", 3)

    quiet.flush()

    assert (quiet.waiting, quiet.lost) == (3, 1)


def test_a_key_that_is_refused_does_not_pile_up(quiet: Background, taker: Taker) -> None:
    """A revoked key stays revoked; the calls are counted as lost."""
    note(quiet, 2)
    taker.status = 403

    quiet.flush()

    assert (quiet.waiting, quiet.lost) == (0, 2)


def test_reports_wait_for_the_server_and_are_told_once(quiet: Background, taker: Taker) -> None:
    """A refused report is done with, and its execution stays begun: it may be offered again."""
    told: list[str] = []
    quiet._delivered = told.append
    taker.status = 201
    quiet.report_later("esc_1", DONE)

    quiet.flush()
    waiting = quiet.waiting
    taker.status = 202
    quiet.flush()

    assert waiting == 1
    assert quiet.waiting == 0
    assert told == []
    assert len(taker.reports) == 2


def test_there_is_a_limit_to_undelivered_reports(
    quiet: Background, taker: Taker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond it nothing new is executed, because nobody would learn of it."""
    monkeypatch.setattr(notes, "REPORTS_MAX", 1)
    taker.status = 0

    kept = [quiet.report_later(each, DONE) for each in ("esc_1", "esc_2")]

    assert kept == [True, False]
    assert quiet.is_full


def test_the_thread_begins_by_itself_and_ends_with_the_client(taker: Taker) -> None:
    """Nothing to start, nothing left behind."""
    notebook = Background(taker, name="me")
    note(notebook, CALLS_MAX)
    thread = notebook._thread

    notebook.close()
    notebook.close()
    note(notebook)

    assert thread is not None
    assert not thread.is_alive()
    assert sum(len(each["calls"]) for each in taker.taken) == CALLS_MAX
    assert not any(each.name == "pullcord-notes" for each in threading.enumerate())


def test_what_waits_is_sent_when_the_client_is_closed_before_the_thread_began(
    quiet: Background, taker: Taker
) -> None:
    """A short script ends right after its one call."""
    note(quiet)

    quiet.close()

    assert len(taker.taken) == 1


def test_a_forked_child_does_not_send_what_its_parent_noted(
    quiet: Background, taker: Taker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefork servers copy the memory; every call must still be counted once."""
    monkeypatch.undo()
    note_free = Background(taker, name="me")
    note_free._calls.append(notes.Made(0.0, 1, "pay", "allow", "", "", ""))
    monkeypatch.setattr(os, "getpid", lambda: -1)

    note_free._begin()
    note_free.close()

    assert taker.taken == []
    assert note_free._name == "me--1"


def test_begun_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever came of it: nothing is started a second time."""
    executions = Executions()
    executions.begin("esc_1")

    with pytest.raises(AlreadyCollected):
        executions.begin("esc_1")
    mine = executions.attempt
    monkeypatch.setattr(os, "getpid", lambda: -1)

    assert executions.attempt != mine


def test_used_stays_used_when_an_old_backup_offers_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server restored from yesterday believes that today's decisions were never carried out."""
    monkeypatch.setattr("pullcord.client.core.ENDED_MAX", 2)
    executions = Executions()
    for each in ("a", "b", "c"):
        executions.begin(each)
        executions.ended(each)

    with pytest.raises(AlreadyCollected):
        executions.begin("c")
    assert [executions.has_begun(each) for each in ("a", "b", "c")] == [False, True, True]


def test_kept_arguments_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that parks for months keeps the newest."""
    monkeypatch.setattr("pullcord.client.core.KEPT_MAX", 2)
    kept = Kept()
    for each in ("a", "b", "c"):
        kept.put(each, {"self": each})
    kept.put("d", {})

    assert kept.look("a") == {}
    assert kept.take("c") == {"self": "c"}
    assert kept.take("c") == {}
    assert kept.look("b") == {"self": "b"}


def test_the_record_of_calls_arrives_at_the_server(blocking: Any) -> None:
    """Allowed calls are the denominator of everything that is learned."""
    agent = blocking.agent()
    harmless = agent.guard(lambda x: x, tool="harmless")
    for each in range(5):
        harmless(each)

    assert agent.cord.flush()
    assert agent.cord._core.background.waiting == 0
    assert blocking.faults.count("POST /v1/calls") >= 1


def test_a_client_says_where_it_belongs_and_not_its_key() -> None:
    """It ends up in logs."""
    with Pullcord("http://127.0.0.1:9", "pk_live_secret", patience=timedelta(seconds=1)) as cord:
        text = repr(cord)

    assert text == "Pullcord(url='http://127.0.0.1:9')"
