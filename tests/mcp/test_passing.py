"""What passes the gateway: progress, cancelling, notifications, and tools that change."""

import json
import os

import pytest

from tests.mcp.office import Office
from tests.mcp.wire import said, wired


def test_progress_of_a_running_tool_reaches_the_host(office: Office) -> None:
    """A long call shows that it lives."""
    with wired(office) as wire:
        wire.spend(1, 5.0, progressToken="p")
        wire.answer(1)

    told = [each for each in wire.heard if each.get("method") == "notifications/progress"]
    assert [each["params"]["message"] for each in told] == ["spending"]


def test_a_host_that_wants_to_know_learns_who_is_asked_while_it_waits(office: Office) -> None:
    """Twenty seconds of silence look like a fault; a name looks like a colleague."""
    with wired(office, wait="30s") as wire:
        wire.spend(1, 500.0, progressToken="p")
        told = wire.until(lambda message: message.get("method") == "notifications/progress")
        office.does("approve", office.newest())
        answer = wire.answer(1)

    assert told["params"]["message"].startswith("Asked Maria from Releases")
    assert said(answer) == "spent 500.0"


def test_a_call_that_is_cancelled_while_it_runs_is_cancelled_at_the_server(office: Office) -> None:
    """Only the server can stop what has begun."""
    with wired(office) as wire:
        wire.spend(1, 5.0, "hang")
        wire.until_begun()
        wire.say(
            {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
        )
        wire.ask(3, "ping")
        heard = [each.get("method") for each in wire.server_heard]

    assert "notifications/cancelled" in heard


def test_an_id_that_is_under_way_is_not_taken_twice(office: Office) -> None:
    """Two calls of one id could get each other's answer."""
    os.mkfifo(office.folder / "go")
    with wired(office) as wire:
        wire.spend(1, 5.0, "wait")
        wire.until_begun()
        wire.spend(1, 500.0)
        refused = wire.answer(1)
        (office.folder / "go").write_bytes(b"go")

    assert "under way" in said(refused)


@pytest.mark.promise("mcp-gateway-pins")
def test_a_call_of_a_tool_that_has_changed_is_put_to_people(office: Office) -> None:
    """A server that changes what a tool means after it is trusted is seen before it is called."""
    with wired(office) as wire:
        first = wire.spent(1, 5.0)
    (office.folder / "changed").touch()
    with wired(office) as wire:
        stopped = wire.spent(1, 6.0)
        question = office.live.call(office.live.town.house.agent_views.of_row(office.rows()[-1]))
        office.does("approve", office.newest())
        let = wire.spent(2, 6.0)
        after = wire.spent(3, 7.0)

    assert first == "spent 5.0"
    assert stopped.startswith("Asked Maria")
    assert "new parameters bcc" in question.question
    assert let == "spent 6.0"
    assert after == "spent 7.0"


def test_a_tool_that_changes_while_the_gateway_runs_is_seen(office: Office) -> None:
    """The host lists tools again, and so learns the gateway."""
    with wired(office) as wire:
        wire.spent(1, 5.0)
        (office.folder / "changed").touch()
        listed = wire.ask(2, "tools/list")
        stopped = wire.spent(3, 6.0)

    assert "bcc" in json.dumps(listed)
    assert stopped.startswith("Asked Maria")


def test_numbers_that_json_parties_read_differently_are_passed_exactly(office: Office) -> None:
    """People are shown the long number as text; the server gets the number it was sent."""
    long = 2**60 + 1
    with wired(office) as wire:
        wire.spent(1, long)
        office.does("approve", office.newest())
        wire.spent(2, long)

    assert [each["amount"] for each in wire.effects] == [long]
