"""What Pullcord promises, one sentence each, and the room that keeps it.

Every promise has at least one test that carries `@pytest.mark.promise("its-id")`, and every test
under acceptance/, browser/, simulation/ and crash/ carries a promise; tests/tidy proves both by
reading the tests. Add the row together with its test: a promise nobody checks is advertising.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """One behaviour people may build on."""

    #: kebab-case, stable; tests and the change log refer to it
    id: str
    #: what a support lead would read out to a customer
    sentence: str
    #: the room or folder of src/pullcord that keeps it
    room: str


PROMISES: tuple[Promise, ...] = (
    # --- builders append below, grouped by room, in the order a reader would ask -------------
    # --- engine and store ---------------------------------------------------------------------
    Promise(
        "storm-safe-and-live",
        "Whatever crashes, hangs or lies, every stop keeps an owner and a deadline, is decided "
        "at most once and comes to an end.",
        "engine",
    ),
    Promise(
        "storm-repeats",
        "A failure of the simulation can be repeated from its seed, entry for entry.",
        "engine",
    ),
    Promise(
        "storm-finds-planted-bugs",
        "The simulation finds every one of twenty bugs that were planted to test it.",
        "engine",
    ),
    Promise(
        "http-histories-hold",
        "What any client was told over HTTP is never taken back, and all are told one decision.",
        "server",
    ),
    Promise(
        "killed-server-loses-nothing",
        "A server killed at any instant loses nothing it acknowledged and decides nothing twice.",
        "store",
    ),
    Promise(
        "killed-agent-runs-once",
        "An agent killed at any instant runs no guarded call twice, and none without a decision.",
        "client",
    ),
)
