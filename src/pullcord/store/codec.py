"""Between domain values and what a database column holds."""

import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from pullcord.path.escalation import Escalation, Message
from pullcord.store.port import AgentKey, CallRecord, Copy, Linked, Outcome
from pullcord.store.receipts import Receipt, ReceiptState, Tally

_ENCODER = msgspec.json.Encoder()
_ESCALATION = msgspec.json.Decoder(Escalation)
_MESSAGE = msgspec.json.Decoder(Message)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def encoded(value: object) -> bytes:
    """A domain value as JSON bytes."""
    return _ENCODER.encode(value)


def packed(values: Sequence[object]) -> str:
    """Many values as one JSON text."""
    return _ENCODER.encode(values).decode()


#: bytes from which an entry is kept compressed, and most bytes one unfolds to
FOLDED_FROM, UNFOLDED_MAX = 1_000, 16 * 1_048_576
#: how compressed bytes begin; JSON never does
_FOLDED = b"x"
#: how the state of an escalation ends that nobody has answered
_UNANSWERED = (
    b',"question":null,"decision":null,"attempt":"","closed_as":null,"ended_at":null,"votes":[]}'
)


def state_of(escalation: Escalation) -> bytes:
    """An escalation as its state column; what is not said yet takes no room in a page of two.

    The fields are the last of their record and no text can hold an unescaped quote, so that this
    end is theirs; read again, they have their defaults.
    """
    state = encoded(escalation)
    return state[: -len(_UNANSWERED)] + b"}" if state.endswith(_UNANSWERED) else state


def folded(body: bytes) -> bytes:
    """An entry's canonical JSON as it is kept: a long one compressed, so that pages hold more."""
    return zlib.compress(body, 1) if len(body) > FOLDED_FROM else body


def unfolded(kept: bytes) -> bytes:
    """The canonical JSON again; what somebody altered comes back as it stands, for the proof."""
    if kept[:1] != _FOLDED:
        return kept
    unfolder = zlib.decompressobj()
    try:
        body = unfolder.decompress(kept, UNFOLDED_MAX)
    except zlib.error:
        return kept
    return body if unfolder.eof else kept


def escalation_of(state: bytes) -> Escalation:
    """An escalation from its state column."""
    return _ESCALATION.decode(state)


def message_of(state: bytes) -> Message:
    """A message from its column."""
    return _MESSAGE.decode(state)


def micros(at: datetime) -> int:
    """Microseconds since 1970, UTC."""
    return (at - _EPOCH) // _MICROSECOND


def maybe_micros(at: datetime | None) -> int | None:
    """The same, or None."""
    return None if at is None else micros(at)


def instant(value: int) -> datetime:
    """The aware UTC instant of a column."""
    return _EPOCH + timedelta(microseconds=value)


def maybe_instant(value: int | None) -> datetime | None:
    """The same, or None."""
    return None if value is None else instant(value)


def key_of(row: tuple[str, str, str, str, str, str, int, int | None, str]) -> AgentKey:
    """An API key from its row."""
    return AgentKey(*row[:6], instant(row[6]), maybe_instant(row[7]), row[8])


def receipt_of(row: tuple[str, str, str, str, str, int, str]) -> Receipt:
    """A receipt from its row."""
    return Receipt(*row[:4], ReceiptState(row[4]), instant(row[5]), row[6])


def copy_of_row(
    row: tuple[str, bytes, str, str, str, int, int, bool, bool, int],
) -> Copy:
    """A copy from its row."""
    copied, message, channel, address, reference, version, at, is_edited, wakes, tries = row
    return Copy(
        id=copied,
        message=message_of(message),
        channel=channel,
        address=address,
        reference=reference,
        version=version,
        at=instant(at),
        is_edited=bool(is_edited),
        wakes=bool(wakes),
        tries=tries,
    )


def linked_of(row: tuple[str, str, str, str, str, str, int]) -> Linked:
    """A linked account from its row."""
    return Linked(*row[:6], instant(row[6]))


def tally_of(row: tuple[str, str, int, int, int]) -> Tally:
    """A tally from its row."""
    return Tally(row[0], ReceiptState(row[1]), row[2], instant(row[3]), instant(row[4]))


def outcome_of(row: tuple[str, str, str, str, str, str, int]) -> Outcome:
    """An outcome from its row."""
    return Outcome(*row[:6], instant(row[6]))


def call_row(workspace: str, call: CallRecord) -> tuple[object, ...]:
    """A call's columns."""
    return (
        workspace,
        call.id,
        micros(call.at),
        call.agent,
        call.agent_key,
        call.environment,
        call.run,
        call.tool,
        call.verdict,
        call.rule,
        call.policy_version,
        call.count,
        encoded(dict(call.facts)),
    )
