"""The house: everything one process serves from, put together in one place."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pullcord.channels.console import ConsoleChannel
from pullcord.channels.port import Channel
from pullcord.channels.webhook import WebhookChannel
from pullcord.engine.agent_views import AgentViews
from pullcord.engine.bus import Bus
from pullcord.engine.clock import Clock, Ids, SystemClock, SystemIds
from pullcord.engine.contents import Contents
from pullcord.engine.courier import Courier
from pullcord.engine.desk import Desk
from pullcord.engine.duties import Duties
from pullcord.engine.filing import Filer
from pullcord.engine.floors import Floors
from pullcord.engine.office import Office
from pullcord.engine.policies import Policies
from pullcord.engine.runner import Runner
from pullcord.engine.settings import Settings
from pullcord.engine.timers import Timers
from pullcord.engine.views import Views
from pullcord.engine.watchdog import Watchdog
from pullcord.seal.keys import derived
from pullcord.seal.sealing import Vault
from pullcord.seal.signing import Signer
from pullcord.store.port import Store


@dataclass(frozen=True, slots=True)
class House:
    """What routes, pages and commands work with; nothing in here is global."""

    store: Store
    clock: Clock
    ids: Ids
    settings: Settings
    bus: Bus
    vault: Vault
    signer: Signer
    contents: Contents
    policies: Policies
    floors: Floors
    desk: Desk
    office: Office
    agent_views: AgentViews
    views: Views
    timers: Timers
    courier: Courier
    watchdog: Watchdog
    runner: Runner


def furnish(
    store: Store,
    *,
    master: bytes,
    clock: Clock | None = None,
    ids: Ids | None = None,
    settings: Settings | None = None,
    channels: Mapping[str, Channel] | None = None,
) -> House:
    """Put a house together around a store; `master` is the secret of 32 bytes behind all keys.

    Sealing and signing use keys of their own, derived from it.
    """
    clock = clock or SystemClock()
    ids = ids or SystemIds(clock)
    settings = settings or Settings()
    bus = Bus()
    vault = Vault(derived(master, "sealing"))
    signer = Signer(derived(master, "signing"))
    contents = Contents(store, vault)
    policies = Policies(store)
    floors = Floors(store, clock, policies)
    filer = Filer(vault, ids)
    desk = Desk(
        store,
        clock,
        ids,
        filer=filer,
        sign=signer.sign,
        contents=contents,
        policies=policies,
        floors=floors,
        bus=bus,
    )
    office = Office(
        store,
        clock,
        ids,
        filer=filer,
        policies=policies,
        floors=floors,
        bus=bus,
        session_for=settings.session_for,
    )
    courier = Courier(
        store,
        clock,
        channels=channels if channels is not None else usual_channels(settings),
        floors=floors,
        bus=bus,
        public_url=settings.public_url,
    )
    timers = Timers(store, clock, desk)
    watchdog = Watchdog(store, clock, heartbeat_url=settings.heartbeat_url)
    views = Views(store, clock, vault=vault, policies=policies, floors=floors, settings=settings)
    agent_views = AgentViews(
        store,
        clock,
        vault=vault,
        policies=policies,
        floors=floors,
        settings=settings,
        signer=signer,
    )
    runner = Runner(
        store,
        clock,
        desk=desk,
        timers=timers,
        courier=courier,
        duties=Duties(store, clock, floors=floors, bus=bus),
        watchdog=watchdog,
        policies=policies,
        floors=floors,
        bus=bus,
    )
    return House(
        store=store,
        clock=clock,
        ids=ids,
        settings=settings,
        bus=bus,
        vault=vault,
        signer=signer,
        contents=contents,
        policies=policies,
        floors=floors,
        desk=desk,
        office=office,
        agent_views=agent_views,
        views=views,
        timers=timers,
        courier=courier,
        watchdog=watchdog,
        runner=runner,
    )


def usual_channels(settings: Settings) -> dict[str, Channel]:
    """The console, and the signed webhook where one is set."""
    channels: dict[str, Channel] = {"console": ConsoleChannel()}
    if settings.webhook_url:
        channels["webhook"] = WebhookChannel(settings.webhook_url, settings.webhook_secret)
    return channels


@asynccontextmanager
async def opened(house: House, *, runs: bool = True) -> AsyncIterator[House]:
    """A house with its store open and, unless told otherwise, its engine running."""
    await house.store.start()
    try:
        if runs:
            await house.runner.start()
        yield house
    finally:
        await house.runner.stop()
        await house.store.close()
