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
        "The simulation finds every one of more than twenty bugs that were planted to test it.",
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
        "held-until-let-go",
        "What was restored or held can be looked at, and nothing goes in or out until a person "
        "lets it go.",
        "engine",
    ),
    Promise(
        "backup-restores-whole",
        "A backup made while Pullcord serves restores whole, and what is restored begins held.",
        "store",
    ),
    Promise(
        "engine-apart",
        "An engine and servers without one work as one; a server without any engine says so.",
        "engine",
    ),
    Promise(
        "limits-hold-by-address",
        "Limits go by the caller's own address; only a named proxy may name another.",
        "server",
    ),
    Promise(
        "restart-loses-no-wait",
        "A server stops within its limit, and whoever waited on it goes on at the next one.",
        "server",
    ),
    Promise(
        "killed-agent-runs-once",
        "An agent killed at any instant runs no guarded call twice, and none without a decision.",
        "client",
    ),
    # --- people reached in the field ----------------------------------------------------------
    Promise(
        "a-scanner-decides-nothing",
        "Opening a link of a letter, by whomever and however often, decides and changes nothing.",
        "console",
    ),
    Promise(
        "every-copy-tells-the-truth",
        "After each change every copy of a letter says how it stands, and its old buttons do "
        "nothing.",
        "engine",
    ),
    Promise(
        "tried-is-reached-or-failed",
        "A rung counts as tried only when something was delivered or all ways to its people "
        "failed.",
        "engine",
    ),
    Promise(
        "first-letter-never-held",
        "What asks somebody is never throttled, merged or held by quiet hours.",
        "engine",
    ),
    Promise(
        "mails-are-readable",
        "A mail reads well in light and dark, on desk and phone, without pictures, and loads "
        "nothing.",
        "channels",
    ),
    Promise(
        "replies-are-comments",
        "A reply by mail becomes a comment of whoever got the letter; nobody decides by mail, and "
        "machines are not answered.",
        "channels",
    ),
    Promise(
        "lock-screen-tells-the-truth",
        "What stands on a lock screen is what holds and tells nothing personal; its buttons say "
        "“I have it” or “Not me”, never more, and say what became of it.",
        "console",
    ),
    Promise(
        "browser-links-itself",
        "A signed-in person links the browser in front of them, tries it and unlinks it; a browser "
        "that cannot says why.",
        "console",
    ),
    Promise(
        "a-night-comes-to-a-decision",
        "Whoever sleeps through a notification is called, “Not me” on the lock screen asks the "
        "next person at once, and the timeline tells the whole night.",
        "engine",
    ),
    Promise(
        "accounts-are-linked-by-code",
        "An account of a chat is linked by a one-time code from the console, tried, and unlinked "
        "by its person.",
        "console",
    ),
    Promise(
        "callbacks-are-proven",
        "Nothing a provider did not sign just now is believed, and nobody acts but a linked "
        "person.",
        "channels",
    ),
    Promise(
        "phone-never-decides",
        "By phone one accepts or declines and never decides; a machine that answers has not been "
        "reached, and the next person is asked at once.",
        "channels",
    ),
    Promise(
        "outward-is-outside",
        "No name, redirect or second look of a name server leads a message to an address inside "
        "that the operator did not name.",
        "channels",
    ),
    Promise(
        "decided-in-the-message",
        "A linked person accepts, declines, approves, changes, rejects, answers and asks back from "
        "a message, with the same checks as on the page.",
        "channels",
    ),
    Promise(
        "first-press-wins",
        "Of all presses on one escalation, in whichever channels, one decides, every copy names "
        "who it was, and whoever pressed later is told so.",
        "engine",
    ),
    Promise(
        "nobodys-words-act",
        "Nothing an agent or end user wrote mentions, links or passes for Pullcord's own words in "
        "a message.",
        "channels",
    ),
    Promise(
        "failover-loses-nothing",
        "A database server that dies or freezes costs seconds: nothing that was acknowledged is "
        "lost, and no decision is doubled.",
        "store",
    ),
    Promise(
        "acknowledged-is-replicated",
        "With a synchronous standby, nobody is told that something is done before the standby "
        "has it.",
        "store",
    ),
    Promise(
        "unknown-is-told",
        "A write that may stand or not is answered with 503 and when to send it again, never "
        "with success or failure.",
        "server",
    ),
    Promise(
        "old-primary-is-refused",
        "A database server that was replaced and comes back is not written to any more.",
        "store",
    ),
    Promise(
        "restarted-database-loses-nothing",
        "A database that crashes every few seconds loses nothing that was acknowledged, and work "
        "goes on by itself.",
        "store",
    ),
    Promise(
        "one-winner",
        "Whoever races for one escalation from however many servers, exactly one wins and "
        "everybody is told who.",
        "engine",
    ),
    Promise(
        "dead-worker-is-replaced",
        "The work of a process that died or stands still moves to another within 30 seconds, and "
        "nothing it does later counts.",
        "engine",
    ),
    Promise(
        "heard-in-every-process",
        "A decision made on one server reaches whoever waits on another at once, and within "
        "seconds when the word of it is lost.",
        "engine",
    ),
    Promise(
        "rolling-upgrade",
        "The database is upgraded while servers of the version before go on serving from it.",
        "store",
    ),
    Promise(
        "serving-role-cannot-rewrite",
        "The database role of the servers cannot rewrite a timeline or change a rule.",
        "store",
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
    # --- pages for operators and end users ----------------------------------------------------
    Promise(
        "one-stop-in-a-browser",
        "From the guarded call to the proof of it, one stop can be followed and decided in a "
        "browser.",
        "console",
    ),
    Promise(
        "one-path-in-view",
        "Operator, end user and team see one path: stopped, asked, passed on, decided, done.",
        "console",
    ),
    Promise(
        "decide-in-seconds",
        "Ask, consequence, deadline and what happens otherwise are in view without scrolling, "
        "on a desk and on a phone.",
        "console",
    ),
    Promise(
        "inbox-most-urgent-first",
        "In the inbox the most severe stands first, then what is due first.",
        "console",
    ),
    Promise(
        "console-is-live",
        "What others do appears by itself, what is being typed stays, and a lost connection "
        "is told.",
        "console",
    ),
    Promise(
        "console-works-without-script",
        "Everything a decision needs works in a browser without script.",
        "console",
    ),
    Promise(
        "console-by-keyboard",
        "A person decides with the keyboard alone; letters only move, Enter acts, and letters "
        "can be switched off.",
        "console",
    ),
    Promise(
        "console-enter-decides-nothing",
        "Enter in a field never decides.",
        "console",
    ),
    Promise(
        "console-shows-what-changes",
        "What a person changes is shown, old beside new, before it is decided, and keeps its type.",
        "console",
    ),
    Promise(
        "console-keeps-input",
        "A refused form says what is wrong beside the field and keeps every word.",
        "console",
    ),
    Promise(
        "console-every-act",
        "Every act of an operator is one form away on the escalation's page.",
        "console",
    ),
    Promise(
        "console-every-kind-of-ask",
        "Approvals, choices, questions and take-overs are each answered in their own form.",
        "console",
    ),
    Promise(
        "second-operator-is-told-who-was-first",
        "Of two who decide at once the second is told by name who was first.",
        "console",
    ),
    Promise(
        "stale-page-is-refused",
        "A decision made on a page that no longer shows what is there is refused.",
        "console",
    ),
    Promise(
        "pages-refuse-with-a-way-out",
        "A page that refuses says what happened, that nothing was changed, and what to do now.",
        "console",
    ),
    Promise(
        "hostile-text-is-inert",
        "Text of agents and end users is shown as text, hidden characters are marked, and "
        "nothing is loaded.",
        "console",
    ),
    Promise(
        "pages-run-no-foreign-code",
        "Pages run one script of ours and nothing else, whatever their content.",
        "console",
    ),
    Promise(
        "forms-only-from-our-own-pages",
        "A form that another site or another session sends changes nothing.",
        "console",
    ),
    Promise(
        "scanners-change-nothing",
        "A mail scanner that opens every link, status pages and forms included, changes nothing.",
        "console",
    ),
    Promise(
        "console-is-accessible",
        "Every page meets WCAG 2.2 AA as far as a machine can tell, in light and dark, on "
        "desk and phone.",
        "console",
    ),
    Promise(
        "one-time-links-survive-scanners",
        "A one-time link is spent by its button, never by being opened.",
        "console",
    ),
    Promise(
        "sign-in-leads-where-you-wanted",
        "Signing in leads to the page that was asked for, and never to another site.",
        "console",
    ),
    Promise(
        "demo-welcome",
        "The address that the demo prints leads to a signed-in console.",
        "console",
    ),
    Promise(
        "keys-are-shown-once",
        "A key is shown once and can be revoked.",
        "console",
    ),
    Promise(
        "policy-can-be-rolled-back",
        "Who may configure puts an earlier policy in force with one press.",
        "console",
    ),
    Promise(
        "status-page-without-script-and-cookies",
        "The end user's page needs no account, no script and no cookie.",
        "console",
    ),
    Promise(
        "status-page-tells-nothing-internal",
        "The end user's page tells nothing internal, and an unknown link tells only that.",
        "console",
    ),
    Promise(
        "status-page-answers",
        "The end user answers, adds, leaves an address and takes the request back from their page.",
        "console",
    ),
    Promise(
        "status-page-never-takes-what-is-typed",
        "The end user's page looks again by itself, never under somebody who types.",
        "console",
    ),
    Promise(
        "status-page-is-held-to-a-rate",
        "One status link accepts what a person types and no flood.",
        "console",
    ),
    # --- adapters -----------------------------------------------------------------------------
    Promise(
        "adapters-first-verdict-stands",
        "A call that was stopped is never judged anew when its framework executes it again.",
        "adapters",
    ),
    Promise(
        "adapters-resume-anywhere",
        "An agent of any supported framework pauses in one process and goes on in another, with "
        "exactly what people decided.",
        "adapters",
    ),
    Promise(
        "adapters-never-open",
        "Whatever dies between an agent of a framework and its people, no guarded tool runs "
        "without a decision.",
        "adapters",
    ),
    # --- agents whose code nobody changes -------------------------------------------------------
    Promise(
        "mcp-server",
        "Any MCP client asks people, waits, adds, reports and takes back, in the stateless "
        "protocol and the older one; no tool of it decides.",
        "server",
    ),
    Promise(
        "mcp-same-authority",
        "What an agent holds over MCP opens nothing of another agent's.",
        "server",
    ),
    Promise(
        "mcp-gateway",
        "Before an MCP server that nobody changed, a call that a rule stops runs once, and only "
        "after a person let it.",
        "gateway",
    ),
    Promise(
        "mcp-gateway-restart",
        "A call that was stopped finds its decision after the gateway was started anew.",
        "gateway",
    ),
    Promise(
        "mcp-gateway-pins",
        "A tool that changes after it was first seen is put to people before it is called.",
        "gateway",
    ),
    Promise(
        "mcp-gateway-never-open",
        "Whatever dies, lies or is cut around the gateway, no stopped call reaches its server.",
        "gateway",
    ),
    Promise(
        "hook",
        "A coding agent's tool call that a rule stops is put to people, and runs, as decided, when "
        "it is repeated.",
        "hook",
    ),
    Promise(
        "hook-never-open",
        "However the hook ends (killed, late, crashed, unread), its host does not run the tool.",
        "hook",
    ),
    Promise(
        "hook-install",
        "The hook goes into a host's settings and out again, and nothing else there changes.",
        "hook",
    ),
    Promise(
        "console-offers-what-agents-can-take",
        "The console offers no decision that the agent behind an escalation cannot take.",
        "console",
    ),
    Promise(
        "assistants-find-their-way",
        "The wheel tells coding assistants how to wire Pullcord, and everything it names exists.",
        "client",
    ),
)
