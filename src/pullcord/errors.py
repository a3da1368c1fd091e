"""Every error Pullcord raises, drawn once.

PullcordError
├── CallerIsWrong            say it differently; nothing was changed
│   ├── InvalidInput         a field is wrong: names field, value, limit and remedy
│   │   └── InvalidPolicy    a policy file is wrong: names file, line, field and remedy
│   ├── InvalidPolicies      several mistakes of one file, told at once
│   ├── NotAllowed           this person or key may not do that
│   ├── NotFound             there is no such thing (or it is not yours to see)
│   ├── NotSignedIn          no valid key or session
│   ├── KeyReused            the idempotency key was used for another action
│   └── TooMuch              over a declared limit of size or rate
├── WorldMovedOn             it was possible, but somebody was first
│   ├── AlreadyDecided       says who decided and when
│   ├── AlreadyAccepted      says who has it
│   ├── AlreadyWithdrawn     the agent or end user took it back
│   ├── AlreadyClosed        it has ended
│   ├── AlreadyCollected     another attempt took the decision
│   ├── NotYetDecided        there is nothing to collect yet
│   ├── NotCollected         a report for something nobody collected
│   ├── NotAccepted          that act needs somebody who has said "I have it"
│   ├── StaleView            what you were shown is not what is there now
│   ├── DecisionExpired      the decision may no longer be executed
│   ├── RunTakenOver         a person has the conversation of this run
│   └── Stopped              an operator halted the agent, tool or workspace
├── OutsideFailed            try again; nothing is known to be lost
│   ├── ChannelDown          a channel did not take the message
│   ├── StoreBusy            the store did not take the write now
│   ├── Held                 a restored or held database: a person lets it go first
│   ├── CommitUnknown        the write may or may not have happened: repeat it with the same key
│   └── ServerUnreachable    the Pullcord server did not answer
├── Parked                   not an error: a person is being asked (client)
└── NotDone                  the guarded call did not run (client)
    ├── RejectedByPerson     a named person said no
    ├── DeniedByPolicy       a rule refuses it outright
    ├── NobodyDecided        the fallback spoke because nobody did
    ├── Halted               an operator stopped this agent
    ├── TakenOver            a person has the conversation now
    ├── Unreachable          the server cannot be reached, so it did not run
    └── Drifted              what would run is not what was decided
"""

from datetime import datetime


class PullcordError(Exception):
    """The root of every error Pullcord raises on purpose."""

    #: Stable name of the problem; the last part of its `type` address on the wire.
    problem = "error"


class CallerIsWrong(PullcordError):
    """The request cannot be honoured as it stands; nothing was changed."""

    problem = "caller-is-wrong"


class InvalidInput(CallerIsWrong):
    """A field of the input is wrong: says which, what it held, what is allowed and what to do."""

    problem = "invalid-input"

    def __init__(
        self, field: str, *, value: object = None, limit: str = "", remedy: str = ""
    ) -> None:
        self.field = field
        self.value = shortened(value)
        self.limit = limit
        self.remedy = remedy
        told = "missing or wrong" if value is None else f"{self.value} is not accepted"
        parts = [f"{field}: {told}"]
        if limit:
            parts.append(f"allowed: {limit}")
        if remedy:
            parts.append(remedy)
        super().__init__(". ".join(parts))


class InvalidPolicy(InvalidInput):
    """A policy file is wrong: says file, line, field and what to write instead."""

    problem = "invalid-policy"

    def __init__(
        self,
        field: str,
        *,
        value: object = None,
        limit: str = "",
        remedy: str = "",
        file: str = "",
        line: int = 0,
    ) -> None:
        super().__init__(field, value=value, limit=limit, remedy=remedy)
        self.file = file
        self.line = line
        self.args = (f"{file or 'policy'}:{line}: {self.args[0]}",)


class InvalidPolicies(CallerIsWrong):
    """Several mistakes of one policy file, told at once; `problems` holds each."""

    problem = "invalid-policy"

    def __init__(self, problems: list[InvalidPolicy]) -> None:
        super().__init__("\n".join(str(each) for each in problems))
        self.problems = problems


class NotAllowed(CallerIsWrong):
    """This person or key may not do that; the message says who may."""

    problem = "not-allowed"


class NotFound(CallerIsWrong):
    """There is no such thing, or it is not yours to see."""

    problem = "not-found"


class NotSignedIn(CallerIsWrong):
    """No valid API key or session came with the request."""

    problem = "not-signed-in"


class KeyReused(CallerIsWrong):
    """The idempotency key already stands for another action."""

    problem = "key-reused"


class TooMuch(CallerIsWrong):
    """Over a declared limit of size, count or rate."""

    problem = "too-much"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        #: Seconds after which another try makes sense; None when it never does.
        self.retry_after = retry_after


class WorldMovedOn(PullcordError):
    """It was possible, but somebody or something was first."""

    problem = "world-moved-on"


class AlreadyDecided(WorldMovedOn):
    """The first decision wins; this one came later."""

    problem = "already-decided"

    def __init__(self, message: str, *, by: str = "", at: datetime | None = None) -> None:
        super().__init__(message)
        self.by = by
        self.at = at


class AlreadyAccepted(WorldMovedOn):
    """Another person already said "I have it"."""

    problem = "already-accepted"

    def __init__(self, message: str, *, by: str = "") -> None:
        super().__init__(message)
        self.by = by


class AlreadyWithdrawn(WorldMovedOn):
    """The agent or the end user took the question back."""

    problem = "already-withdrawn"


class AlreadyClosed(WorldMovedOn):
    """The escalation has ended."""

    problem = "already-closed"


class AlreadyCollected(WorldMovedOn):
    """Another attempt took the decision; its effect may have happened."""

    problem = "already-collected"

    def __init__(self, message: str, *, attempt: str = "") -> None:
        super().__init__(message)
        self.attempt = attempt


class NotYetDecided(WorldMovedOn):
    """There is nothing to collect yet: a person is still being asked."""

    problem = "not-yet-decided"


class NotCollected(WorldMovedOn):
    """A report came for a decision this attempt never collected."""

    problem = "not-collected"


class NotAccepted(WorldMovedOn):
    """That act needs an owner who has said "I have it"."""

    problem = "not-accepted"


class StaleView(WorldMovedOn):
    """What was on the screen is not what is there now: look again, then act."""

    problem = "stale-view"


class DecisionExpired(WorldMovedOn):
    """The decision may no longer be executed."""

    problem = "decision-expired"


class RunTakenOver(WorldMovedOn):
    """A person has the conversation of this run; the agent's guarded calls are refused."""

    problem = "run-taken-over"

    def __init__(self, message: str, *, by: str = "", escalation: str = "") -> None:
        super().__init__(message)
        self.by = by
        self.escalation = escalation


class Stopped(WorldMovedOn):
    """An operator halted the agent, tool or workspace."""

    problem = "stopped"


class OutsideFailed(PullcordError):
    """Something outside failed; the same request may be sent again."""

    problem = "outside-failed"


class ChannelDown(OutsideFailed):
    """A channel did not take the message; the courier tries again."""

    problem = "channel-down"


class StoreBusy(OutsideFailed):
    """The store did not take the write; nothing of it was written."""

    problem = "store-busy"


class Held(OutsideFailed):
    """The database is held: it can be looked at, and nothing goes in or out until it is let go."""

    problem = "held"
    #: Seconds after which it makes sense to ask again.
    retry_after = 5.0


class CommitUnknown(OutsideFailed):
    """The write may or may not have happened: repeat it with the same key."""

    problem = "commit-unknown"


class ServerUnreachable(OutsideFailed):
    """The Pullcord server did not answer."""

    problem = "server-unreachable"


class Parked(PullcordError):
    """Not an error: the call waits for a person; the agent may let go of the process."""

    problem = "parked"

    def __init__(
        self,
        escalation: str,
        *,
        for_user: str,
        for_model: str,
        status_url: str = "",
        promise_by: datetime | None = None,
    ) -> None:
        super().__init__(for_model)
        self.escalation = escalation
        #: A sentence for the end user: who is being asked, by when, where to look.
        self.for_user = for_user
        #: A sentence for the model: dated, attributed, says not to try again.
        self.for_model = for_model
        self.status_url = status_url
        #: When the end user will have heard at the latest.
        self.promise_by = promise_by


class NotDone(PullcordError):
    """The guarded call did not run; `for_model` and `for_user` say why."""

    problem = "not-done"

    def __init__(self, for_model: str, *, for_user: str = "", escalation: str = "") -> None:
        super().__init__(for_model)
        self.for_model = for_model
        self.for_user = for_user or for_model
        self.escalation = escalation


class RejectedByPerson(NotDone):
    """A named person said no."""

    problem = "rejected-by-person"


class DeniedByPolicy(NotDone):
    """A rule refuses this outright; nobody was woken."""

    problem = "denied-by-policy"


class NobodyDecided(NotDone):
    """The fallback spoke because no person did in time."""

    problem = "nobody-decided"


class Halted(NotDone):
    """An operator stopped this agent."""

    problem = "halted"


class TakenOver(NotDone):
    """A person has the conversation now."""

    problem = "taken-over"


class Unreachable(NotDone):
    """The server cannot be reached, so the call did not run."""

    problem = "unreachable"


class Drifted(NotDone):
    """What would run is not what was decided."""

    problem = "drifted"


#: Longest piece of a refused value that an error message repeats, in characters.
SHOWN_VALUE_MAX = 80


def shortened(value: object) -> str:
    """A refused value as an error message may show it: quoted, bounded, printable."""
    text = ascii(value) if isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN_VALUE_MAX else text[: SHOWN_VALUE_MAX - 1] + "…"
