"""Apprise: the long tail of services nobody writes a channel for, told and never asked.

The library is loaded with the first letter, in a thread of its own, and speaks to services on a
list only: its addresses hold secrets, some of them reach into this machine, and one word in them
would switch certificates off. What it writes to its log stays with it.
"""

import asyncio
import importlib
import importlib.util
import logging
import re
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from pullcord.briefing.plain import cut
from pullcord.channels.answers import RETRIED, TRY_SECONDS
from pullcord.channels.offered import Option, Surroundings
from pullcord.channels.port import Abilities, FoundBy, Letter, Limits, Outcome, Rate, Sent
from pullcord.errors import InvalidInput

ADDRESSES_MAX = 10
THREADS_MAX = 4
TITLE_MAX, BODY_MAX = 200, 1_500
VARIABLE = "PULLCORD_APPRISE_URLS"

OPTIONS = (
    Option(
        "urls",
        "Addresses of services as Apprise writes them, with spaces between",
        is_secret=True,
    ),
)

#: services that are told; nothing that posts anywhere, reads files or works on this machine
SCHEMES = frozenset(
    """
    bark barks betterstack chanify discord feishu flock gchat gotify gotifys groupme guilded ilert
    incidentio join kook lark line mastodon mastodons matrix matrixs mmost mmosts ntfy ntfys
    onesignal opsgenie pagertree pbul pover prowl pushdeer pushdeers pushed pushy revolt rocket
    rockets ryver session sessions signal signals signl4 simplepush spike splunk spush squadcast
    tgram threema twist victorops webex whatsapp workflows wxteams zulip
    """.split()  # noqa: SIM905  # a list of so many words is read as one
)
#: words of an address that decide whether certificates are checked and redirects followed
FIXED: Mapping[str, str] = {"verify": "yes", "redirect": "no"}
KINDS: Mapping[str, str] = {"critical": "failure", "high": "warning"}

_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]*)://(.+)$", re.IGNORECASE | re.DOTALL)
_ERROR = re.compile(r"error=(\d{3})")


@dataclass(frozen=True, slots=True)
class Service:
    """One address: what may be named, and what may not."""

    scheme: str
    secret: str

    def __repr__(self) -> str:
        return f"{self.scheme}://…"


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one service; `status` is 0 where it gave none."""

    service: Service
    is_taken: bool
    is_known: bool = True
    status: int = 0

    @property
    def is_final(self) -> bool:
        """Whether another try is no help."""
        return not self.is_known or (400 <= self.status < 500 and self.status not in RETRIED)


class AppriseChannel:
    """Tells every service of the list; one that takes it is enough.

    Raises:
        InvalidInput: an address is not of the list, or switches checks off; none is repeated.
    """

    name = "apprise"
    can = Abilities(
        found_by=FoundBy.EVERYBODY,
        limits=Limits(line=TITLE_MAX),
        rates=(Rate(20, timedelta(minutes=1)),),
        bundles_for=timedelta(seconds=30),
    )

    def __init__(self, urls: str, *, seconds: float = TRY_SECONDS) -> None:
        self._services = services_of(urls)
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="pullcord-apprise")

    async def send(self, letter: Letter) -> Sent:
        """Tell all of them once, in another thread; who hangs is left behind."""
        title, body = cut(letter.headline, TITLE_MAX), text_of(letter)
        kind = KINDS.get(letter.severity, "info") if letter.is_open else "info"
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._threads, _all_told, self._services, title, body, kind)
        await asyncio.wait((work,), timeout=self._seconds)
        if not work.done():
            return Sent(Outcome.RETRY, f"no answer within {self._seconds:g} s")
        bug = work.exception()
        if bug is not None:
            # a library of so many services breaks in ways of its own; its text may hold secrets
            return Sent(Outcome.RETRY, f"Apprise failed with {type(bug).__name__}")
        return sent_of(work.result())

    async def close(self) -> None:
        """Start nothing more; what hangs ends with the process."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def make(options: Mapping[str, str], _: Surroundings) -> AppriseChannel:
    """The channel with these options.

    Raises:
        InvalidInput: see `AppriseChannel`; or the library is not installed.
    """
    if importlib.util.find_spec("apprise") is None:
        raise InvalidInput(
            VARIABLE,
            value="…",
            limit="nothing: Apprise is not installed",
            remedy="Install it: pip install 'pullcord[apprise]'.",
        )
    return AppriseChannel(options["urls"])


# --- addresses ------------------------------------------------------------------------------------


def services_of(urls: str) -> list[Service]:
    """The services these addresses name.

    Raises:
        InvalidInput: one is none, is not of the list, or switches a check off; says which one.
    """
    found = [_service(text, number) for number, text in enumerate(urls.split(), 1)]
    if not 1 <= len(found) <= ADDRESSES_MAX:
        raise InvalidInput(VARIABLE, value="…", limit=f"1 to {ADDRESSES_MAX} addresses")
    return found


def _service(text: str, number: int) -> Service:
    matched = _SCHEME.match(text)
    scheme = matched[1].lower() if matched else ""
    if scheme not in SCHEMES:
        raise InvalidInput(
            f"{VARIABLE}, address {number}",
            value=f"{scheme}://…" if scheme else "…",
            limit=", ".join(sorted(SCHEMES)),
            remedy="Use the webhook channel for a service of your own.",
        )
    address, _, query = text.partition("?")
    words = parse_qsl(query, keep_blank_values=True)
    for name, value in words:
        wanted = FIXED.get(name.lower())
        if wanted is not None and value.lower() != wanted:
            raise InvalidInput(
                f"{VARIABLE}, address {number}",
                value=f"{name}={value}",
                limit=f"{name}={wanted}",
                remedy="Leave it out; for an authority of your own set REQUESTS_CA_BUNDLE.",
            )
    kept = [each for each in words if each[0].lower() not in FIXED]
    return Service(scheme, f"{address}?{urlencode([*kept, *FIXED.items()])}")


# --- what is told ---------------------------------------------------------------------------------


def text_of(letter: Letter) -> str:
    """How it stands and where to act, in plain text; nothing agents and end users wrote."""
    source = [letter.severity, letter.rule, letter.agent, letter.environment]
    lines = [
        letter.standing if letter.standing not in letter.headline else "",
        letter.deadline,
        letter.fallback,
        *(f"{each.text} {each.url}" for each in letter.lines),
        " - ".join(each for each in source if each) if letter.rule else "",
    ]
    kept = [each for each in lines if each]
    while kept and sum(len(each) + 1 for each in kept) + len(letter.url) > BODY_MAX:
        kept.pop()
    return "\n".join([*kept, letter.url])


def sent_of(told: Sequence[Told]) -> Sent:
    """What a letter became of: taken by one is enough, and who did not take it is named."""
    missing = [each for each in told if not each.is_taken]
    said = ", ".join(_why(each) for each in missing)
    if len(missing) < len(told):
        taken = f"{len(told) - len(missing)} of {len(told)} took it"
        return Sent(Outcome.ACCEPTED, f"{taken}; {said}" if said else taken)
    is_final = all(each.is_final for each in missing)
    remedy = "; check the addresses" if is_final else ""
    return Sent(Outcome.FAILED if is_final else Outcome.RETRY, said + remedy)


def _why(told: Told) -> str:
    if not told.is_known:
        return f"{told.service.scheme}: Apprise cannot read this address"
    return f"{told.service.scheme}: {f'answered {told.status}' if told.status else 'no answer'}"


# --- in a thread of its own -----------------------------------------------------------------------


class _Overheard(logging.Filter):
    """Takes the number from what this thread logs, and lets nothing out: it may hold secrets."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()
        self.status = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Look for a status, and pass nothing on."""
        found = _ERROR.search(record.getMessage()) if record.thread == self._thread else None
        if found is not None:
            self.status = int(found[1])
        return False


def _all_told(services: Sequence[Service], title: str, body: str, kind: str) -> list[Told]:
    """Every service once, one after the other."""
    library = importlib.import_module("apprise")
    log = logging.getLogger("apprise")
    return [_told(library, log, each, title=title, body=body, kind=kind) for each in services]


def _told(
    library: Any, log: logging.Logger, service: Service, *, title: str, body: str, kind: str
) -> Told:
    heard = _Overheard()
    log.addFilter(heard)
    try:
        one = library.Apprise.instantiate(service.secret, suppress_exceptions=True)
        if one is None:
            return Told(service, is_taken=False, is_known=False)
        is_taken = one.notify(body=body, title=title, notify_type=library.NotifyType(kind))
        return Told(service, is_taken=bool(is_taken), status=heard.status)
    finally:
        log.removeFilter(heard)
