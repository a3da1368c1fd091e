"""The demo's three agents: ordinary programs on the public SDK, each with tools of its own."""

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

import structlog

from pullcord import Claims, Decision, EndUser, NotDone, Option, Parked, Pullcord
from pullcord.demo.story import QUIET, Situation
from pullcord.errors import PullcordError

#: seconds between the first stops, and between later ones
FIRST_ROUND_SECONDS, LATER_SECONDS = 1.5, 25.0
#: stops of one agent before it rests
STOPS_MAX = 120

log = structlog.get_logger("pullcord.demo")

# --- tools: what would call a bank, a cloud, a claims system -----------------------------------


def issue_refund(order: str, amount: float, to: str) -> str:
    """Send money back."""
    return f"EUR {amount:.2f} for {order} sent to {to}"


def change_iban(customer: str, iban: str) -> str:
    """Change where refunds go."""
    return f"account of {customer} is now {iban}"


def scale_service(service: str, now: int, replicas: int) -> str:
    """Run more or fewer machines."""
    return f"{service} runs on {replicas} machines, {now} before"


def delete_volume(volume: str, size_gb: int) -> str:
    """Delete a disk."""
    return f"{volume} deleted, {size_gb} GB free"


def rotate_credentials(service: str, grace_minutes: int) -> str:
    """Make a new secret; the old one works for a while."""
    return f"{service} has a new secret; the old one works for {grace_minutes} more minutes"


def pay_claim(claim: str, amount: float) -> str:
    """Pay a claim out."""
    return f"EUR {amount:.2f} paid for {claim}"


def close_claim(claim: str) -> str:
    """Close a claim without payment."""
    return f"{claim} closed"


TOOLS: Mapping[str, Sequence[Callable[..., str]]] = {
    "refunds": (issue_refund, change_iban),
    "operations": (scale_service, delete_volume, rotate_credentials),
    "claims": (pay_claim, close_claim),
}


class DemoAgent:
    """One agent: a thread that works and parks, and a thread that resumes what was decided."""

    def __init__(self, name: str, *, url: str, key: str, story: Sequence[Situation]) -> None:
        self.name = name
        self._cord = Pullcord(url=url, key=key)
        self._tools = {each.__name__: self._cord.guard(wait="0s")(each) for each in TOOLS[name]}
        self._story = story
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=each, name=f"demo-{name}", daemon=True)
            for each in (self._work, self._resume)
        ]

    def start(self) -> None:
        """Begin to work."""
        for each in self._threads:
            each.start()

    def stop(self) -> None:
        """Let go; what is parked stays parked."""
        self._stopping.set()
        self._cord.stop()
        self._cord.close()

    # --- working ------------------------------------------------------------------------------
    def _work(self) -> None:
        for number, situation in enumerate(self._situations(), start=1):
            if self._stopping.wait(self._pause(number)):
                return
            try:
                self._quietly(number)
                self._meet(situation, number)
            except PullcordError as problem:
                log.warning("agent_stumbled", agent=self.name, problem=str(problem))

    def _situations(self) -> Iterator[Situation]:
        """Its own situations in order; later only those that colleagues answer."""
        answered = [each for each in self._story if each.answer.does != "leave"]
        return itertools.islice(
            itertools.chain(self._story, itertools.cycle(answered or self._story)), STOPS_MAX
        )

    def _pause(self, number: int) -> float:
        return FIRST_ROUND_SECONDS if number <= len(self._story) else LATER_SECONDS

    def _quietly(self, number: int) -> None:
        """Calls that need nobody."""
        for agent, tool, args in QUIET:
            if agent == self.name:
                with self._cord.run(f"quiet-{self.name}-{number}"):
                    self._tools[tool](**args)

    def _meet(self, situation: Situation, number: int) -> None:
        customer = situation.customer
        messages = [{"role": role, "content": text} for role, text in situation.said]
        with self._cord.run(
            f"{situation.id}/{number}",
            end_user=EndUser(customer.lower().replace(" ", "-"), name=customer)
            if customer
            else None,
            messages=messages,
            signals=situation.signals,
            claims=_claims(situation),
        ):
            try:
                if situation.ask is None:
                    self._tools[situation.tool](**situation.args)
                else:
                    self._ask(situation)
            except Parked:
                return  # somebody is being asked; `_resume` goes on with the decision
            except NotDone as no:
                log.info("not_done", agent=self.name, why=no.for_model)

    def _ask(self, situation: Situation) -> None:
        ask = situation.ask
        assert ask is not None, f"{situation.id} asks nothing"
        self._cord.escalate(
            ask.question,
            kind=ask.kind,
            options=[
                Option(id=each, label=label, consequence=consequence, is_safe=is_safe)
                for each, label, consequence, is_safe in ask.options
            ],
            wait="0s",
        )

    # --- resuming -----------------------------------------------------------------------------
    def _resume(self) -> None:
        try:
            for decision in self._cord.decisions():
                if self._stopping.is_set():
                    return
                self._go_on(decision)
        except PullcordError as problem:
            if not self._stopping.is_set():
                log.warning("resume_stopped", agent=self.name, problem=str(problem))

    def _go_on(self, decision: Decision) -> None:
        try:
            self._cord.resume(decision)
        except PullcordError as problem:
            log.warning("resume_failed", agent=self.name, problem=str(problem))


def _claims(situation: Situation) -> Claims:
    return Claims(
        situation=situation.situation,
        assessment=situation.assessment,
        unknowns=situation.unknowns,
        confidence=situation.confidence,
        recommendation=situation.recommendation,
        counter_argument=situation.counter_argument,
    )
