"""Texts the client makes itself when no server said anything: attributed, dated, never empty."""

from datetime import UTC, datetime

_UTC = "%Y-%m-%d %H:%M UTC"


def _on(now: datetime) -> str:
    return now.astimezone(UTC).strftime(_UTC)


def unreachable(tool: str, why: str, now: datetime) -> tuple[str, str]:
    """(for the model, for the end user) when the server cannot be asked."""
    return (
        f"{tool} was not run ({_on(now)}): Pullcord, which must clear it, cannot be reached "
        f"({why}). Nothing was changed. Do not try another way around it; tell the user it must "
        "wait, and try again later.",
        "I cannot do that right now, because the system that has to clear it does not answer. "
        f"Nothing was changed. ({_on(now)})",
    )


def denied(tool: str, reason: str, now: datetime) -> tuple[str, str]:
    """When a rule refuses outright."""
    return (
        f"{tool} was not run ({_on(now)}): refused by {reason}. No person was asked, and asking "
        "again with the same arguments will be refused again.",
        f"I am not allowed to do that. ({_on(now)})",
    )


def taken_over(tool: str, who: str, now: datetime) -> tuple[str, str]:
    """When a person has the conversation."""
    name = who or "A person"
    return (
        f"{tool} was not run ({_on(now)}): {name} has this conversation now. Do nothing more in "
        "it until it is handed back.",
        f"{name} is looking after this now. ({_on(now)})",
    )


def halted(tool: str, why: str, now: datetime) -> tuple[str, str]:
    """When an operator stopped the agent."""
    return (
        f"{tool} was not run ({_on(now)}): {why} Stop what you are doing.",
        f"This has been stopped for the moment by the people responsible. ({_on(now)})",
    )


def withdrawn(tool: str, escalation: str, now: datetime) -> tuple[str, str]:
    """When the question was taken back."""
    return (
        f"{tool} was not run ({_on(now)}): the request {escalation} was taken back before anybody "
        "decided. Ask the user how to go on.",
        f"That request was cancelled, so nothing was done. ({_on(now)})",
    )


def taken_elsewhere(tool: str, escalation: str, now: datetime) -> tuple[str, str]:
    """When the decision was taken before, here or by another process of the same agent."""
    return (
        f"{tool} was not run here ({_on(now)}): the decision on {escalation} was taken before, by "
        "this or another process of this agent, and may have been carried out. Do not repeat it; "
        f"look at the record of {escalation} for the result.",
        f"That is being carried out already. ({_on(now)})",
    )


def ended(tool: str, escalation: str, why: str, now: datetime) -> tuple[str, str]:
    """When the decision may not be executed any more."""
    return (
        f"{tool} was not run ({_on(now)}): {why} ({escalation})",
        f"That could not be completed, because its time is over. Nothing was done. ({_on(now)})",
    )


def drifted(tool: str, escalation: str, why: str, now: datetime) -> tuple[str, str]:
    """When what would run is not what was decided."""
    return (
        f"{tool} was not run ({_on(now)}): what would run is not what was decided on "
        f"{escalation}: {why}. The people responsible are told. Do not run it another way.",
        f"That was stopped by a safety check, and somebody will look at it. ({_on(now)})",
    )


def parked(tool: str, escalation: str, now: datetime) -> tuple[str, str]:
    """When a question waits and the server's own words are not at hand."""
    return (
        f"{tool} waits for a person ({escalation}, {_on(now)}). It was not run. Do not try it "
        "again; the decision will come by itself.",
        f"I have asked the people responsible and will come back to you. ({_on(now)})",
    )


def decided_otherwise(tool: str, escalation: str, said: str, now: datetime) -> tuple[str, str]:
    """When a person answered something else than yes or no to a guarded call."""
    return (
        f"{tool} was not run ({_on(now)}): {said or 'the people asked decided otherwise'} "
        f"({escalation}).",
        f"The people I asked have answered. Nothing was changed. ({_on(now)})",
    )
