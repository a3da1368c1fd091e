"""Plans, answers, patience and pauses: the pure middle of the client, without any network."""

import json
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import pytest

from pullcord import errors
from pullcord.client import plans
from pullcord.client.address import address_of
from pullcord.client.answers import NotModified, problem, read, retry_after_of
from pullcord.client.flows import PAUSE_MAX, TRIES_MAX, Pause, Send, ask, pause_before
from pullcord.client.plans import Answer
from pullcord.client.spans import seconds_of
from pullcord.errors import (
    AlreadyAccepted,
    AlreadyDecided,
    CallerIsWrong,
    CommitUnknown,
    InvalidInput,
    PullcordError,
    RunTakenOver,
    ServerUnreachable,
    StoreBusy,
    TooMuch,
)
from pullcord.wire.requests import OpenIn


def answered(status: int, body: Any = None, **headers: str) -> Answer:
    """What came back."""
    raw = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, names, raw)


def refusal(name: str, status: int = 409, **more: str) -> Answer:
    """A problem document."""
    kind = f"urn:pullcord:problem:{name}"
    said = {"type": kind, "title": name, "status": status, "detail": f"{name} it is", **more}
    return answered(status, said)


class Still:
    """A timer that moves only when it is paused by."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Where it stands."""
        return self.now

    def jitter(self) -> float:
        """No chance."""
        return 1.0


def played(flow: Generator[Any, Any, Any], timer: Still, answers: list[Any]) -> tuple[Any, int]:
    """The end of a flow that is given these answers: (value or error, how often it sent)."""
    sent = 0
    step = next(flow)
    while True:
        try:
            if isinstance(step, Pause):
                timer.now += step.seconds
                step = flow.send(None)
                continue
            assert isinstance(step, Send)
            sent += 1
            given = answers.pop(0) if len(answers) > 1 else answers[0]
            step = flow.throw(given) if isinstance(given, Exception) else flow.send(given)
        except StopIteration as ended:
            return ended.value, sent
        except PullcordError as error:
            return error, sent


LOOK = plans.look_at("esc_1")
REPLY = plans.reply("esc_1", question="q", text="x")


# --- answers ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "kind",
    [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, PullcordError)
    ],
    ids=lambda each: each.problem,
)
def test_every_problem_comes_back_as_the_error_it_names(kind: type[PullcordError]) -> None:
    """What the server raises the agent can catch, by the same name."""
    local = (errors.Parked, errors.NotDone, errors.InvalidPolicy, errors.InvalidPolicies)
    if issubclass(kind, local) or kind is PullcordError:
        assert isinstance(problem(refusal(kind.problem)), CallerIsWrong)
        return

    found = problem(refusal(kind.problem, by="Maria", attempt="a"))

    assert type(found) is kind
    assert str(found) == f"{kind.problem} it is"


def test_a_problem_keeps_what_helps_to_act_on_it() -> None:
    """Who was first, which field, how long to wait."""
    decided = problem(refusal("already-decided", by="Maria"))
    accepted = problem(refusal("already-accepted", by="Tom"))
    taken = problem(refusal("run-taken-over", by="Dana"))
    invalid = problem(refusal("invalid-input", 422, field="args", value="1", limit="2"))
    busy = answered(429, json.loads(refusal("too-much").body), retry_after="7")

    assert isinstance(decided, AlreadyDecided)
    assert isinstance(accepted, AlreadyAccepted)
    assert isinstance(taken, RunTakenOver)
    assert isinstance(invalid, InvalidInput)
    assert (decided.by, accepted.by, taken.by) == ("Maria", "Tom", "Dana")
    assert (invalid.field, invalid.value, invalid.limit) == ("args", "1", "2")
    found = problem(busy)
    assert isinstance(found, TooMuch)
    assert found.retry_after == 7


def test_an_unknown_problem_is_judged_by_its_status() -> None:
    """A newer server may know problems that this client does not."""
    assert isinstance(problem(refusal("brand-new", 418)), CallerIsWrong)
    assert isinstance(problem(refusal("brand-new", 500)), ServerUnreachable)
    assert isinstance(problem(answered(502, b"<html>")), ServerUnreachable)


def test_nothing_newer_is_no_error_of_the_server() -> None:
    """304 means that what is in hand still holds."""
    with pytest.raises(NotModified):
        read(LOOK, answered(304))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3", 3.0), ("0.5", 0.5), ("9999", 60.0), ("-1", 0.0), ("", None), ("Tue", None)],
)
def test_the_time_a_server_asks_for_is_bounded(text: str, seconds: float | None) -> None:
    """A mistaken header must not hold up an agent for an hour."""
    assert retry_after_of({"retry-after": text}) == seconds


# --- patience ---------------------------------------------------------------------------------
def test_a_failing_request_is_repeated_until_the_patience_is_over() -> None:
    """A restart of the server takes seconds; an agent should not notice."""
    timer = Still()

    found, sent = played(ask(LOOK, timer, patience=5.0), timer, [refusal("store-busy", 503)])

    assert isinstance(found, StoreBusy)
    assert 3 < sent < 10
    assert timer.now < 5.0


def test_without_patience_a_request_is_sent_once() -> None:
    """A poll is repeated by its own loop."""
    timer = Still()

    found, sent = played(ask(LOOK, timer, patience=0.0), timer, [ServerUnreachable("away")])

    assert isinstance(found, ServerUnreachable)
    assert sent == 1


def test_a_refusal_is_not_repeated() -> None:
    """Saying the same again would not change it."""
    timer = Still()

    found, sent = played(ask(LOOK, timer, patience=5.0), timer, [refusal("not-found", 404)])

    assert isinstance(found, errors.NotFound)
    assert sent == 1


@pytest.mark.parametrize(
    ("failed", "sent"),
    [(CommitUnknown("?"), 1), (ServerUnreachable("?"), 1), (refusal("store-busy", 503), 2)],
)
def test_what_would_happen_twice_is_repeated_only_when_nothing_happened(
    failed: Any, sent: int
) -> None:
    """A reply of the agent that arrives twice would confuse whoever asked."""
    timer = Still()

    _, count = played(ask(REPLY, timer, patience=5.0), timer, [failed, refusal("not-found", 404)])

    assert count == sent


@pytest.mark.parametrize(("header", "sent"), [({"retry_after": "1"}, 2), ({}, 1)])
def test_too_much_is_repeated_only_where_the_server_says_when(
    header: dict[str, str], sent: int
) -> None:
    """Too large stays too large; too many passes."""
    timer = Still()
    body = json.loads(refusal("too-much", 429).body)
    answers = [answered(429, body, **header), refusal("not-found", 404)]

    _, count = played(ask(LOOK, timer, patience=5.0), timer, answers)

    assert count == sent


def test_there_is_an_end_even_to_endless_patience() -> None:
    """A limit on every loop."""
    timer = Still()

    found, sent = played(ask(LOOK, timer, patience=1e9), timer, [refusal("store-busy", 503)])

    assert isinstance(found, ServerUnreachable)
    assert sent == TRIES_MAX


def test_pauses_grow_spread_and_obey() -> None:
    """A thousand agents must not come back in the same instant."""
    grown = [pause_before(tries, asked=None, jitter=1.0) for tries in range(8)]

    assert grown == sorted(grown)
    assert grown[-1] == PAUSE_MAX
    assert pause_before(0, asked=None, jitter=0.0) < pause_before(0, asked=None, jitter=1.0)
    assert pause_before(0, asked=9.0, jitter=0.0) == 9.0


# --- plans, spans, addresses --------------------------------------------------------------------
def test_an_id_from_outside_cannot_change_the_path() -> None:
    """Ids come from messages and queues; they are data."""
    assert plans.look_at("../policy?x").path == "/v1/escalations/..%2Fpolicy%3Fx"


def test_a_poll_is_held_no_longer_than_the_server_allows() -> None:
    """And the client waits a little longer than the server holds."""
    plan = plans.decided(wait=1_000, attempt="a", escalation="esc_1")

    assert plan.query == {"wait": "55", "attempt": "a", "escalation": "esc_1"}
    assert plan.within > 55


def test_a_request_that_is_too_large_is_refused_before_it_is_sent() -> None:
    """The message says what to do about it."""
    with pytest.raises(InvalidInput, match="exclude="):
        plans.open_escalation(OpenIn(key="k", tool="t", args={"x": "y" * 2_000_000}))


@pytest.mark.parametrize(
    ("span", "seconds"),
    [
        ("0s", 0),
        ("250ms", 0.25),
        ("30s", 30),
        ("10m", 600),
        ("2h", 7200),
        (" 1 d ", 86400),
        (5, 5),
        (0.5, 0.5),
        (timedelta(minutes=1), 60),
    ],
)
def test_spans_are_read_as_people_write_them(span: Any, seconds: float) -> None:
    """The same words as in the policy file."""
    assert seconds_of("wait", span) == seconds


@pytest.mark.parametrize("span", ["", "30", "x", "-1s", -1, "99d", True, timedelta(days=-1)])
def test_spans_that_mean_nothing_are_refused(span: Any) -> None:
    """A wait of unknown length is no wait anybody asked for."""
    with pytest.raises(InvalidInput, match="wait"):
        seconds_of("wait", span)


def test_address_and_key_come_from_the_environment() -> None:
    """Twelve-factor deployments need no code for it; the key is never shown."""
    found = address_of(None, None, {"PULLCORD_URL": "http://localhost:1/", "PULLCORD_KEY": "pk_x"})

    assert (found.url, found.key, found.is_loopback) == ("http://localhost:1", "pk_x", True)
    assert "pk_x" not in repr(found)


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [
        ("http://127.0.0.2:8710", True),
        ("http://[::1]:8710", True),
        ("http://x.localhost", True),
        ("https://pullcord.example", False),
        ("https://10.0.0.1", False),
    ],
)
def test_loopback_is_recognised(url: str, is_loopback: bool) -> None:
    """A proxy of the environment cannot reach this machine's own address."""
    assert address_of(url, "pk_x", {}).is_loopback is is_loopback


def test_a_key_on_an_open_road_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    """Without encryption everybody on the way can be this agent."""
    address_of("http://pullcord.example", "pk_x", {})

    assert "unencrypted" in caplog.text


@pytest.mark.parametrize(
    "url", ["", "pullcord", "ftp://x", "http://", "http://x?y=1", "http://x#y"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """Better here than as a strange connection error later."""
    with pytest.raises(InvalidInput, match="PULLCORD_URL"):
        address_of(url, "pk_x", {})


@pytest.mark.parametrize("key", ["", " ", "pk x", "pk_\n1", "pk_ü"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    """Pasted with a line break or a word too many, it says so and does not repeat it."""
    with pytest.raises(InvalidInput, match="PULLCORD_KEY"):
        address_of("http://localhost:1", key, {})
