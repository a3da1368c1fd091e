"""One run of the hook: a deadline first, then the host's JSON, then one answer and the end.

It leaves by one door. Nothing that is registered to run at the end of a process runs, because
nothing after the answer may change the code.
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

from pullcord.hook.answers import BLOCK, Answer, denied

#: bytes of what a host sends
GIVEN_BYTES_MAX = 8 * 1_048_576
#: seconds a call waits for a person, and the most it may be told to
WAIT, WAIT_MAX = 20.0, 600.0
#: seconds the hook has beyond its wait until it denies, until the system ends it, and until the
#: host would let the tool run
GRACE, KILL, HOST = 20.0, 25.0, 40.0

TYPED = (
    "`pullcord hook` is started by a coding agent, which gives it a call on standard input; "
    "`pullcord hook install claude-code` puts it in, `pullcord hook --help` says the rest"
)


class WrongUse(Exception):
    """The hook was started in a way that no host is told to."""


def run(words: Sequence[str]) -> NoReturn:
    """Answer the host; whatever goes wrong on the way denies."""
    door = Door()
    door.limit(WAIT_MAX + GRACE)
    try:
        seconds = wait_of(words)
        door.limit(seconds + GRACE)
        if sys.stdin.isatty():
            raise WrongUse(TYPED)
        given = sys.stdin.buffer.read(GIVEN_BYTES_MAX + 1)
        from pullcord.hook.judging import answered  # noqa: PLC0415  # the deadline comes first

        answer = answered(given, wait=seconds)
    except WrongUse as wrong:
        answer = denied(f"The tool was not run: {wrong}.")
    except BaseException as error:  # noqa: BLE001  # a host lets the tool run after any other code
        answer = denied(f"The tool was not run: the Pullcord hook failed ({_named(error)}).")
    door.leave(answer)


def wait_of(words: Sequence[str]) -> float:
    """Seconds to wait for a person, from the words after `hook`.

    Raises:
        WrongUse: they say something else.
    """
    if not words:
        return WAIT
    from pullcord.client.spans import seconds_of  # noqa: PLC0415  # only who says a wait pays
    from pullcord.errors import InvalidInput  # noqa: PLC0415  # the same

    if len(words) != 2 or words[0] != "--wait":
        raise WrongUse(f"`pullcord hook` takes --wait and nothing else, not {' '.join(words)!r}")
    try:
        seconds = seconds_of("wait", words[1])
    except InvalidInput:
        seconds = WAIT_MAX + 1
    if seconds > WAIT_MAX:
        raise WrongUse(f"--wait is {words[1]!r}; write 0s to 10m, such as 30s, in its command")
    return seconds


class Door:
    """The one way out of this process: the first answer, then the end.

    Standard output is kept for the answer. Whatever else prints goes to standard error, because a
    host that cannot read an answer lets the tool run as the model wrote it.
    """

    def __init__(self) -> None:
        self._out = os.dup(1)
        os.dup2(2, 1)
        self._first = threading.Lock()
        self._late: threading.Timer | None = None

    def limit(self, seconds: float) -> None:
        """From now on this process denies by itself after so many seconds.

        A thread does it while Python runs; where Python hangs, the system ends the process, and
        the command in the host's settings turns that into a denial.
        """
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds + KILL - GRACE)
        earlier = self._late
        self._late = threading.Timer(seconds, self.leave, [denied(_late(seconds))])
        self._late.daemon = True
        self._late.start()
        if earlier is not None:
            earlier.cancel()

    def leave(self, answer: Answer) -> NoReturn:
        """Say it and go; who comes second waits for the end, so that no two answers are mixed."""
        self._first.acquire()
        code = answer.code
        try:
            _write(self._out, answer.out)
            _write(2, answer.err)
        except OSError:
            # nobody reads it: then what counts is the code, and it must not say yes
            code = BLOCK
        os._exit(code)


def _write(to: int, text: str) -> None:
    left = (text + "\n").encode("utf-8", "replace") if text else b""
    while left:
        left = left[os.write(to, left) :]


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _late(seconds: float) -> str:
    return f"The tool was not run: the Pullcord hook had no answer after {seconds:g} seconds."
