"""How often one caller may come: token buckets in memory, bounded in number.

A bucket holds `burst` tokens and gains `per_second`; a request takes one. Callers who stay away
until their bucket is full again are forgotten, so memory is bounded by who comes at once.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from pullcord.errors import TooMuch

#: buckets one limit keeps; beyond it the caller who was away longest is forgotten
KEPT_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_second` requests in the long run, `burst` of them at once."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Rates:
    """The limits of one process."""

    #: requests of one API key; far above what one agent needs, far below what stops the others
    key: Rate = Rate(2_000, 10_000)
    #: requests of one signed-in person
    person: Rate = Rate(100, 500)
    #: attempts to sign in, or to use a key that is none, from one address
    sign_in: Rate = Rate(0.2, 20)
    #: attempts to sign in as one person, from wherever: guessing from many addresses is guessing
    account: Rate = Rate(0.1, 30)
    #: requests of one address without key or session
    address: Rate = Rate(100, 500)


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Buckets:
    """One limit over many callers."""

    def __init__(self, rate: Rate, now: Callable[[], float], *, what: str) -> None:
        self._rate = rate
        self._now = now
        self._what = what
        self._kept: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def take(self, caller: str) -> None:
        """Take one token.

        Raises:
            TooMuch: there is none; says when there will be one.
        """
        bucket = self._filled(caller)
        if bucket.tokens < 1:
            wait = (1 - bucket.tokens) / self._rate.per_second
            raise TooMuch(
                f"too many {self._what}: at most {self._rate.burst} at once and "
                f"{self._rate.per_second:g} a second. Wait {wait:.0f} s, then go on slower.",
                retry_after=wait,
            )
        bucket.tokens -= 1

    def check(self, caller: str) -> None:
        """Refuse a caller who has no token left, without taking one.

        Raises:
            TooMuch: there is none; says when there will be one.
        """
        if caller in self._kept:
            self.take(caller)
            self._kept[caller].tokens += 1

    def _filled(self, caller: str) -> _Bucket:
        now = self._now()
        bucket = self._kept.get(caller)
        if bucket is None:
            bucket = self._kept[caller] = _Bucket(self._rate.burst, now)
            if len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
            return bucket
        self._kept.move_to_end(caller)
        # a clock that was set back gives nothing and takes nothing
        gained = max(0.0, now - bucket.at) * self._rate.per_second
        bucket.tokens = min(float(self._rate.burst), bucket.tokens + gained)
        bucket.at = now
        return bucket
