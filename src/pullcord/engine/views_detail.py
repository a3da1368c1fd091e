"""The whole page of one escalation: everything a person needs to decide, in one value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pullcord.briefing.briefing import completeness
from pullcord.briefing.plain import safe_text
from pullcord.engine import views_briefing as briefing
from pullcord.engine import views_outcome as result
from pullcord.engine.agent_views import offer_out
from pullcord.engine.readers import person_out
from pullcord.engine.views_acts import acts, extendable_seconds, takers
from pullcord.engine.views_inbox import Desktop, end_user_of, gist_of, inbox_row, question_of
from pullcord.engine.views_next import fallback_sentence, next_up
from pullcord.engine.views_receipts import receipt_lines
from pullcord.engine.views_story import Story
from pullcord.owner.floor import Floor
from pullcord.path.escalation import ActorKind, Escalation, Status
from pullcord.path.telling import sentence
from pullcord.path.wording import Reader, called
from pullcord.store.port import Row
from pullcord.store.receipts import Receipt
from pullcord.wire.views import DetailView, MayDo, Said, TimelineLine

#: contents that the page shows as notes
NOTES = ("context", "reply", "comment", "question")
#: contents whose text explains an entry
REASONS = ("reason", *NOTES)
#: receipts one page lists; of more the last ones
RECEIPTS_MAX = 200


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a page is made of: the escalation, its story and messages, and who looks at it."""

    row: Row
    story: Story
    receipts: Sequence[Receipt]
    desktop: Desktop
    #: people as they are now, duties as the escalation's policy has them
    floor: Floor
    public_url: str


def detail_view(sheet: Sheet) -> DetailView:
    """The page as this person sees it now."""
    escalation, reader, floor = sheet.row.escalation, sheet.desktop.reader, sheet.floor
    story = sheet.story
    shown = story.content("shown")
    end_user = end_user_of(escalation, shown)
    filled = completeness(shown.get("briefing", {}))
    said, source = briefing.situation(shown)
    return DetailView(
        row=inbox_row(escalation, gist_of(shown), sheet.desktop),
        version=escalation.version,
        generation=escalation.generation,
        shown_digest=escalation.shown_digest,
        question=safe_text(question_of(shown), briefing.TEXT_MAX),
        situation=said,
        situation_source=source,
        consequence=str(shown.get("consequence", "")),
        reversible=str(shown.get("reversible", "no")),
        money=briefing.money_of(shown),
        tool_is_registered=bool(shown.get("is_registered", False)),
        args=briefing.args_of(shown),
        args_text=briefing.args_text(briefing.args_of(shown)),
        fields=briefing.form_fields(escalation, shown),
        options=briefing.options(shown),
        answer_schema=shown.get("ask", {}).get("schema"),
        hits=briefing.hits(shown),
        facts=briefing.facts(escalation, shown),
        claims=briefing.claims(shown),
        unknowns=briefing.unknowns(shown),
        done=briefing.done(shown),
        conversation=briefing.conversation(shown, end_user),
        cut_messages=int(shown.get("cut_messages", 0)),
        notes=_notes(story, reader),
        pending_question=_pending(escalation, story, reader),
        offer=offer_out(escalation, reader),
        owner=person_out(reader, escalation.owner),
        owner_reason=_owner_reason(story, reader) if escalation.status is Status.OPEN else "",
        next_up=next_up(escalation, floor, reader),
        accept_by=escalation.accept_by,
        hold_until=escalation.hold_until,
        decide_by=escalation.decide_by,
        promise_by=escalation.promise_by,
        fallback=fallback_sentence(
            escalation,
            reader,
            end_user,
            safe_label=next((each.label for each in briefing.options(shown) if each.is_safe), ""),
        ),
        extendable_seconds=extendable_seconds(escalation),
        votes_needed=escalation.terms.quorum,
        votes_given=len(escalation.votes),
        control=str(escalation.control),
        decided=result.decided(escalation, shown, story, reader),
        report=result.report(story),
        drift=result.drift(escalation, shown, story),
        acts=_acts(sheet, shown),
        limits=briefing.limits(shown),
        people=[person_out(reader, who) for who in takers(escalation, floor)],
        timeline=timeline_lines(story, reader),
        receipts=receipt_lines(sheet.receipts[-RECEIPTS_MAX:], reader),
        completeness_score=filled.score,
        missing=list(filled.missing),
        hostile_marks=briefing.hostile_marks(shown, _note_texts(story)),
        status_url=_status_url(sheet, shown),
        follows=escalation.follows,
        trace=escalation.trace,
    )


def _acts(sheet: Sheet, shown: Mapping[str, Any]) -> list[MayDo]:
    """What this person may do; changing arguments is one more act, if the agent can take it."""
    escalation = sheet.row.escalation
    found = acts(escalation, sheet.desktop.who, sheet.floor, sheet.desktop.reader)
    decide = next(each for each in found if each.verb == "decide")
    return [*found, briefing.may_edit(decide, escalation, shown)]


def _status_url(sheet: Sheet, shown: Mapping[str, Any]) -> str:
    token = shown.get("status_token", "")
    return f"{sheet.public_url}/status/{token}" if token else ""


def timeline_lines(story: Story, reader: Reader) -> list[TimelineLine]:
    """Every entry as a sentence, oldest first."""
    return [
        TimelineLine(
            seq=chapter.link.seq,
            at=chapter.link.at,
            kind=chapter.link.kind,
            who=called(chapter.by, reader),
            sentence=sentence(chapter.body, reader),
            detail=_detail(chapter.body, story),
            hash=chapter.link.hash,
        )
        for chapter in story.chapters
    ]


def _detail(body: Mapping[str, Any], story: Story) -> str:
    """The words that came with an entry: a reason, a question, a reply, a note."""
    texts = [
        str(story.content(name).get("text", ""))
        for name in body["sealed"]
        if name.partition("/")[0] in REASONS
    ]
    return safe_text("\n".join(text for text in texts if text), briefing.TEXT_MAX)


def _notes(story: Story, reader: Reader) -> list[Said]:
    """What was added since opening, oldest first."""
    return [
        Said(
            role=str(each.by.kind),
            who=called(each.by, reader),
            text=safe_text(str(story.content(each.name).get("text", "")), briefing.TEXT_MAX),
            at=each.at,
            via="link" if each.by.kind is ActorKind.END_USER else "",
        )
        for each in story.texts(NOTES)
    ]


def _note_texts(story: Story) -> dict[str, str]:
    return {each.name: str(story.content(each.name).get("text", "")) for each in story.texts(NOTES)}


def _pending(escalation: Escalation, story: Story, reader: Reader) -> Said | None:
    question = escalation.question
    if question is None:
        return None
    return Said(
        role=str(question.to),
        who=reader.name(escalation.owner),
        text=safe_text(str(story.content(question.id).get("text", "")), briefing.TEXT_MAX),
        at=question.asked_at,
    )


def _owner_reason(story: Story, reader: Reader) -> str:
    """Why these people were asked, as the resolver said it then."""
    asked = story.last("asked")
    return reader.local(str(asked.body["facts"].get("reason", ""))) if asked else ""
