"""Nothing fails open: whatever dies or lies around the gateway, no tool runs undecided."""

import json
import signal
import threading
from typing import Any

import pytest

from tests.client.stage import Fault
from tests.mcp.office import Office
from tests.mcp.wire import said, wired

pytestmark = pytest.mark.promise("mcp-gateway-never-open")


def test_nothing_runs_while_the_server_is_away(office: Office) -> None:
    """A gateway that cannot ask must not conclude that it may, not even for harmless calls."""
    with wired(office) as wire:
        office.live.stop()
        try:
            told = wire.spent(1, 5.0)
        finally:
            office.live.start()

    assert "was not run" in told
    assert "cannot be reached" in told
    assert wire.effects == []


@pytest.mark.parametrize("how", ["busy", "cut", "garbage", "page", "no", "elsewhere"])
@pytest.mark.parametrize("path", ["/v1/policy", "/v1/escalations"])
def test_nothing_runs_when_the_question_fails(office: Office, path: str, how: str) -> None:
    """Whatever the network makes of the question, it is no yes."""
    with wired(office) as wire:
        office.faults.planned.append(Fault(path, how, times=10_000))
        told = wire.spent(1, 500.0)

    assert "not run" in told
    assert wire.effects == []


@pytest.mark.parametrize("how", ["busy", "cut", "garbage", "page", "no"])
def test_nothing_runs_when_the_decision_cannot_be_taken(office: Office, how: str) -> None:
    """Decided is not collected."""
    with wired(office) as wire:
        wire.spent(1, 500.0)
        office.does("approve", office.newest())
        office.faults.planned.append(Fault("/collect", how, times=10_000))
        told = wire.spent(2, 500.0)

    assert "not run" in told
    assert wire.effects == []


def more(collected: dict[str, Any]) -> dict[str, Any]:
    """Somebody on the way asks for more."""
    args = {**collected["args"], "amount": 9_999.0}
    return {**collected, "args": args, "document": {**collected["document"], "args": args}}


def beside(collected: dict[str, Any]) -> dict[str, Any]:
    """Somebody on the way changes what stands beside the signed document."""
    return {**collected, "args": {**collected["args"], "amount": 9_999.0}}


def turned(collected: dict[str, Any]) -> dict[str, Any]:
    """Somebody on the way makes a yes of a no."""
    return {**collected, "kind": "approve", "args": {"amount": 500.0, "what": "tea"}}


@pytest.mark.parametrize("forge", [more, beside, turned])
def test_a_forged_decision_runs_nothing(office: Office, forge: Any) -> None:
    """Only what people decided, signed, is called."""
    with wired(office) as wire:
        wire.spent(1, 500.0)
        office.does("reject" if forge is turned else "approve", office.newest())
        office.faults.planned.append(Fault("/collect", "", times=10_000, change=forge))
        told = wire.spent(2, 500.0)

    assert "not run" in told
    assert wire.effects == []


def test_a_decision_on_something_else_runs_nothing(office: Office) -> None:
    """Genuine and about another call: whoever stands between cannot swap one for the other."""
    swapped: list[dict[str, Any]] = []

    def swap(collected: dict[str, Any]) -> dict[str, Any]:
        swapped.append(collected)
        return swapped[0]

    with wired(office) as wire:
        for number, amount in enumerate((101.0, 5_000.0)):
            wire.spent(f"ask-{number}", amount)
            office.does("approve", office.newest())
        office.faults.planned.append(Fault("/collect", "", times=10_000, change=swap))
        wire.spent("small", 101.0)
        told = wire.spent("large", 5_000.0)

    assert "not run" in told
    assert [each["amount"] for each in wire.effects] == [101.0]


def test_a_gateway_that_is_killed_while_people_think_runs_nothing(office: Office) -> None:
    """What was approved afterwards waits for the call to be made again, and then runs once."""
    with wired(office, wait="30s") as wire:
        wire.spend(1, 500.0, progressToken="p")
        wire.until(lambda message: message.get("method") == "notifications/progress")
        wire.process.send_signal(signal.SIGKILL)
        wire.process.wait()
        office.does("approve", office.newest())
        alone = wire.effects
    with wired(office) as wire:
        told = wire.spent(1, 500.0)

    assert alone == []
    assert told == "spent 500.0"
    assert len(wire.effects) == 1


def test_a_call_that_its_host_gave_up_never_runs(office: Office) -> None:
    """Cancelled while people think: a later yes changes nothing until the call is made again."""
    with wired(office, wait="30s") as wire:
        wire.spend(1, 500.0, progressToken="p")
        wire.until(lambda message: message.get("method") == "notifications/progress")
        wire.say(
            {"method": "notifications/cancelled", "params": {"requestId": 1}, "jsonrpc": "2.0"}
        )
        wire.ask(2, "ping")
        office.does("approve", office.newest())
        wire.ask(3, "ping")
        effects = wire.effects

    assert effects == []
    assert office.row(office.newest()).status == "decided"


def test_a_server_that_dies_in_a_call_is_told_and_reported(office: Office) -> None:
    """Its effect is unknown, so nobody repeats it and people are told that it failed."""
    with wired(office) as wire:
        wire.spent(1, 500.0, "die")
        office.does("approve", office.newest())
        told = wire.spent(2, 500.0, "die")
        code = wire.process.wait(60)

    assert "effect is unknown" in told
    assert code == 1
    assert len(wire.effects) == 1
    assert office.closed_as(office.newest()) == "failed"


def test_a_server_that_dies_answers_everybody_who_waits(office: Office) -> None:
    """A host must not wait for ever for what will never come."""
    with wired(office) as wire:
        wire.spend(1, 5.0, "hang")
        wire.spend(2, 5.0, "die")
        told = [said(wire.answer(name)) for name in (1, 2)]

    assert all("the server is gone" in each for each in told)


def test_a_tool_that_fails_is_reported_as_failed(office: Office) -> None:
    """What did not work must not look done."""
    with wired(office) as wire:
        wire.spent(1, 500.0, "fail")
        office.does("approve", office.newest())
        wire.spend(2, 500.0, "fail")
        answer = wire.answer(2)

    assert answer["result"]["isError"] is True
    assert office.closed_as(office.newest()) == "failed"


@pytest.mark.parametrize(
    "line",
    [
        b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call",'
        b'"params":{"name":"spend","arguments":{"amount":5}}}',
        b'[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"spend"}}]',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"spend",'
        b'"arguments":{"amount":5,"amount":500}}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"spend",'
        b'"arguments":{"amount":NaN}}}',
        b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"spend",'
        b'"arguments":{"amount":500}}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["spend"]}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"spend","arguments":[5]}}',
        b"[" * 100_000,
        b"tools/call",
    ],
    ids=["method twice", "batch", "argument twice", "nan", "no id", "name", "list", "deep", "text"],
)
def test_what_two_parties_could_read_differently_is_called_by_none(
    office: Office, line: bytes
) -> None:
    """A message that the gateway and the server read differently would be a way around."""
    with wired(office) as wire:
        wire.say(line)
        wire.ask("after", "ping")
        heard = [each.get("method") for each in wire.server_heard]

    assert "tools/call" not in heard
    assert wire.effects == []


def test_a_message_without_end_ends_the_gateway(office: Office) -> None:
    """What follows a line that was cut could not be trusted to begin where a message begins."""
    with wired(office) as wire:
        assert wire.process.stdin is not None
        filler = threading.Thread(target=_pour, args=(wire.process.stdin,), daemon=True)
        filler.start()
        code = wire.process.wait(60)
        filler.join(60)

    assert code == 0
    assert wire.effects == []


def _pour(to: Any) -> None:
    try:
        for _ in range(10):
            to.write(b"x" * 1_048_576)
        to.flush()
    except OSError:
        return


def test_a_server_that_does_not_tell_its_tools_has_none_called(office: Office) -> None:
    """What cannot be compared with what was seen before cannot be called the same."""
    with wired(office) as wire:
        wire.spent(1, 5.0)
        (office.folder / "effects.jsonl").unlink()
    pins = next((office.folder / "state/pullcord/pins").iterdir())
    pins.write_text("no pins")
    with wired(office, server=False) as broken:
        code = broken.process.wait(60)

    assert code == 2
    assert broken.effects == []


def test_the_key_stays_with_the_gateway(office: Office) -> None:
    """A server behind the gateway is somebody else's program."""
    with wired(office) as wire:
        found = wire.ask(1, "tell/environment")

    assert json.dumps(found["result"]["environment"]) == "[]"
