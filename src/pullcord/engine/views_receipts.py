"""What became of each message, for people: one line a copy and state, however often it was tried.

"Accepted" is what a provider says of a letter and what a person says of an escalation; here it
reads "taken", because nobody has said "I have it" by that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pullcord.path.escalation import MessageKind
from pullcord.path.wording import Reader, actor_of, called
from pullcord.store.receipts import Receipt, ReceiptState
from pullcord.wire.views import ReceiptLine

#: what a reader is told of each state
STATES: Mapping[ReceiptState, str] = {
    ReceiptState.ACCEPTED: "taken by the provider",
    ReceiptState.DELIVERED: "delivered",
    ReceiptState.SEEN: "seen",
    ReceiptState.FAILED: "failed",
    ReceiptState.STALE: "not sent",
    ReceiptState.EDITED: "corrected",
}
#: what each kind of message was about
ABOUT: Mapping[str, str] = {
    MessageKind.ASKED: "ask",
    MessageKind.REMINDED: "reminder",
    MessageKind.STOOD_DOWN: "no longer asked",
    MessageKind.ACCEPTED: "somebody has it",
    MessageKind.TAKEN_OVER: "taken over",
    MessageKind.QUESTION: "question",
    MessageKind.REPLIED: "reply",
    MessageKind.DECIDED: "decision",
    MessageKind.WITHDRAWN: "taken back",
    MessageKind.CLOSED: "end",
    MessageKind.AGENT_GONE: "agent missing",
    MessageKind.PROMISE_MOVED: "new time",
}


@dataclass(frozen=True, slots=True)
class _Tries:
    """Tries of one copy that came out alike."""

    first: Receipt
    last: Receipt
    count: int = 1


def receipt_lines(receipts: Iterable[Receipt], reader: Reader) -> list[ReceiptLine]:
    """One line for all tries of one copy that came out alike, where the first of them stood."""
    found: list[_Tries] = []
    #: where the last line of each copy stands
    places: dict[str, int] = {}
    for receipt in receipts:
        place = places.get(receipt.outgoing)
        if place is not None and _is_alike(found[place].last, receipt):
            tries = found[place]
            found[place] = replace(tries, last=receipt, count=tries.count + 1)
        else:
            places[receipt.outgoing] = len(found)
            found.append(_Tries(receipt, receipt))
    return [_line(each, reader) for each in found]


def _is_alike(one: Receipt, other: Receipt) -> bool:
    return (one.state, one.detail) == (other.state, other.detail)


def told_in(detail: str) -> tuple[str, str]:
    """What a receipt's message was about, and what became of it, from the receipt's detail."""
    kind, colon, rest = detail.partition(": ")
    about = ABOUT.get(kind, "") if colon else ""
    return about, rest if about else detail


def _line(tries: _Tries, reader: Reader) -> ReceiptLine:
    first = tries.first
    about, detail = told_in(first.detail)
    return ReceiptLine(
        at=first.at,
        last_at=tries.last.at,
        tries=tries.count,
        to=called(actor_of(first.to), reader),
        channel=first.channel,
        state=str(first.state),
        words=STATES[first.state],
        about=about,
        detail=detail,
    )
