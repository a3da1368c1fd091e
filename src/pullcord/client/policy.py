"""The policy in hand: evaluated on the spot, so that an allowed call costs no network.

It is asked for again when it is older than the server said it may be. Without one, or with one
that is too old and a server that does not answer, nothing is concluded: the guard refuses.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pullcord.client.runs import Run, Seen
from pullcord.errors import ServerUnreachable
from pullcord.trigger.document import policy_of
from pullcord.trigger.evaluate import CompiledPolicy, InvalidRule, Judgement
from pullcord.trigger.rules import Verdict
from pullcord.trigger.signals import Call
from pullcord.wire.replies import RulesOut

#: seconds a policy is believed at most, whatever the server says
STALE_AFTER_MAX = 3_600
#: verdicts under which a call runs at once
RUNS = frozenset({Verdict.ALLOW, Verdict.OBSERVE, Verdict.SAMPLE, Verdict.GRANTED})


@dataclass(frozen=True, slots=True)
class InHand:
    """A policy as the server gave it, compiled, with the moment until which it is believed."""

    rules: RulesOut
    compiled: CompiledPolicy
    writes: frozenset[str]
    etag: str
    fresh_until: float

    @property
    def version(self) -> str:
        """The version of the policy."""
        return self.compiled.policy.version

    def judge(self, tool: str, args: Mapping[str, Any], run: Run, seen: Seen) -> Judgement:
        """The verdict on a call."""
        return self.compiled.judge(
            Call(
                environment=self.rules.environment,
                agent=self.rules.agent,
                tool=tool,
                args=args,
                end_user=run.person(seen),
                run=seen.counts,
                signals=run.signals,
            )
        )


class PolicyKeeper:
    """Keeps the policy in hand and the public keys that decisions must be signed with.

    Keys given by the caller are the only ones believed; otherwise those that came with the first
    policy are, for the life of the process.
    """

    def __init__(self, pinned: Mapping[str, str] | None = None) -> None:
        self.in_hand: InHand | None = None
        #: until when (monotonic) the server is believed to be away
        self.away_until = 0.0
        self._keys = dict(pinned) if pinned is not None else None
        self._lock = threading.Lock()

    @property
    def public_keys(self) -> Mapping[str, str] | None:
        """Keys that are believed; None before the first policy."""
        return self._keys

    def take(self, rules: RulesOut, *, etag: str, now: float) -> InHand:
        """Believe a new policy from this moment on.

        Raises:
            ServerUnreachable: it cannot be evaluated by this version of the client.
        """
        try:
            compiled = CompiledPolicy(policy_of({**rules.document, "version": rules.version}))
        except (InvalidRule, KeyError, TypeError, ValueError) as error:
            raise ServerUnreachable(
                f"policy {rules.version} cannot be evaluated by this version of the client: "
                f"{error}. Update pullcord; until then guarded calls are refused."
            ) from None
        tools = compiled.policy.tools
        writes = frozenset(name for name, terms in tools.items() if terms.writes)
        found = InHand(rules, compiled, writes, etag, _fresh_until(rules, now))
        with self._lock:
            self.in_hand = found
            if self._keys is None:
                self._keys = dict(rules.public_keys)
        return found

    def still_holds(self, *, now: float) -> InHand:
        """The server says that the policy in hand is still the one."""
        with self._lock:
            assert self.in_hand is not None, "nothing is in hand that could still hold"
            rules = self.in_hand.rules
            self.in_hand = replace(self.in_hand, fresh_until=_fresh_until(rules, now))
            return self.in_hand


def _fresh_until(rules: RulesOut, now: float) -> float:
    return now + min(max(rules.stale_after, 0), STALE_AFTER_MAX)
