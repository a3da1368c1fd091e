"""The hand-over to PagerDuty: one incident for each escalation, and how it goes on."""

from dataclasses import replace
from typing import Any

import pytest

from pullcord.channels.offered import Surroundings, made
from pullcord.channels.pagerduty import PagerDutyChannel
from pullcord.channels.port import Line, Outcome
from pullcord.errors import InvalidInput
from tests.conformance.channels.loopback import Answered, Asked, http_server
from tests.conformance.channels.pagerduty_double import KEY, PagerDutyDouble
from tests.unit.channels.letters import NOW, letter

INCIDENT = "pullcord/shop/esc_1"


def asked(**changes: Any) -> Any:
    """Maria is asked."""
    fields: dict[str, Any] = {
        "headline": "An escalation needs you: high, by 14:30",
        "standing": "Maria Lopez is being asked until 14:20.",
        "deadline": "Decide by 14:30.",
        "fallback": "If nobody decides by 14:30, it is rejected.",
        "is_open": True,
        **changes,
    }
    return letter(**fields)


async def test_an_escalation_is_one_incident_from_ask_to_decision() -> None:
    """Two people asked are not two incidents; accepted is acknowledged, decided is resolved."""
    async with PagerDutyDouble.opened() as double:
        channel = double.channel()
        assert isinstance(channel, PagerDutyChannel)
        sent = await channel.send(asked(id="msg_1.pagerduty"))
        await channel.send(asked(id="msg_2.pagerduty", to="person:tom"))
        states = [double.incidents[INCIDENT]]
        for status in ("open", "accepted", "decided"):
            await channel.edit(sent.reference, asked(status=status))
            states.append(double.incidents[INCIDENT])
        await channel.close()

    assert sent.reference == INCIDENT
    assert list(double.incidents) == [INCIDENT]
    assert states == ["triggered", "triggered", "acknowledged", "resolved"]


async def test_an_event_says_who_is_asked_by_when_and_where_to_act() -> None:
    """Whoever is paged by PagerDuty sees what people see here, without anything personal."""
    async with PagerDutyDouble.opened() as double:
        channel = double.channel()
        await channel.send(asked())
        await channel.close()

    (event,) = double.events
    payload = event["payload"]
    assert payload["summary"] == "An escalation needs you: high, by 14:30"
    assert payload["custom_details"]["standing"] == "Maria Lopez is being asked until 14:20."
    assert payload["custom_details"]["if nobody decides"].startswith("If nobody")
    assert (payload["component"], payload["class"]) == ("support", "refund-over-limit")
    assert event["links"] == [
        {"href": "https://pull.example/escalations/esc_1", "text": "Open in Pullcord"}
    ]


@pytest.mark.parametrize(
    ("severity", "theirs"),
    [("low", "info"), ("normal", "warning"), ("high", "error"), ("critical", "critical")],
)
async def test_how_bad_it_is_is_told_in_their_words(severity: str, theirs: str) -> None:
    """Their urgency rules hang on it."""
    async with PagerDutyDouble.opened() as double:
        channel = double.channel()
        await channel.send(asked(severity=severity))
        await channel.close()

    assert double.events[0]["payload"]["severity"] == theirs


async def test_a_test_and_a_bundle_are_incidents_of_their_own() -> None:
    """A test resolves nothing that is real."""
    lines = (Line(NOW, "Still waiting for you: high", "https://x.y/1"),)
    async with PagerDutyDouble.opened() as double:
        channel = double.channel()
        test = asked(id="test_1", escalation="", kind="test", agent="", rule="", environment="")
        sent = await channel.send(test)
        await channel.send(replace(test, id="bundle_1", lines=lines))
        await channel.close()

    assert sent.reference == "pullcord/shop/test_1"
    assert double.events[0]["payload"]["class"] == "test"
    assert double.events[1]["payload"]["custom_details"]["1"] == "Still waiting for you: high"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"status": "ok"}'])
async def test_who_says_yes_without_taking_it_is_not_believed(body: bytes) -> None:
    """A proxy's friendly page has paged nobody."""

    async def handle(each: Asked) -> Answered:
        return Answered(200, body)

    async with http_server(handle) as url:
        channel = PagerDutyChannel(KEY, f"{url}/v2/enqueue", internal=("127.0.0.1",))
        sent = await channel.send(asked())
        await channel.close()

    assert sent.outcome is Outcome.RETRY


@pytest.mark.parametrize("key", ["", "short", "-" * 32])
def test_a_key_that_is_none_is_refused_and_not_repeated(key: str) -> None:
    """Not with the first page of the night."""
    around = Surroundings("https://x", lambda: NOW)

    with pytest.raises(InvalidInput, match="PULLCORD_PAGERDUTY_ROUTING_KEY") as caught:
        made("pagerduty", {"routing_key": key}, around)

    assert not key or key not in str(caught.value)
