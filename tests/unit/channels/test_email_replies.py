"""What comes back by mail: whose words they are, which are new, and what a machine wrote."""

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from pullcord.channels.email.addresses import Mailbox, ReplyAddresses, mailbox_of, plain
from pullcord.channels.email.letter import Desk
from pullcord.channels.email.replies import Mail, Replies
from pullcord.channels.port import Learned, Outcome, Wrote

NOW = datetime(2027, 1, 5, 12, tzinfo=UTC)
KEY = b"k" * 32
LETTER = "msg_1mbjvgwg072pn18dleqfq0fsl.email"
OURS = Mailbox("Example Shop", "pullcord", "shop.example")
ADDRESSES = ReplyAddresses(OURS, KEY)
DESK = Desk(OURS, "https://pull.example", ADDRESSES, takes_replies=True)


def replies() -> Replies:
    return Replies(DESK, lambda: NOW)


def reply(text: str = "Looks right to me.", *, html: str = "", **headers: str) -> bytes:
    """Maria answers; a header given as "" is left out."""
    mail = EmailMessage()
    usual = {
        "From": "Maria Lopez <Maria@example.com>",
        "To": f"Example Shop <{ADDRESSES.of(LETTER)}>",
        "Subject": "Re: High: issue_refund by support [opbm8e]",
        "Message-ID": "<abc@example.com>",
    }
    for name, value in {**usual, **headers}.items():
        if value:
            mail[name.replace("_", "-")] = value
    if text or not html:
        mail.set_content(text)
    if html and text:
        mail.add_alternative(html, subtype="html")
    elif html:
        mail.set_content(html, subtype="html")
    return mail.as_bytes()


def words(raw: bytes) -> str:
    """What was taken from a reply."""
    (event,) = replies().read(raw).events
    assert isinstance(event, Wrote)
    return event.text


# --- addresses ----------------------------------------------------------------------------------


def test_an_address_is_made_for_one_letter_and_read_again_in_any_case() -> None:
    """Mail programs and servers change case as they like."""
    address = ADDRESSES.of(LETTER)

    assert len(address.partition("@")[0]) <= 64
    assert ADDRESSES.letter(address.upper()) == LETTER
    assert ADDRESSES.letter(ADDRESSES.of(LETTER + "-2")) == LETTER + "-2"


@pytest.mark.parametrize(
    "address",
    [
        "pullcord@shop.example",
        "pullcord+1mbjvgwg072pn18dleqfq0fsl@shop.example",
        "pullcord+1mbjvgwg072pn18dleqfq0fsl.aaaaaaaaaaaaaaaa@shop.example",
        "pullcord+.@shop.example",
        "pullcord+1mbjvgwg072pn18dleqfq0fsl.ää@shop.example",
        "maria@example.com",
        "",
    ],
)
def test_an_address_that_we_did_not_make_names_no_letter(address: str) -> None:
    """Guessing a letter must not be enough to write under it."""
    assert ADDRESSES.letter(address) == ""


def test_another_houses_address_is_not_ours() -> None:
    """A test server and a real one may share a mailbox."""
    other = ReplyAddresses(OURS, b"o" * 32)

    assert other.letter(ADDRESSES.of(LETTER)) == ""


def test_letters_that_cannot_be_answered_have_no_address() -> None:
    """A bundle answers to nothing in particular; a very long mailbox leaves no room."""
    long = ReplyAddresses(Mailbox("", "p" * 40, "shop.example"), KEY)

    assert ADDRESSES.of("bundle_00ff") == ""
    assert ADDRESSES.of("test_1mbjvgwg072pn18dleqfq0fsl") == ""
    assert long.of(LETTER) == ""


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("maria@example.com", "maria@example.com"),
        (" maria@münchen.example ", "maria@xn--mnchen-3ya.example"),
        ("o'neil+x@sub.example.com", "o'neil+x@sub.example.com"),
        ("maria", ""),
        ("@example.com", ""),
        ("maria@", ""),
        ("maria..x@example.com", ""),
        ("müller@example.com", ""),
        ("a@b.example\r\nBcc: x@evil.example", ""),
        ("a b@example.com", ""),
        ("maria@-example.com", ""),
        ("maria@" + "ä" * 300 + ".example", ""),
        ("m" * 65 + "@example.com", ""),
    ],
)
def test_an_address_is_one_that_servers_take_or_none(given: str, found: str) -> None:
    """What a server would misread is refused here, before it becomes a header."""
    assert plain(given) == found


def test_a_sender_is_a_name_and_an_address() -> None:
    """As it stands in every letter."""
    assert mailbox_of("Example Shop <us@shop.example>") == Mailbox(
        "Example Shop", "us", "shop.example"
    )
    assert mailbox_of("us@shop.example") == Mailbox("", "us", "shop.example")
    assert mailbox_of("nobody") is None


# --- a person's words ---------------------------------------------------------------------------


def test_a_reply_names_its_writer_and_its_letter() -> None:
    """Both are needed before a word of it is kept."""
    mail = replies().read(reply())

    assert mail == Mail(
        is_ours=True,
        events=(
            Wrote(
                "maria@example.com",
                f"{LETTER}@shop.example",
                "Looks right to me.",
                key="<abc@example.com>",
            ),
        ),
        letter=LETTER,
        answer_to="maria@example.com",
        message_id="<abc@example.com>",
    )


@pytest.mark.parametrize("header", ["Delivered-To", "X-Original-To", "Cc"])
def test_the_address_is_found_where_servers_put_it(header: str) -> None:
    """Some rewrite To, some only add what it was delivered to."""
    raw = reply(To="pullcord@shop.example", **{header: ADDRESSES.of(LETTER)})

    assert replies().read(raw).letter == LETTER


def test_other_mail_is_left_alone() -> None:
    """A person may read this mailbox too."""
    assert replies().read(reply(To="pullcord@shop.example")) == Mail()


QUOTED = "> An escalation needs you\n>\n> Refund EUR 480.00 to Anna?"


@pytest.mark.parametrize(
    "below",
    [
        f"On Tue, 5 Jan 2027 at 13:00, Example Shop <pullcord@shop.example> wrote:\n{QUOTED}",
        f"Am 05.01.2027 um 13:00 schrieb Example Shop\n<pullcord@shop.example>:\n\n{QUOTED}",
        f"Le 5 janv. 2027,\nExample Shop\n<pullcord@shop.example> a écrit :\n{QUOTED}",
        "-----Original Message-----\nFrom: Example Shop\nRefund EUR 480.00 to Anna?",
        "-------- Ursprüngliche Nachricht --------\nVon: Example Shop\nRefund?",
        "________________________________\nFrom: Example Shop <pullcord@shop.example>\nSent: now",
        "From: Example Shop <pullcord@shop.example>\nSent: now\nTo: Maria\nSubject: Re\n\nRefund?",
        "Von: Example Shop\nGesendet: Dienstag\nAn: Maria\nBetreff: Re\n\nRefund?",
        "-- \nMaria Lopez\nExample Shop, Billing\n+49 151 0000001",
    ],
)
def test_what_is_quoted_or_signed_is_left_out(below: str) -> None:
    """A comment is what somebody wrote, not what they wrote it under."""
    assert words(reply(f"Looks right to me.\n\n{below}\n")) == "Looks right to me."


def test_words_between_quotes_are_kept() -> None:
    """Some people answer line by line."""
    text = (
        "On Tuesday Example Shop <pullcord@shop.example> wrote:\n"
        "> Refund EUR 480.00 to Anna?\n\nYes, the second one.\n\n> The customer paid twice.\n\n"
        "She told me so: twice.\n"
    )

    assert words(reply(text)) == "Yes, the second one.\n\nShe told me so: twice."


def test_a_line_that_only_looks_like_a_header_is_kept() -> None:
    """ "From: …" at the beginning of a sentence is not a quote yet."""
    assert words(reply("From: my desk\nI say yes.")) == "From: my desk\nI say yes."
    assert words(reply("Two things:\n> quoted\nfine")) == "Two things:\nfine"
    assert words(reply("> quoted\nfine")) == "fine"


def test_html_alone_is_read_as_text_without_its_quotes() -> None:
    """Telephones write HTML and nothing else."""
    html = (
        "<html><head><title>x</title><style>p{}</style></head><body><p>Looks <b>right</b></p>"
        "<div>to&nbsp;me.<br>Maria</div></span><img src='x'>"
        "<div class='gmail_quote'>On Tuesday<blockquote>Refund?</blockquote></div></body></html>"
    )

    assert words(reply("", html=html)) == "Looks right\nto me.\nMaria"


def test_plain_text_is_taken_before_html() -> None:
    """Both say the same; one needs no guessing."""
    assert words(reply("plain", html="<p>rich</p>")) == "plain"


def test_attached_files_are_named_as_lost() -> None:
    """Silence about a file would look as if it had arrived."""
    for count, said in ((1, "(1 attached file was not kept.)"), (2, "(2 attached files were not")):
        mail = EmailMessage()
        mail["From"], mail["To"] = "maria@example.com", ADDRESSES.of(LETTER)
        mail.set_content("See the file.")
        for n in range(count):
            mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename=f"{n}")

        assert words(mail.as_bytes()).startswith("See the file.\n\n" + said)


@pytest.mark.parametrize("charset", ["latin-1", "x-unknown"])
def test_strange_charsets_lose_no_reply(charset: str) -> None:
    """An old program is no reason to lose what a person said."""
    raw = reply("Grüße").replace(b'charset="utf-8"', f'charset="{charset}"'.encode())

    assert "Gr" in words(raw)


@pytest.mark.parametrize("text", ["", "\n\n", QUOTED])
def test_nothing_written_is_nothing_kept(text: str) -> None:
    """An empty comment tells nobody anything."""
    mail = replies().read(reply(text))

    assert mail.is_ours
    assert mail.events == ()


def test_a_mail_without_any_text_is_nothing() -> None:
    """A picture alone."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "maria@example.com", ADDRESSES.of(LETTER)
    mail.set_content(b"\x89PNG", maintype="image", subtype="png")

    assert replies().read(mail.as_bytes()).events == ()


# --- machines and impostors ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"List-Id": "<news.example.com>"},
        {"X-Autoreply": "yes"},
        {"X-Autorespond": "yes"},
        {"X-Pullcord-Letter": "msg_1.email abc"},
        {"Return-Path": "<>"},
        {"From": "MAILER-DAEMON@example.com"},
        {"Subject": "Automatic reply: Re: High"},
        {"Subject": "Abwesenheitsnotiz"},
        {"Authentication-Results": "mx.shop.example; spf=pass; dmarc = fail (p=reject)"},
        {"From": "maria@example.com, tom@example.com"},
        {"From": ""},
        {"From": "Maria <nobody>"},
    ],
)
def test_machines_and_impostors_are_not_answered(headers: dict[str, str]) -> None:
    """Two programs that answer each other never stop; a forged sender gets nothing."""
    mail = replies().read(reply(**headers))

    assert mail == Mail(is_ours=True, letter=LETTER)


def test_a_verdict_below_our_servers_is_the_senders_invention() -> None:
    """Only the last server, ours, is believed about who wrote."""
    raw = reply(**{"Auto-Submitted": "no"})
    raw = (
        b"Authentication-Results: mx.shop.example; dmarc=pass\r\n"
        b"Authentication-Results: mx.evil.example; dmarc=fail\r\n" + raw
    )

    assert replies().read(raw).events


# --- bounces ------------------------------------------------------------------------------------


def bounce(
    *, action: str = "failed", status: str = "5.1.1", mark: str = "", returned: str = "headers"
) -> bytes:
    """A delivery status notification (RFC 3464) as a server sends it."""
    mark = mark or f"{LETTER} {ADDRESSES.signature(LETTER)}"
    kind = "text/rfc822-headers" if returned == "headers" else "message/rfc822"
    body = "" if returned == "headers" else "\n\nThe letter.\n"
    return f"""\
From: MAILER-DAEMON@mx.example.com
To: pullcord@shop.example
Subject: Undelivered
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It did not work.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; maria@example.com
Action: {action}
Status: {status}

--b
Content-Type: {kind}

From: Example Shop <pullcord@shop.example>
Message-ID: <{LETTER}@shop.example>
X-Pullcord-Letter: {mark}
{body}
--b--
""".encode()


@pytest.mark.parametrize("returned", ["headers", "letter"])
def test_a_bounce_is_a_receipt(returned: str) -> None:
    """ "Accepted by the provider" becomes "failed", and the ladder goes on."""
    (event,) = replies().read(bounce(returned=returned)).events

    assert isinstance(event, Learned)
    assert event.reference == f"{LETTER}@shop.example"
    assert event.outcome is Outcome.FAILED
    assert "bounced (5.1.1)" in event.detail
    assert "People page" in event.detail


def test_a_notice_of_delivery_is_one_too() -> None:
    """Where a server tells it, it is proven."""
    (event,) = replies().read(bounce(action="delivered", status="")).events

    assert isinstance(event, Learned)
    assert event.outcome is Outcome.DELIVERED
    assert event.detail == "delivered, says their server"


def test_a_delay_is_no_end() -> None:
    """The server goes on trying; so nothing is known yet."""
    assert replies().read(bounce(action="delayed")) == Mail(is_ours=True, letter=LETTER)


@pytest.mark.parametrize("mark", ["none", f"{LETTER} aaaaaaaaaaaaaaaa", LETTER])
def test_a_bounce_of_a_letter_that_is_not_ours_is_left_alone(mark: str) -> None:
    """Anybody can send a bounce; only our own letter carries our mark."""
    assert replies().read(bounce(mark=mark)) == Mail()


def test_a_report_without_a_verdict_changes_nothing() -> None:
    """Half a bounce is no bounce."""
    raw = bounce().replace(b"Action: failed\n", b"")

    assert replies().read(raw).events == ()


# --- explanations -------------------------------------------------------------------------------


def test_an_explanation_is_short_private_and_given_once() -> None:
    """Whoever is told twice by a machine may be a machine."""
    found = replies()
    mail = found.read(reply())

    note = found.explanation(mail, "I do not know this sender, so nothing was done.")
    again = found.explanation(mail, "why")

    assert note is not None
    assert b"I do not know this sender" in note
    assert b"Auto-Submitted: auto-replied" in note
    assert b"refund" not in note
    assert again is None


def test_explanations_are_not_remembered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory has a limit; the oldest go first."""
    monkeypatch.setattr("pullcord.channels.email.replies.EXPLAINED_MAX", 2)
    found = replies()
    letters = [f"msg_{n:08d}.email" for n in range(3)]
    for letter in letters:
        assert found.explanation(Mail(is_ours=True, letter=letter, answer_to="a@b.example"), "")

    assert (
        found.explanation(Mail(is_ours=True, letter=letters[-1], answer_to="a@b.example"), "")
        is None
    )
    assert found.explanation(Mail(is_ours=True, letter=letters[0], answer_to="a@b.example"), "")
