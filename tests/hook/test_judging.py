"""The hook from a call to its report: judged, put to people, repeated, decided, run as decided."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.hook.host import Host, host_of
from tests.mcp.office import Office

PUSH = "git push origin main"


@pytest.mark.promise("hook")
def test_a_stopped_call_runs_when_it_is_repeated_after_a_yes(office: Office, host: Host) -> None:
    """Neither the agent nor its tools are changed: denied with a name, repeated, run, reported."""
    stopped = host.use("Bash", command=PUSH)
    office.does("approve", office.newest(), "Tag it first.")
    done = host.use("Bash", command=PUSH)

    assert not stopped.ran
    assert stopped.told.startswith("Asked Maria from Releases at ")
    assert "Bash has NOT run" in stopped.told
    assert "Repeat exactly the same call" in stopped.told
    assert done.ran
    assert done.args == {"command": PUSH}
    assert "Tag it first." in done.told
    assert office.closed_as(office.newest()) == "executed"
    assert len(office.rows()) == 1


def test_what_no_rule_stops_goes_on_as_if_there_were_no_hook(office: Office, host: Host) -> None:
    """The host's own rules go on applying: the hook says nothing at all."""
    code, out, err = host.hook(
        "PreToolUse", {"tool_name": "Bash", "tool_input": {"command": "ls"}, "tool_use_id": "t1"}
    )

    assert (code, out, err) == (0, b"", b"")
    assert office.rows() == []


def test_a_call_that_a_rule_denies_wakes_nobody(office: Office, host: Host) -> None:
    """The model reads which rule it was."""
    denied = host.use("Bash", command="rm -rf /")

    assert not denied.ran
    assert "no-wipes" in denied.told
    assert office.rows() == []


@pytest.mark.promise("hook")
def test_changed_arguments_are_what_the_host_runs(office: Office, host: Host) -> None:
    """What a person decided runs, not what the model wrote, and the model is told so."""
    host.use("Bash", command=PUSH)
    office.does("edit", office.newest(), command="git push origin topic")
    done = host.use("Bash", command=PUSH)

    assert host.ran == [{"command": "git push origin topic"}]
    assert "changed this call before it ran" in done.told
    assert office.closed_as(office.newest()) == "executed"


def test_a_no_stands_with_its_reason(office: Office, host: Host) -> None:
    """A model that insists gets the same answer, and nobody is asked twice."""
    host.use("Bash", command=PUSH)
    office.does("reject", office.newest(), "We freeze today.")
    first, again = host.use("Bash", command=PUSH), host.use("Bash", command=PUSH)

    assert "We freeze today." in first.told
    assert "decided against it" in again.told
    assert host.ran == []
    assert len(office.rows()) == 1


def test_silence_is_no_yes(office: Office, host: Host) -> None:
    """Nobody decided in time: the tool does not run, and the model is told that it was nobody."""
    host.use("Bash", command=PUSH)
    office.live.turn(timedelta(hours=3))
    told = host.use("Bash", command=PUSH)

    assert not told.ran
    assert "obody decided" in told.told


def test_a_yes_covers_one_call_of_one_session(office: Office, host: Host) -> None:
    """What was carried out is spent, and another session has to ask for itself."""
    host.use("Bash", command=PUSH)
    office.does("approve", office.newest())
    stranger = host_of(office, session="session-2").use("Bash", command=PUSH)
    done = host.use("Bash", command=PUSH)
    again = host.use("Bash", command=PUSH)

    assert [stranger.ran, done.ran, again.ran] == [False, True, False]
    assert again.told.startswith("Asked Maria")
    assert len(office.rows()) == 3


def test_a_call_waits_a_bounded_time_for_its_person(office: Office) -> None:
    """Who is quick need not be asked twice."""
    from pullcord.testing import approves, never

    office.live.plays("maria", approves())
    try:
        done = host_of(office, wait="15s").use("Bash", command=PUSH)
    finally:
        office.live.plays("maria", never())

    assert done.ran
    assert office.closed_as(office.newest()) == "executed"


def test_a_tool_that_fails_is_reported_as_failed(office: Office, host: Host) -> None:
    """What did not work must not look done."""
    host.use("Bash", command=PUSH)
    office.does("approve", office.newest())
    host.use("Bash", fails=True, command=PUSH)

    assert office.closed_as(office.newest()) == "failed"


def test_a_host_that_runs_something_else_is_seen(office: Office, host: Host) -> None:
    """Another hook may change the arguments afterwards: people learn of the difference."""
    host.use("Bash", command=PUSH)
    office.does("approve", office.newest())
    said = {"tool_use_id": "other", "tool_name": "Bash"}
    host.hook("PreToolUse", {**said, "tool_input": {"command": PUSH}})
    after = {"tool_input": {"command": f"{PUSH} --force"}, "tool_response": "ok"}
    host.hook("PostToolUse", {**said, "hook_event_name": "PostToolUse", **after})

    assert office.closed_as(office.rows()[0].escalation.id) == "drifted"


def test_people_see_the_conversation_and_rules_the_circumstances(
    office: Office, host: Host, tmp_path: Path
) -> None:
    """Where the host keeps a transcript, its end comes along."""
    path = tmp_path / "transcript.jsonl"
    said = {"type": "user", "message": {"role": "user", "content": "Ship the fix for A-17."}}
    path.write_text(json.dumps(said) + "\n")
    call = {"tool_name": "Bash", "tool_input": {"command": PUSH}, "tool_use_id": "t1"}
    host.hook("PreToolUse", {**call, "transcript_path": str(path), "permission_mode": "plan"})
    found = office.live.call(
        office.live.town.house.views.detail("office", "maria", office.newest())
    )

    assert "Ship the fix for A-17." in str(found)


def test_a_report_that_is_lost_blocks_nothing_and_says_so(office: Office, host: Host) -> None:
    """The tool has run: what is left is to tell the person at the keyboard."""
    host.use("Bash", command=PUSH)
    office.does("approve", office.newest())
    call = {"tool_name": "Bash", "tool_input": {"command": PUSH}, "tool_use_id": "t1"}
    host.hook("PreToolUse", call)
    host.env = {**host.env, "PULLCORD_URL": "http://127.0.0.1:9"}
    after = {**call, "hook_event_name": "PostToolUse", "tool_response": None}
    lost = host.hook("PostToolUse", after)
    host.env = office.environ
    told = host.hook("PostToolUse", after)
    twice = host.hook("PostToolUse", after)

    assert lost[0] == 1
    assert b"could not be reported" in lost[2]
    assert (told[0], twice[0]) == (0, 0)
    assert office.closed_as(office.newest()) == "executed"
