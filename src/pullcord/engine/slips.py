"""Slips: what a channel asks for before an act, and the act a filled-in slip becomes.

A slip is the page's form in the words of a channel: the same fields, the same checks, the same
sentences when something does not fit.
"""

from collections.abc import Mapping

from pullcord.briefing.plain import cut
from pullcord.channels.port import Form, Input, InputKind, Verb
from pullcord.engine.actions import Action
from pullcord.engine.filled import act_of, answer_fields, as_typed, decision_of
from pullcord.engine.letters import REVERSIBLE, RIGHTS
from pullcord.engine.views_briefing import CANNOT
from pullcord.errors import InvalidInput
from pullcord.wire import requests as wire
from pullcord.wire.views import DetailView, FormField

TITLES: Mapping[Verb, str] = {
    Verb.EDIT: "Approve with changes",
    Verb.REJECT: "Reject",
    Verb.ANSWER: "Answer",
    Verb.ASK: "Ask a question",
}
#: what each verb is called in a form of the page
DECISIONS: Mapping[Verb, str] = {
    Verb.APPROVE: "approve",
    Verb.EDIT: "edit",
    Verb.REJECT: "reject",
    Verb.ANSWER: "answer",
    Verb.CHOOSE: "choose",
}
KINDS: Mapping[str, InputKind] = {
    "text": InputKind.LINE,
    "long_text": InputKind.TEXT,
    "json": InputKind.TEXT,
    "number": InputKind.NUMBER,
    "integer": InputKind.INTEGER,
    "boolean": InputKind.CHOICE,
    "choice": InputKind.CHOICE,
}
YES_NO = (("yes", "yes"), ("no", "no"))
#: characters of what a slip is about, and of what was proposed for one field
LEAD_MAX, PROPOSED_MAX = 2_500, 300


def is_past(action: Action, view: DetailView) -> bool:
    """Whether it was decided, or somebody else is asked, since the button was offered."""
    return view.decided is not None or view.generation != action.generation


def why_not(action: Action, view: DetailView) -> str:
    """Why this person may not do it now, in the words of the page; empty when they may."""
    wanted = "edit" if action.verb is Verb.EDIT else RIGHTS[action.verb]
    return next(each.why_not for each in view.acts if each.verb == wanted)


def slip_of(action: Action, token: str, view: DetailView) -> Form:
    """What is asked for before this act."""
    title = TITLES[action.verb]
    make = {
        Verb.EDIT: _changes,
        Verb.REJECT: _reason,
        Verb.ANSWER: _answer,
        Verb.ASK: _question,
    }[action.verb]
    is_decision = action.verb in DECISIONS
    consequence = (view.consequence, REVERSIBLE[view.reversible]) if is_decision else ()
    lead = " ".join(each for each in consequence if each)
    return Form(
        title=title,
        token=token,
        inputs=make(view),
        submit="Ask" if action.verb is Verb.ASK else title,
        lead=cut(f"{view.question}\n{lead}".strip(), LEAD_MAX),
    )


def _changes(view: DetailView) -> tuple[Input, ...]:
    fields = [_field(each) for each in view.fields if each.is_editable]
    return (*fields, Input("note", "A note for the agent", InputKind.TEXT))


def _field(field: FormField) -> Input:
    proposed = as_typed(field.value)
    told = f"Proposed: {cut(proposed, PROPOSED_MAX)}" if proposed else "Nothing was proposed."
    return Input(
        f"arg.{field.path}",
        field.label,
        KINDS[field.kind],
        value=proposed,
        help=f"{field.help} {told}".strip(),
        # an empty text is a text; an empty number is a mistake
        is_needed=field.is_required or (bool(proposed) and field.kind not in ("text", "long_text")),
        choices=_choices(field),
    )


def _choices(field: FormField) -> tuple[tuple[str, str], ...]:
    if field.kind == "boolean":
        return YES_NO
    return tuple((each, each) for each in field.choices)


def _reason(view: DetailView) -> tuple[Input, ...]:
    unread = CANNOT["reason_on_reject"]
    told = unread if unread in view.limits else "The agent goes on with this sentence."
    return (Input("note", "Why not?", InputKind.TEXT, help=told, is_needed=True),)


def _answer(view: DetailView) -> tuple[Input, ...]:
    fields = answer_fields(view.answer_schema)
    if not fields:
        return (Input("answer", "Your answer", InputKind.TEXT, is_needed=True),)
    return tuple(
        Input(
            f"ans.{each.path}",
            each.label,
            KINDS[each.kind],
            help=each.help,
            is_needed=each.is_required,
            choices=_choices(each),
        )
        for each in fields
    )


def _question(view: DetailView) -> tuple[Input, ...]:
    whom = [("agent", "The agent")]
    if view.row.end_user:
        whom.append(("end_user", "The end user"))
    return (
        Input("to", "Whom?", InputKind.CHOICE, value="agent", is_needed=True, choices=tuple(whom)),
        Input("text", "Your question", InputKind.TEXT, is_needed=True),
    )


def act_on(action: Action, values: Mapping[str, str], view: DetailView) -> wire.Act:
    """The act of a filled-in slip, or of a button that needs none.

    Raises:
        InvalidInput: a field is missing or does not fit.
    """
    given = {
        **values,
        "generation": str(action.generation),
        "shown_digest": view.shown_digest,
    }
    if action.verb is Verb.ASK:
        return act_of("ask", given)
    return decision_of({**given, "decision": f"{DECISIONS[action.verb]}:{action.option}"}, view)


def problems_of(error: InvalidInput, form: Form) -> dict[str, str]:
    """What to put right, beside the input it is about; else beside the last one."""
    field = error.field
    name = f"arg.{field.removeprefix('args.')}" if field.startswith("args.") else field
    names = [each.name for each in form.inputs]
    allowed = f"Allowed: {error.limit}." if error.limit else ""
    text = " ".join(each for each in (error.remedy, allowed) if each) or error.args[0]
    return {name if name in names else names[-1]: text}
