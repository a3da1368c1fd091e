"""One stop, from the agent's guard to the proof, through real processes over HTTP."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.acceptance.served import Place, Process, invited, key_of, pullcord, signed_in
from tests.keeping import Kept

POLICY = """
workspace: shop
timezone: Europe/Berlin
people:
  maria: {name: Maria Lopez, shown_as: Maria from Billing, email: maria@example.com}
  tom: {name: Tom Ode, shown_as: Tom from Billing, email: tom@example.com}
  dana: {name: Dana Weiss, email: dana@example.com, role: lead}
ladders:
  billing:
    rungs:
      - {ask: person/maria, accept_within: 1s}
      - {ask: person/tom, accept_within: 30m, wake: true}
    catch_all: person/dana
agents:
  support: {ladder: billing, contact: tom}
tools:
  issue_refund: {reversible: no, money: args.amount, currency: EUR}
rules:
  - id: refund-over-limit
    tool: issue_refund
    when: args.amount > 250
    ask: "Refund EUR {args.amount} to {end_user.name}?"
"""


@pytest.fixture
def place(tmp_path: Path, kept: Kept) -> Place:
    """An empty directory and database."""
    return Place(tmp_path, kept)


@pytest.fixture
def served(place: Place) -> Iterator[tuple[Process, str]]:
    """A server with the policy above."""
    with place.serving(policy=POLICY) as found:
        yield found


def parked(place: Place, url: str, key: str) -> str:
    """An agent stops and its process ends; the escalation's id."""
    with place.agent("park", url=url, key=key) as agent:
        name = agent.line(r"parked (esc_\w+) .*https?://")[1]
        assert agent.popen.wait(30) == 0
    return name


@pytest.mark.promise("one-stop-end-to-end")
def test_from_the_guard_to_the_proof(place: Place, served: tuple[Process, str]) -> None:
    """Parked, advanced, accepted, changed, approved, resumed elsewhere, executed once, proved."""
    server, url = served
    key = key_of(place)
    name = parked(place, url, key)
    with signed_in(url, invited(place, "tom", url)) as tom:
        tom.until(lambda: tom.read(name)["owner"]["id"] == "tom")
        tom.act(name, "accept")
        tom.act(
            name,
            "decide",
            kind="edit",
            args={"order": "A-17", "amount": 240.0},
            note="One of the two was already sent back.",
        )

        with (
            place.agent("resume", url=url, key=key) as first,
            place.agent("resume", url=url, key=key) as second,
        ):
            tom.until(lambda: tom.read(name)["status"] == "closed")
            said = [line for each in (first, second) for line in each.lines]
        kinds = tom.kinds(name)
        page = tom.http.get(f"/escalations/{name}").text
    server.end()
    proof = json.loads(pullcord("verify", "--json", kept=place.kept).stdout)

    assert place.payments() == ["A-17 240.00"]
    assert not [line for line in said if "480" in line]
    assert [each for each in kinds if each in STORY] == list(STORY)
    assert "Tom Ode" in page
    assert proof["holds"] is True
    assert proof["decisions"] == 1


STORY = (
    "opened",
    "rung_expired",
    "accepted",
    "decided",
    "collected",
    "reported",
)


@pytest.mark.promise("stop-and-restart-keep-everything")
def test_a_server_told_to_stop_stops_and_goes_on_where_it_was(place: Place) -> None:
    """A deployment in the middle of a stop: held polls are answered, nothing is lost."""
    with place.serving(policy=POLICY) as (server, url):
        key = key_of(place)
        name = parked(place, url, key)
        held: list[int] = []
        is_held = threading.Event()
        poll = threading.Thread(target=_poll, args=(url, key, held, is_held))
        poll.start()
        is_held.wait(30)
        code = server.end()
        poll.join(30)
    leftovers = sorted(each.name for each in place.folder.glob("pullcord.db*"))

    with place.serving() as (server, url), place.agent("resume", url=url, key=key) as agent:
        with signed_in(url, invited(place, "tom", url)) as tom:
            tom.until(lambda: tom.read(name)["owner"]["id"] == "tom")
            tom.act(name, "decide", kind="approve")
            resumed = agent.line(r"resumed (.*)")[1]
            tom.until(lambda: tom.read(name)["status"] == "closed")
        again = server.end()

    assert (code, again) == (0, 0)
    assert held == [200]
    assert leftovers == list(place.kept.leaves)
    assert resumed == "refunded 480.00 for A-17"
    assert place.payments() == ["A-17 480.00"]


def _poll(url: str, key: str, held: list[int], is_held: threading.Event) -> None:
    """An agent waits for decisions, as long as it may."""
    headers = {"authorization": f"Bearer {key}"}
    with httpx2.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as http:
        http.get("/v1/decisions", params={"wait": 0, "attempt": "a"})
        is_held.set()
        held.append(http.get("/v1/decisions", params={"wait": 55, "attempt": "a"}).status_code)
