"""What people read: inbox, page, timeline, status page, and the lists of the workspace.

Reads only: nothing here changes anything, and everything the console and the API show comes from
here, so that both always say the same.
"""

import json

from pullcord.engine.clock import Clock
from pullcord.engine.contents import Contents
from pullcord.engine.floors import Floors
from pullcord.engine.holding import RIGHT, Holding
from pullcord.engine.policies import Policies
from pullcord.engine.readers import colleague, colleagues, outsider
from pullcord.engine.settings import Settings
from pullcord.engine.views_detail import Sheet, detail_view
from pullcord.engine.views_house import (
    duty_of,
    key_line,
    on_call_line,
    person_line,
    policy_line,
)
from pullcord.engine.views_inbox import Desktop, Inbox
from pullcord.engine.views_status import is_expired, status_view
from pullcord.engine.views_story import story_of
from pullcord.errors import NotFound
from pullcord.owner.authority import ALLOWED, may_in_workspace
from pullcord.owner.floor import Floor
from pullcord.owner.roster import Person
from pullcord.path.timeline import Link
from pullcord.path.wording import Reader
from pullcord.seal.keys import digest_of
from pullcord.seal.sealing import Vault
from pullcord.store.port import Filter, Row, Store
from pullcord.wire.replies import EntryOut
from pullcord.wire.views import (
    DetailView,
    HeldOut,
    InboxView,
    KeyLine,
    OnCallLine,
    PersonLine,
    PolicyLine,
    StatusView,
    ViewerOut,
)

EVERYTHING = Filter()


class Views:
    """Every read of people: operators at the console, end users on their status page."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        vault: Vault,
        policies: Policies,
        floors: Floors,
        settings: Settings,
        holding: Holding,
    ) -> None:
        self._store = store
        self._clock = clock
        self._holding = holding
        self._contents = Contents(store, vault)
        self._policies = policies
        self._floors = floors
        self._settings = settings
        self._inbox = Inbox(store, self._contents)

    # --- the signed-in person -------------------------------------------------------------------
    async def viewer(self, workspace: str, who: str) -> ViewerOut:
        """The signed-in person and what they are on call for.

        Raises:
            NotFound: nobody of this workspace has that id.
        """
        floor, reader = await self._seen_by(workspace, who)
        someone = floor.people.get(who)
        if someone is None:
            raise NotFound(f"there is no person {who!r} in this workspace.")
        return ViewerOut(
            id=someone.id,
            shown_as=someone.shown_as,
            name=someone.name,
            role=str(someone.role),
            workspace=workspace,
            timezone=someone.timezone,
            duty=duty_of(who, floor, reader),
            held=await self._held(workspace, someone),
        )

    async def _held(self, workspace: str, viewer: Person) -> HeldOut | None:
        """Whether everything stands still, and whether this person may let it go."""
        hold = await self._holding.now()
        if hold is None:
            return None
        is_alone = list(await self._store.workspaces()) == [workspace]
        has_right = may_in_workspace(viewer, RIGHT) == ALLOWED
        return HeldOut(
            since=hold.since, by=hold.by, why=hold.why, may_let_go=is_alone and has_right
        )

    async def inbox(
        self,
        workspace: str,
        who: str,
        *,
        tab: str = "needs_me",
        cursor: str = "",
        limit: int = 50,
        wanted: Filter = EVERYTHING,
    ) -> InboxView:
        """One page of one tab: needs_me, queues, waiting or decided.

        Raises:
            InvalidInput: no such tab, or a cursor that is none of ours.
        """
        _, reader = await self._seen_by(workspace, who)
        desktop = Desktop(workspace, who, reader)
        return await self._inbox.page(desktop, tab, wanted=wanted, cursor=cursor, limit=limit)

    async def detail(self, workspace: str, who: str, escalation: str) -> DetailView:
        """The whole page of one escalation as this person sees it.

        Raises:
            NotFound: there is none in this workspace.
        """
        row = await self._row(workspace, escalation)
        _, reader = await self._seen_by(workspace, who)
        return detail_view(
            Sheet(
                row=row,
                story=await story_of(self._store, self._contents, row),
                receipts=await self._store.receipts(workspace, escalation),
                desktop=Desktop(workspace, who, reader),
                floor=await self._floors.now(workspace, version=row.escalation.policy_version),
                public_url=self._settings.public_url,
            )
        )

    async def timeline(
        self, workspace: str, escalation: str, *, after: int = 0, limit: int = 500
    ) -> list[EntryOut]:
        """The entries after a number, as they stand in the chain.

        Raises:
            NotFound: there is none in this workspace.
        """
        await self._row(workspace, escalation)
        links = await self._store.timeline(workspace, escalation, after=after, limit=limit)
        return [_entry_out(each) for each in links]

    # --- the end user -----------------------------------------------------------------------------
    async def status_row(self, token: str) -> Row:
        """The escalation a status page's token opens.

        Raises:
            NotFound: unknown or expired; the two are not told apart.
        """
        row = await self._store.by_status(digest_of(token))
        now = self._clock.now()
        if row is None or is_expired(row.escalation, now, self._settings.status_for):
            raise NotFound("this link is not known, or its time is over.")
        return row

    async def status(self, token: str) -> StatusView:
        """The end user's page: an allow-listed projection.

        Raises:
            NotFound: unknown or expired; the two are not told apart.
        """
        row = await self.status_row(token)
        workspace = row.escalation.workspace
        configuration = (await self._policies.current(workspace)).configuration
        floor = await self._floors.now(workspace)
        story = await story_of(self._store, self._contents, row)
        return status_view(
            row.escalation,
            story.content("shown"),
            story,
            outsider(floor, configuration.timezone, self._clock.now()),
            name=configuration.name,
        )

    # --- the workspace ----------------------------------------------------------------------------
    async def on_call(self, workspace: str) -> list[OnCallLine]:
        """Who answers each ladder now, and why; times on the workspace's clock."""
        configuration = (await self._policies.current(workspace)).configuration
        floor, reader = await self._seen_in(workspace)
        return [on_call_line(each, floor, reader) for each in configuration.ladders.values()]

    async def people(self, workspace: str) -> list[PersonLine]:
        """Everybody of the workspace, by name."""
        floor, reader = await self._seen_in(workspace)
        accounts = await self._store.accounts(workspace)
        people = sorted(floor.people.values(), key=lambda each: (each.name, each.id))
        return [
            person_line(each, floor, reader, has_account=each.id in accounts) for each in people
        ]

    async def keys(self, workspace: str) -> list[KeyLine]:
        """All API keys, newest first."""
        _, reader = await self._seen_in(workspace)
        return [key_line(each, reader) for each in await self._store.keys(workspace)]

    async def policies(self, workspace: str) -> list[PolicyLine]:
        """The applied policy versions, newest first."""
        _, reader = await self._seen_in(workspace)
        current = (await self._policies.current(workspace)).version
        found = await self._store.policies(workspace)
        return [policy_line(each, reader, current=current) for each in found]

    async def policy_source(self, workspace: str) -> str:
        """The text of the policy in force, as it was applied.

        Raises:
            NotFound: no policy was applied yet.
        """
        found = await self._store.policy(workspace)
        if found is None:
            raise NotFound(f"workspace {workspace!r} has no policy yet; apply one first.")
        return found.source

    # --- for whom ---------------------------------------------------------------------------------
    async def _row(self, workspace: str, escalation: str) -> Row:
        row = await self._store.load(workspace, escalation)
        if row is None:
            raise NotFound(f"there is no escalation {escalation!r} in this workspace.")
        return row

    async def _seen_by(self, workspace: str, who: str) -> tuple[Floor, Reader]:
        floor = await self._floors.now(workspace)
        return floor, colleague(floor, who, self._clock.now())

    async def _seen_in(self, workspace: str) -> tuple[Floor, Reader]:
        """For pages that everybody of the workspace sees alike."""
        floor = await self._floors.now(workspace)
        timezone = (await self._policies.current(workspace)).configuration.timezone
        return floor, colleagues(floor, timezone, self._clock.now())


def _entry_out(link: Link) -> EntryOut:
    body = json.loads(link.body)
    return EntryOut(
        seq=link.seq,
        at=link.at,
        kind=link.kind,
        by=body["by"],
        facts=body["facts"],
        hash=link.hash,
    )
