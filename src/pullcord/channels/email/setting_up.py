"""What e-mail is told to exist, checked at the start and not with the first letter at night."""

import ssl
from collections.abc import Mapping

from pullcord.channels.email.addresses import Mailbox, ReplyAddresses, mailbox_of
from pullcord.channels.email.channel import AnsweredEmailChannel, EmailChannel
from pullcord.channels.email.letter import Desk
from pullcord.channels.email.lines import Lines, Server
from pullcord.channels.email.mailbox import Account
from pullcord.channels.offered import Option, Surroundings
from pullcord.errors import InvalidInput

TLS = ("starttls", "tls", "none")
SMTP_PORTS = {"starttls": "587", "tls": "465", "none": "25"}
IMAP_PORTS = {"starttls": "143", "tls": "993", "none": "143"}
PORT_MAX = 65_535
CONNECTIONS_MAX = 16
EVERY_MIN, EVERY_MAX = 5, 3_600
#: hosts to which a password may go in the clear: it leaves no machine
OWN_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})

OPTIONS = (
    Option("sender", "who writes: Example Shop <pullcord@example.com>"),
    Option("host", "SMTP server that takes our letters"),
    Option("port", "its port: 587, with tls 465, with none 25", is_needed=False),
    Option("tls", "starttls, tls or none", is_needed=False, default="starttls"),
    Option("username", "login at the SMTP server", is_needed=False),
    Option("password", "its password", is_needed=False, is_secret=True),
    Option("ca_file", "certificates to trust instead of the system's", is_needed=False),
    Option("connections", "connections at once, 1 to 16", is_needed=False, default="4"),
    Option("reply_to", "mailbox that takes replies, if not the sender's", is_needed=False),
    Option("imap_host", "IMAP server of that mailbox; without it no replies", is_needed=False),
    Option("imap_port", "its port: 993, otherwise 143", is_needed=False),
    Option("imap_tls", "tls, starttls or none", is_needed=False, default="tls"),
    Option("imap_username", "login there, if it is another", is_needed=False),
    Option("imap_password", "its password", is_needed=False, is_secret=True),
    Option("imap_folder", "folder that is read", is_needed=False, default="INBOX"),
    Option("imap_every", "seconds between two looks", is_needed=False, default="30"),
)


def make(options: Mapping[str, str], surroundings: Surroundings) -> EmailChannel:
    """The channel; with `imap_host` it takes replies and bounces too.

    Raises:
        InvalidInput: an option is wrong; says which, and repeats no secret.
    """
    sender = _mailbox(options, "sender")
    base = _mailbox(options, "reply_to") if options["reply_to"] else sender
    trust = _trust(options["ca_file"])
    desk = Desk(
        sender=sender,
        public_url=surroundings.public_url,
        replies=ReplyAddresses(base, surroundings.key),
        takes_replies=bool(options["imap_host"]),
    )
    lines = Lines(_server(options, sender, trust), surroundings.now)
    if not options["imap_host"]:
        return EmailChannel(desk, lines)
    return AnsweredEmailChannel(desk, lines, account=_account(options, trust), now=surroundings.now)


def _server(options: Mapping[str, str], sender: Mailbox, trust: ssl.SSLContext) -> Server:
    tls = _choice(options, "tls")
    _no_secret_in_the_clear(options, "host", tls, "tls")
    return Server(
        host=options["host"].strip(),
        port=_number(options, "port", SMTP_PORTS[tls], low=1, high=PORT_MAX),
        tls=tls,
        trust=trust,
        greeting=sender.domain,
        connections=_number(options, "connections", "4", low=1, high=CONNECTIONS_MAX),
        username=options["username"],
        password=options["password"],
    )


def _account(options: Mapping[str, str], trust: ssl.SSLContext) -> Account:
    tls = _choice(options, "imap_tls")
    username = options["imap_username"] or options["username"]
    password = options["imap_password"] or options["password"]
    if not (username and password):
        limit = "a login at the IMAP server"
        raise _wrong("imap_username", username, limit, "Set it, and imap_password.")
    _no_secret_in_the_clear({**options, "username": username}, "imap_host", tls, "imap_tls")
    return Account(
        host=options["imap_host"].strip(),
        port=_number(options, "imap_port", IMAP_PORTS[tls], low=1, high=PORT_MAX),
        tls=tls,
        trust=trust,
        username=username,
        password=password,
        folder=options["imap_folder"],
        every=_number(options, "imap_every", "30", low=EVERY_MIN, high=EVERY_MAX),
    )


def _mailbox(options: Mapping[str, str], name: str) -> Mailbox:
    found = mailbox_of(options[name])
    if found is None:
        limit = "an address, or a name and <an address>"
        raise _wrong(name, options[name], limit, 'Write it as "Example Shop <us@example.com>".')
    return found


def _trust(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError):
        raise _wrong("ca_file", ca_file, "a file with certificates in PEM") from None


def _choice(options: Mapping[str, str], name: str) -> str:
    found = options[name].strip().lower()
    if found not in TLS:
        raise _wrong(name, options[name], ", ".join(TLS))
    return found


def _number(options: Mapping[str, str], name: str, default: str, *, low: int, high: int) -> int:
    text = options[name].strip() or default
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise _wrong(name, text, f"{low} to {high}", "Write a whole number.")
    return int(text)


def _no_secret_in_the_clear(options: Mapping[str, str], host: str, tls: str, field: str) -> None:
    if tls == "none" and options["username"] and options[host].strip() not in OWN_HOSTS:
        limit = "starttls or tls where there is a login"
        raise _wrong(field, tls, limit, "A password is not sent in the clear.")


def _wrong(name: str, value: str, limit: str, remedy: str = "") -> InvalidInput:
    return InvalidInput(f"PULLCORD_EMAIL_{name.upper()}", value=value, limit=limit, remedy=remedy)
