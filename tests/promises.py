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
    # --- the HTTP interface -------------------------------------------------------------------
    Promise(
        "open-is-idempotent",
        "An agent that repeats a request under its key gets the same escalation, and nobody is "
        "asked twice.",
        "server",
    ),
    Promise(
        "roles-by-table",
        "Who may use which route stands in one table, and every cell of it is tried.",
        "server",
    ),
    Promise(
        "get-changes-nothing",
        "Opening a link or reading an address never changes anything.",
        "server",
    ),
    Promise(
        "key-revoked-in-seconds",
        "A revoked API key is refused within five seconds.",
        "server",
    ),
    Promise(
        "own-pages-only",
        "Nobody acts in a person's name from another site's page.",
        "server",
    ),
    Promise(
        "no-secret-in-logs",
        "No API key, status link or session ever stands in a log line.",
        "server",
    ),
    Promise(
        "no-workspace-crossed",
        "One workspace's people and agents never see a trace of another's.",
        "server",
    ),
    Promise(
        "big-body-costs-little",
        "A body of 50 MB is refused after one megabyte at most.",
        "server",
    ),
    Promise(
        "any-input-any-route",
        "Whatever is sent, no route breaks, and every answer is one the interface describes.",
        "server",
    ),
    # --- client -------------------------------------------------------------------------------
    Promise(
        "decided-is-executed",
        "What a person changed is exactly what runs, once, and it is reported.",
        "client",
    ),
    Promise(
        "resumes-anywhere",
        "A decision is carried out by any process of its agent, on any day.",
        "client",
    ),
    Promise(
        "forged-is-not-executed",
        "A decision that was altered on its way, in whatever part, lets nothing run.",
        "client",
    ),
    Promise(
        "killed-is-not-repeated",
        "What an agent took and may have done before it was killed is never done by another.",
        "client",
    ),
    # --- the command line, from the first start to the proof ----------------------------------
    Promise(
        "first-start-has-no-password",
        "The first start prints one link that works once; no password is built in anywhere.",
        "cli",
    ),
    Promise(
        "refusals-say-what-to-do",
        "A start that cannot work says in one sentence what is wrong and what to do.",
        "cli",
    ),
    Promise(
        "one-stop-end-to-end",
        "An agent parks, the ladder advances, a person changes and approves, the agent resumes in "
        "another process and runs exactly that once, and the timeline proves it.",
        "engine",
    ),
    Promise(
        "stop-and-restart-keep-everything",
        "A server told to stop answers whoever waits, closes its database and goes on later where "
        "it was.",
        "console",
    ),
    Promise(
        "replay-end-to-end",
        "Recorded runs pass the real guard, people answer, and every timeline of it proves.",
        "replay",
    ),
    Promise(
        "demo-lives-at-once",
        "One command leads to a signed-in console in which agents stop and colleagues decide.",
        "demo",
    ),
)
