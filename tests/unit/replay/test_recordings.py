"""Recorded runs: read one at a time, and a bad line is named instead of guessed at."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from pullcord.errors import InvalidInput
from pullcord.replay import recordings
from pullcord.replay.recordings import Recording, Recordings


def run(name: str = "r1", **changes: Any) -> dict[str, Any]:
    """A run with one call."""
    call = {"id": "c1", "function": {"name": "refund", "arguments": '{"amount": 5}'}}
    return {
        "run_id": name,
        "domain": "support",
        "group": "anna",
        "messages": [
            {"role": "user", "content": "Money back, please."},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "sent"},
        ],
        **changes,
    }


def kept(folder: Path, *lines: Any, name: str = "runs.jsonl") -> Path:
    """A file of these lines."""
    text = "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in lines)
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def first(path: Path) -> Recording:
    """The first run of a file."""
    return next(iter(Recordings(path)))


@pytest.mark.parametrize("name", ["runs.jsonl", "runs.jsonl.gz"])
def test_runs_are_read_plain_and_packed(tmp_path: Path, name: str) -> None:
    """Blank lines are no runs; the position tells a progress bar how far it is."""
    found = Recordings(kept(tmp_path, run("a"), "", run("b"), name=name))

    assert [each.id for each in found] == ["a", "b"]
    assert found.position == found.size


def test_a_call_carries_what_was_said_before_and_what_came_back(tmp_path: Path) -> None:
    """The transcript is the briefing; the result is what a guarded call gives again."""
    recording = first(kept(tmp_path, run()))

    (call,) = recording.calls()

    assert (recording.agent, recording.end_user) == ("support", "anna")
    assert (call.id, call.tool, call.args, call.result) == ("1.0", "refund", {"amount": 5}, "sent")
    assert [each["role"] for each in call.context] == ["user", "assistant"]


def test_a_long_transcript_travels_with_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last messages are what a person needs; the rest would only be cut by the server."""
    monkeypatch.setattr(recordings, "CONTEXT_MAX", 1)

    (call,) = first(kept(tmp_path, run())).calls()

    assert [each["role"] for each in call.context] == ["assistant"]


@pytest.mark.parametrize(
    ("arguments", "args"),
    [
        ({"amount": 5}, {"amount": 5}),
        ("[1]", {"value": [1]}),
        ("{broken", {"unreadable": "{broken"}),
        ("[" * 100_000, {"unreadable": "[" * 2_000}),
        (None, {"value": None}),
    ],
)
def test_arguments_of_any_shape_become_arguments(
    tmp_path: Path, arguments: Any, args: dict[str, Any]
) -> None:
    """Models write what they like; a policy must still be able to look at it."""
    calls = [{"id": "c1", "function": {"name": "refund", "arguments": arguments}}]
    messages = [{"role": "assistant", "tool_calls": calls}]

    (call,) = first(kept(tmp_path, run(messages=messages))).calls()

    assert call.args == args
    assert call.result == ""


@pytest.mark.parametrize(
    "proposed", [None, "refund", [None], [{"function": "refund"}], [{"function": {"name": ""}}]]
)
def test_what_is_no_call_is_passed_over(tmp_path: Path, proposed: Any) -> None:
    """A message without a tool is only something that was said."""
    messages = [{"role": "assistant", "tool_calls": proposed}]

    assert not list(first(kept(tmp_path, run(messages=messages))).calls())


def test_a_run_without_a_name_is_called_after_its_line(tmp_path: Path) -> None:
    """Every run needs a name: it is half of the key of its calls."""
    anonymous: dict[str, Any] = {"messages": []}

    names = [each.id for each in Recordings(kept(tmp_path, anonymous, {**anonymous, "id": "x"}))]

    assert names == ["line-1", "x"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "line 2: .*one JSON object a line"),
        ("[" * 100_000, "line 2: .*one JSON object a line"),
        ("[]", "line 2: messages"),
        ('{"messages": {}}', "line 2: messages: 'dict'"),
        ('{"messages": ["hello"]}', "line 2: messages"),
    ],
)
def test_a_line_that_is_no_run_is_named(tmp_path: Path, line: str, says: str) -> None:
    """The number of the line, what it holds, and what it should."""
    path = kept(tmp_path, run(), line)

    with pytest.raises(InvalidInput, match=says):
        list(Recordings(path))


def test_a_line_that_is_too_long_is_refused_without_reading_it_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded by one line, and lines are bounded."""
    monkeypatch.setattr(recordings, "LINE_BYTES_MAX", 10)

    with pytest.raises(InvalidInput, match="10 bytes"):
        list(Recordings(kept(tmp_path, run())))


@pytest.mark.parametrize("damage", ["cut", "other", "flipped"])
def test_a_broken_archive_is_told_in_one_sentence(tmp_path: Path, damage: str) -> None:
    """A download that broke off is the commonest reason."""
    path = kept(tmp_path, *(run(str(number)) for number in range(500)), name="runs.jsonl.gz")
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(
        {
            "cut": whole[:middle],
            "other": b"no archive at all",
            "flipped": whole[:20] + b"\xff" * 40 + whole[60:],
        }[damage]
    )

    with pytest.raises(InvalidInput, match="a whole gzip file"):
        list(Recordings(path))


def test_a_file_that_is_not_there_is_named() -> None:
    """Before a server is started for it."""
    with pytest.raises(InvalidInput, match=r"nowhere\.jsonl"):
        Recordings(Path("nowhere.jsonl"))
