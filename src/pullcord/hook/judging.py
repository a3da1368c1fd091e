"""What becomes of one tool call of a coding agent.

The server judges it in one request. What it lets run, the host runs; what it stops is put to
people: the hook waits a bounded time and then denies with "asked Tom, repeat the same call". The
repeated call finds its decision, known by session, tool and arguments, and the host is told to run
exactly what was decided. The hook that follows the tool reports it.

Most calls may run and have nothing to report, so this module and all it needs for them loads next
to nothing.
"""

import os

from pullcord.briefing.canonical import NotCanonical
from pullcord.errors import InvalidInput, NotDone, PullcordError
from pullcord.hook.answers import NOTHING, Answer, denied
from pullcord.hook.given import Said, attempt_of, is_after, mark_of, opening_of, read


def answered(given: bytes, *, wait: float) -> Answer:
    """The answer to what a host sent; whatever is no call before or after a tool is denied."""
    try:
        said = read(given)
    except (InvalidInput, NotCanonical) as error:
        return denied(f"The tool was not run: the hook was given no call it can read ({error}).")
    if is_after(said):
        return _after(said)
    try:
        return _before(said, wait=wait)
    except NotDone as no:
        return denied(no.for_model)
    except PullcordError as error:
        return denied(f"{said['tool_name']} was not run: {error}")


def _before(said: Said, *, wait: float) -> Answer:
    """Whether the host may run it.

    Raises:
        NotDone, PullcordError: it must not, and why.
    """
    from pullcord.client.address import address_of  # noqa: PLC0415  # after a tool nothing is sent
    from pullcord.hook.quick import lets_run  # noqa: PLC0415  # the same

    address = address_of(None, None, os.environ)
    opening = opening_of(said)
    if lets_run(address, opening):
        return NOTHING
    from pullcord.hook.asking import judged  # noqa: PLC0415  # a call that may run needs it not

    return judged(said, opening, address, wait=wait)


def _after(said: Said) -> Answer:
    """Report what the host ran because people let it."""
    attempt = attempt_of(said)
    mark = mark_of(attempt)
    if not os.path.exists(mark):  # noqa: PTH110  # nearly every call ends here
        return NOTHING
    from pullcord.hook.reporting import reported  # noqa: PLC0415  # only a decision is reported

    return reported(said, attempt, mark)
