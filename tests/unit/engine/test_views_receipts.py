"""What became of each message, as the page tells it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pullcord.engine.views_receipts import ABOUT, STATES, receipt_lines
from pullcord.path.escalation import MessageKind
from pullcord.path.wording import Reader
from pullcord.store.receipts import Receipt, ReceiptState
from tests.unit.engine.shop import NOON

READER = Reader({"maria": "Maria Lopez"}, ZoneInfo("UTC"), NOON)
NO_ANSWER = "asked: no answer: the connection was refused"


def receipt(
    outgoing: str,
    state: ReceiptState,
    detail: str,
    *,
    at: datetime = NOON,
    to: str = "person:maria",
) -> Receipt:
    return Receipt(outgoing, "esc_1", to, outgoing.partition(".")[2], state, at, detail)


def test_tries_that_came_out_alike_are_one_line() -> None:
    """Six rows of one dead pager hide the one letter that arrived."""
    minute = timedelta(minutes=1)
    found = [
        receipt("m.webhook", ReceiptState.FAILED, NO_ANSWER),
        receipt("m.email", ReceiptState.ACCEPTED, "asked: taken by mail.example.com: 250"),
        receipt("m.webhook", ReceiptState.FAILED, NO_ANSWER, at=NOON + minute),
        receipt("m.webhook", ReceiptState.FAILED, "asked: answered 404", at=NOON + 2 * minute),
        receipt("m.webhook", ReceiptState.FAILED, NO_ANSWER, at=NOON + 3 * minute),
    ]

    lines = receipt_lines(found, READER)

    assert [(each.channel, each.tries, each.at, each.last_at) for each in lines] == [
        ("webhook", 2, NOON, NOON + minute),
        ("email", 1, NOON, NOON),
        ("webhook", 1, NOON + 2 * minute, NOON + 2 * minute),
        ("webhook", 1, NOON + 3 * minute, NOON + 3 * minute),
    ]


@pytest.mark.parametrize(
    ("state", "detail", "told"),
    [
        (
            ReceiptState.ACCEPTED,
            "asked: queued at Twilio",
            ("taken by the provider", "ask", "queued at Twilio"),
        ),
        (
            ReceiptState.STALE,
            "reminded: no longer true",
            ("not sent", "reminder", "no longer true"),
        ),
        (ReceiptState.SEEN, "opened on a phone", ("seen", "", "opened on a phone")),
        (ReceiptState.FAILED, "smtp: 550", ("failed", "", "smtp: 550")),
    ],
)
def test_a_state_is_told_in_words_that_mean_one_thing(
    state: ReceiptState, detail: str, told: tuple[str, str, str]
) -> None:
    """ "Maria Lopez: accepted" would read as if she had it."""
    (line,) = receipt_lines([receipt("m.sms", state, detail)], READER)

    assert (line.words, line.about, line.detail) == told
    assert (line.to, line.state) == ("Maria Lopez", str(state))


def test_every_state_and_kind_has_its_words() -> None:
    """A new state or kind would stand there as code."""
    assert set(STATES) == set(ReceiptState)
    assert set(ABOUT) == set(MessageKind)
