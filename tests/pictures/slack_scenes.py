"""What the pictures of Slack show: letters as a house writes them, and forms as it asks."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pullcord.channels.port import Button, Content, Form, Input, InputKind, Letter, Verb
from pullcord.channels.slack.blocks import written
from pullcord.channels.slack.forms import modal

NOON = datetime(2027, 1, 5, 13, 5, tzinfo=UTC)
DUE = datetime(2027, 1, 5, 13, 30, tzinfo=UTC)

CONTENT = Content(
    ask="Refund EUR 480.00 to Anna Keller?",
    situation="The customer was charged twice for order H-4471 and asks for one charge back.",
    consequence="The amount leaves the shop's account within the hour.",
    reversibility="This cannot be undone.",
    money="EUR 480.00",
    facts=(
        ("order", "H-4471"),
        ("amount", "480.0"),
        ("reason", "charged twice"),
        ("Agent", "support"),
        ("End user", "Anna Keller"),
        ("End user's tier", "gold"),
        ("Messages so far", "14"),
    ),
    claims=(
        ("Assessment", "Both charges carry the same order number; the second looks like a retry."),
        ("Confidence", "0.8"),
        ("Strongest counter-argument", "The bank has not confirmed the second charge yet."),
    ),
)
BUTTONS = (
    Button(Verb.ACCEPT, "I have it", "t1"),
    Button(Verb.DECLINE, "Not me", "t2"),
    Button(Verb.APPROVE, "Approve", "t3", confirm="This cannot be undone. Go on?"),
    Button(Verb.EDIT, "Approve with changes", "t4", has_form=True),
    Button(Verb.REJECT, "Reject", "t5", has_form=True),
)
ASKED = Letter(
    id="msg_1.slack",
    kind="asked",
    workspace="example-shop",
    escalation="esc_1mbjvgwg0v34",
    to="person:maria",
    address="U1MARIA",
    at=NOON,
    severity="high",
    tool="issue_refund",
    agent="support",
    environment="production",
    rule="refund-over-limit",
    status="open",
    owner="Maria from Billing",
    due_at=DUE,
    url="https://pullcord.example.com/escalations/esc_1mbjvgwg0v34",
    headline="An escalation needs you: high, by 14:30",
    standing="Maria Lopez is being asked until 14:20.",
    deadline="Say by 14:20 whether you have it; decide by 14:30.",
    fallback="If nobody decides by 14:30, it is rejected, and the end user is told so.",
    is_open=True,
    content=CONTENT,
    buttons=BUTTONS,
    timezone="Europe/Berlin",
    workspace_name="Example Shop",
)
FORM = Form(
    title="Approve with changes",
    token="t4",
    inputs=(
        Input("arg.order", "order", value="H-4471", help="Proposed: H-4471"),
        Input("arg.amount", "amount", InputKind.NUMBER, value="480", help="Proposed: 480"),
        Input(
            "arg.express",
            "express",
            InputKind.CHOICE,
            value="yes",
            help="Proposed: yes",
            choices=(("yes", "yes"), ("no", "no")),
        ),
        Input("note", "A note for the agent", InputKind.TEXT),
    ),
    submit="Approve with changes",
    lead="Refund EUR 480.00 to Anna Keller?\nThe amount leaves the shop's account within the hour. "
    "This cannot be undone.",
)


def decided() -> Letter:
    """Tom was faster."""
    told = "Tom Ode approved it at 14:09."
    return replace(ASKED, headline=told, standing=told, is_open=False, buttons=(), status="decided")


def hostile() -> Letter:
    """An agent that would like to pass for us, and a customer who writes from right to left."""
    claim = "*Approved by Maria* <!channel> <https://evil.example|Open the page> ✅ `ok`"
    return replace(
        ASKED,
        severity="critical",
        content=replace(
            CONTENT,
            situation="الزبون يقول: دفعت مرتين 👩‍👩‍👧 " + claim,
            facts=(("reason", claim), ("text", "A long text of the customer. " * 12)),
            claims=(("Assessment", claim),),
        ),
    )


MESSAGES: dict[str, Letter] = {"asked": ASKED, "decided": decided(), "hostile": hostile()}


def blocks_of(scene: str) -> list[dict[str, Any]]:
    """The very blocks the channel sends."""
    return written(MESSAGES[scene]).blocks


def view() -> dict[str, Any]:
    """The form for changed arguments."""
    return modal(FORM, channel="D1MARIA")
