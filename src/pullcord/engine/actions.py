"""What a button means: an act bound to person, escalation, generation and expiry.

A token is spent by what it does: accepting, declining and deciding all move the escalation on, and
a token of an earlier generation does nothing. So a callback that is repeated, by a provider or by
somebody who kept it, changes nothing a second time.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from pullcord.channels.port import Verb
from pullcord.seal.keys import derived
from pullcord.seal.tokens import Tokens

#: letters and digits nobody takes for one another (Crockford's base 32)
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 5


@dataclass(frozen=True, slots=True)
class Action:
    """One act somebody was offered; an empty `person` is whoever of the workspace may."""

    workspace: str
    escalation: str
    generation: int
    verb: Verb
    person: str
    expires_at: datetime
    #: the option of an act that chooses one
    option: str = ""


class Actions:
    """Makes tokens and codes of actions, and reads them back."""

    def __init__(self, master: bytes) -> None:
        self._tokens = Tokens(derived(master, "actions"), "action")
        self._codes = derived(master, "codes")

    def token(self, action: Action) -> str:
        """The action as a token, the same whenever it is made."""
        facts = [
            action.workspace,
            action.escalation,
            action.generation,
            action.verb.value,
            action.person,
            int(action.expires_at.timestamp()),
            *([action.option] if action.option else []),
        ]
        return self._tokens.write(json.dumps(facts, separators=(",", ":")).encode())

    def read(self, token: str) -> Action | None:
        """The action of a token, expired or not; None when it is none of ours."""
        facts = self._tokens.read(token)
        if facts is None:
            return None
        workspace, escalation, generation, verb, person, expires, *option = json.loads(facts)
        return Action(
            workspace,
            escalation,
            generation,
            Verb(verb),
            person,
            datetime.fromtimestamp(expires, UTC),
            *option,
        )

    def code(self, workspace: str, escalation: str, person: str) -> str:
        """Five characters by which this person names this escalation to a phone."""
        facts = json.dumps([workspace, escalation, person]).encode()
        digest = hmac.digest(self._codes, facts, hashlib.sha256)
        return "".join(ALPHABET[byte % len(ALPHABET)] for byte in digest[:CODE_LENGTH])
