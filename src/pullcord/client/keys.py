"""Names of calls: the key under which one is asked about once, and what makes two calls the same.

This module loads next to nothing: a hook that runs before every tool call pays for it each time.
"""

from urllib.parse import quote

from pullcord.briefing.canonical import NotCanonical, digest
from pullcord.errors import NotDone

#: characters of a key that travel as they are; longer ones are digested
KEY_LENGTH_MAX = 200


def key_of(run: str, call: str) -> str:
    """The idempotency key: run and call, never the arguments."""
    key = f"{quote(run, safe='')}/{quote(call, safe='')}" if run else quote(call, safe="")
    return key if len(key) <= KEY_LENGTH_MAX else f"sha256-{digest([run, call])}"


def kind_of(tool: str, args: object, note: str = "") -> str:
    """The same call always has the same name within its session.

    Raises:
        NotDone: the arguments have no one form, so nobody could be shown what would run.
    """
    try:
        return digest([tool, args, note] if note else [tool, args])[:24]
    except NotCanonical as error:
        raise NotDone(
            f"{tool} was not run: {error}. Nothing was asked. Call it with other arguments."
        ) from None
