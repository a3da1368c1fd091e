"""What happens in the demo: situations of three agents, and what the colleagues do about them."""

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Ask:
    """A question an agent asks by itself, without a tool call."""

    kind: Literal["answer", "choose"]
    question: str
    #: (id, label, consequence, is_safe)
    options: tuple[tuple[str, str, str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What colleagues do: `by` acts `after` so many seconds; "leave" leaves it to the visitor."""

    does: str  #: approve, edit, reject, answer, choose, decline, leave
    by: str = ""
    after: float = 3.0
    note: str = ""
    args: dict[str, Any] = field(default_factory=dict)
    answer: str = ""
    option: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """One stop of an agent: who it serves, what was said, what it wants to do."""

    id: str
    agent: str
    customer: str
    said: tuple[tuple[str, str], ...]
    answer: Answer
    tool: str = ""
    args: dict[str, Any] = field(default_factory=dict)
    ask: Ask | None = None
    signals: dict[str, Any] = field(default_factory=dict)
    situation: str = ""
    assessment: str = ""
    unknowns: tuple[str, ...] = ()
    recommendation: str = ""
    counter_argument: str = ""
    confidence: float | None = None


LIVE: tuple[Situation, ...] = (
    Situation(
        id="double-charge",
        agent="refunds",
        customer="Anna Keller",
        said=(
            ("user", "You charged me twice for the same order on Friday. Please send it back."),
            ("assistant", "I see two payments of EUR 240.00. Let me check them with a colleague."),
        ),
        tool="issue_refund",
        args={"order": "H-8812", "amount": 480.0, "to": "card …1234"},
        answer=Answer(
            "edit",
            by="maria,tom",
            after=2.0,
            args={"order": "H-8812", "amount": 240.0, "to": "card …1234"},
            note="One of the two charges was already reversed by the bank.",
        ),
        situation="Anna was charged twice for order H-8812 and asks for both payments back.",
        assessment="Both charges are on the card statement; the order itself was delivered.",
        unknowns=("whether the bank has already reversed one of them",),
        recommendation="Refund both charges.",
        counter_argument="One charge may already be on its way back.",
        confidence=0.71,
    ),
    Situation(
        id="late-parcel",
        agent="refunds",
        customer="Jonas Brandt",
        said=(
            ("user", "My parcel came nine days late, the birthday is over. I want my money back."),
            ("assistant", "I am sorry. The delivery was promised for the 12th."),
            ("user", "So? What happens now?"),
        ),
        tool="issue_refund",
        args={"order": "H-9021", "amount": 319.9, "to": "card …8830"},
        answer=Answer("leave"),
        situation="Jonas' gift arrived nine days after the promised date.",
        assessment="The carrier lost the parcel once; our own delay was two days.",
        unknowns=("whether he would take a voucher instead",),
        recommendation="Refund the whole order as a gesture.",
        counter_argument="The goods were delivered and kept.",
        confidence=0.58,
    ),
    Situation(
        id="wipe-old-volume",
        agent="operations",
        customer="",
        said=(("user", "Disk usage on db-3 is at 91 %. Free some space."),),
        tool="delete_volume",
        args={"volume": "vol-orders-2023", "size_gb": 800},
        answer=Answer("leave"),
        situation="db-3 will be full in about six hours; one volume has not been read since May.",
        assessment="vol-orders-2023 looks like the archive of a finished migration.",
        unknowns=("whether accounting still reads the archive once a year",),
        recommendation="Delete vol-orders-2023.",
        counter_argument="Nothing else holds those orders.",
        confidence=0.64,
    ),
    Situation(
        id="scale-checkout",
        agent="operations",
        customer="",
        said=(("user", "Checkout latency p99 is 4.1 s since 13:50."),),
        tool="scale_service",
        args={"service": "checkout", "now": 12, "replicas": 40},
        answer=Answer("approve", by="kofi", after=2.0, note="Scale back after the campaign."),
        situation="The campaign mail went out at 13:45 and traffic has tripled.",
        assessment="All machines run at 95 % CPU; the database is idle.",
        recommendation="Scale to 40 machines until the evening.",
        counter_argument="24 machines may be enough.",
        confidence=0.86,
    ),
    Situation(
        id="water-damage",
        agent="claims",
        customer="Meera Joshi",
        said=(
            ("user", "Rain came through the roof window, the floor is ruined. Am I covered?"),
            ("assistant", "Let me ask a colleague how clause 7 applies here."),
        ),
        ask=Ask("answer", "Does clause 7 cover rain through an open roof window?"),
        answer=Answer(
            "answer",
            by="lena",
            after=4.0,
            answer="Only if the window was closed. Ask for a photo of the frame.",
        ),
        situation="Meera reports rain damage; the window may have been tilted open.",
        unknowns=("whether the window was closed",),
        confidence=0.4,
    ),
    Situation(
        id="two-smiths",
        agent="claims",
        customer="J. Smith",
        said=(
            ("user", "This is J. Smith, please send my claim to my new address."),
            ("assistant", "One moment, I find two customers with that name."),
        ),
        ask=Ask(
            "choose",
            "Two accounts match J. Smith. Which one is calling?",
            (
                ("smith-1", "Jane Smith, Leeds", "Her address is changed.", False),
                ("smith-2", "John Smith, York", "His address is changed.", False),
                ("neither", "Neither; ask for the policy number", "Nothing is changed.", True),
            ),
        ),
        answer=Answer("leave"),
        situation="The caller gave only a name; both accounts have an open claim.",
        recommendation="Jane Smith: she called twice this week.",
        counter_argument="The number is not known to either account.",
        confidence=0.52,
    ),
    Situation(
        id="new-iban",
        agent="refunds",
        customer="Peter Lang",
        said=(
            ("user", "Send all refunds to my new account from now on: DE75512108001245126199"),
            ("assistant", "I will have that confirmed."),
        ),
        tool="change_iban",
        args={"customer": "c-4471", "iban": "DE75 5121 0800 1245 1261 99"},
        answer=Answer(
            "reject", by="maria,tom", after=3.0, note="Call him back on the number we know first."
        ),
        situation="Peter wants refunds to go to another account; he signed in an hour ago.",
        unknowns=("whether it is really Peter",),
        confidence=0.45,
    ),
    Situation(
        id="storm-roof",
        agent="claims",
        customer="Olga Petrov",
        said=(
            ("user", "The storm took half my roof. The roofer says EUR 6,200."),
            ("assistant", "I have the photos and the offer. I will ask for approval."),
        ),
        tool="pay_claim",
        args={"claim": "C-20611", "amount": 6200.0},
        answer=Answer("leave"),
        situation="Storm damage with photos and one offer; the policy covers storms from force 8.",
        assessment="Force 9 was measured two streets away.",
        recommendation="Pay the offered sum.",
        counter_argument="Only one offer was obtained.",
        confidence=0.81,
    ),
    Situation(
        id="fourth-refund",
        agent="refunds",
        customer="Kim Noor",
        said=(
            ("user", "The shoes do not fit either. Refund please, as usual."),
            ("assistant", "I will arrange that."),
        ),
        tool="issue_refund",
        args={"order": "H-9177", "amount": 89.0, "to": "card …0042"},
        signals={"refunds_this_month": 4},
        answer=Answer("leave"),
        situation="It is the fourth refund this month; three pairs never came back.",
        recommendation="Refund after the parcel is scanned.",
        counter_argument="She has been a customer for six years.",
        confidence=0.6,
    ),
    Situation(
        id="rotate-search",
        agent="operations",
        customer="",
        said=(("user", "A key of the search service stands in a public paste."),),
        tool="rotate_credentials",
        args={"service": "search", "grace_minutes": 0},
        answer=Answer(
            "edit",
            by="ines",
            after=5.0,
            args={"service": "search", "grace_minutes": 15},
            note="The importer needs a few minutes.",
        ),
        situation="The key was published 20 minutes ago and has not been used from outside.",
        recommendation="Rotate at once.",
        counter_argument="The nightly importer still uses the old key.",
        confidence=0.9,
    ),
)

#: calls that need nobody: they give the denominators
QUIET: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("refunds", "issue_refund", {"order": "H-7001", "amount": 19.9, "to": "card …5521"}),
    ("refunds", "issue_refund", {"order": "H-7014", "amount": 42.0, "to": "card …9914"}),
    ("operations", "scale_service", {"service": "images", "now": 4, "replicas": 6}),
    ("claims", "pay_claim", {"claim": "C-20588", "amount": 140.0}),
)
