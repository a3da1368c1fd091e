"""The house: everything one process serves from, put together in one place."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pullcord.channels.port import Channel
from pullcord.engine.actions import Actions
from pullcord.engine.agent_views import AgentViews
from pullcord.engine.bus import Bus
from pullcord.engine.channel_desk import ChannelDesk
from pullcord.engine.clock import Clock, DatabaseClock, Ids, SystemClock, SystemIds
from pullcord.engine.contents import Contents
from pullcord.engine.courier import Courier
from pullcord.engine.daily import Daily
from pullcord.engine.desk import Desk
from pullcord.engine.duties import Duties
from pullcord.engine.filing import Filer
from pullcord.engine.floors import Floors
from pullcord.engine.health import Health
from pullcord.engine.hearing_back import HearingBack
from pullcord.engine.holding import Holding
from pullcord.engine.inbound import Inbound
from pullcord.engine.keeper import Keeper
from pullcord.engine.linking import Linking
from pullcord.engine.neighbours import Neighbours
from pullcord.engine.office import Office
from pullcord.engine.outward import usual_channels
from pullcord.engine.policies import Policies
from pullcord.engine.runner import Runner
from pullcord.engine.scribe import Scribe
from pullcord.engine.settings import Settings
from pullcord.engine.timers import Timers
from pullcord.engine.views import Views
from pullcord.engine.watchdog import Watchdog
from pullcord.seal.keys import derived
from pullcord.seal.sealing import Vault
from pullcord.seal.signing import Signer
from pullcord.store.port import Store
from pullcord.store.sharing import Shared


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
    holding: Holding
    keeper: Keeper
    agent_views: AgentViews
    views: Views
    timers: Timers
    courier: Courier
    linking: Linking
    hearing_back: HearingBack
    inbound: Inbound
    health: Health
    channel_desk: ChannelDesk
    watchdog: Watchdog
    runner: Runner
    #: the other processes on the same database; None where one process has it alone
    neighbours: Neighbours | None = None


@dataclass(frozen=True, slots=True)
class _Ground:
    """What every part of the house stands on."""

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
    filer: Filer
    actions: Actions
    holding: Holding
    channels: Mapping[str, Channel]


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
    clock = clock or (DatabaseClock() if isinstance(store, Shared) else SystemClock())
    settings = settings or Settings()
    if channels is None:
        channels = usual_channels(settings, now=clock.now, key=derived(master, "channels"))
    ground = _ground(store, master, clock, ids or SystemIds(clock), settings, channels)
    office = _office(ground)
    hearing_back = _hearing_back(ground, office)
    desk = _desk(ground, hearing_back)
    timers = Timers(store, clock, desk, holding=ground.holding)
    linking = _linking(ground, office)
    courier = _courier(ground, desk, hearing_back, linking)
    watchdog = Watchdog(
        store,
        clock,
        holding=ground.holding,
        process=settings.process,
        heartbeat_url=settings.heartbeat_url,
    )
    agent_views, views = _views(ground)
    inbound = _inbound(ground, desk, views, linking, courier)
    health = Health(store, clock, channels=channels)
    return House(
        store=store,
        clock=clock,
        ids=ground.ids,
        settings=settings,
        bus=ground.bus,
        vault=ground.vault,
        signer=ground.signer,
        contents=ground.contents,
        policies=ground.policies,
        floors=ground.floors,
        desk=desk,
        office=office,
        holding=ground.holding,
        keeper=Keeper(store, clock, office=office, holding=ground.holding, bus=ground.bus),
        agent_views=agent_views,
        views=views,
        timers=timers,
        courier=courier,
        linking=linking,
        hearing_back=hearing_back,
        inbound=inbound,
        health=health,
        channel_desk=_channel_desk(ground, health, office, linking),
        watchdog=watchdog,
        runner=_runner(ground, timers, courier, watchdog, inbound),
        neighbours=Neighbours(store, clock, ground.bus) if isinstance(store, Shared) else None,
    )


def _ground(
    store: Store,
    master: bytes,
    clock: Clock,
    ids: Ids,
    settings: Settings,
    channels: Mapping[str, Channel],
) -> _Ground:
    vault = Vault(derived(master, "sealing"))
    policies = Policies(store)
    return _Ground(
        store=store,
        clock=clock,
        ids=ids,
        settings=settings,
        bus=Bus(),
        vault=vault,
        signer=Signer(derived(master, "signing")),
        contents=Contents(store, vault),
        policies=policies,
        floors=Floors(store, clock, policies),
        filer=Filer(vault, ids),
        actions=Actions(master),
        holding=Holding(store, clock),
        channels=channels,
    )


def _desk(ground: _Ground, hearing_back: HearingBack) -> Desk:
    return Desk(
        ground.store,
        ground.clock,
        ground.ids,
        filer=ground.filer,
        sign=ground.signer.sign,
        contents=ground.contents,
        policies=ground.policies,
        floors=ground.floors,
        bus=ground.bus,
        holding=ground.holding,
        check_reply_to=hearing_back.check,
    )


def _office(ground: _Ground) -> Office:
    return Office(
        ground.store,
        ground.clock,
        ground.ids,
        filer=ground.filer,
        policies=ground.policies,
        floors=ground.floors,
        bus=ground.bus,
        session_for=ground.settings.session_for,
    )


def _hearing_back(ground: _Ground, office: Office) -> HearingBack:
    return HearingBack(
        ground.store,
        ground.clock,
        ground.ids,
        channels=ground.channels,
        contents=ground.contents,
        filer=ground.filer,
        floors=ground.floors,
        office=office,
        public_url=ground.settings.public_url,
    )


def _courier(ground: _Ground, desk: Desk, hearing_back: HearingBack, linking: Linking) -> Courier:
    scribe = Scribe(
        ground.store,
        ground.clock,
        contents=ground.contents,
        policies=ground.policies,
        floors=ground.floors,
        actions=ground.actions,
        public_url=ground.settings.public_url,
    )
    return Courier(
        ground.store,
        ground.clock,
        channels=ground.channels,
        floors=ground.floors,
        scribe=scribe,
        bus=ground.bus,
        holding=ground.holding,
        not_reached=desk.not_reached,
        named=hearing_back.places,
        forget=linking.forget,
    )


def _linking(ground: _Ground, office: Office) -> Linking:
    return Linking(
        ground.store,
        ground.clock,
        ground.ids,
        channels=ground.channels,
        floors=ground.floors,
        office=office,
    )


def _inbound(
    ground: _Ground, desk: Desk, views: Views, linking: Linking, courier: Courier
) -> Inbound:
    return Inbound(
        ground.store,
        ground.clock,
        channels=ground.channels,
        actions=ground.actions,
        desk=desk,
        views=views,
        floors=ground.floors,
        linking=linking,
        courier=courier,
        public_url=ground.settings.public_url,
    )


def _channel_desk(ground: _Ground, health: Health, office: Office, linking: Linking) -> ChannelDesk:
    return ChannelDesk(
        ground.store,
        ground.clock,
        ground.ids,
        channels=ground.channels,
        health=health,
        policies=ground.policies,
        floors=ground.floors,
        office=office,
        forget=linking.forget,
        public_url=ground.settings.public_url,
    )


def _views(ground: _Ground) -> tuple[AgentViews, Views]:
    views = Views(
        ground.store,
        ground.clock,
        vault=ground.vault,
        policies=ground.policies,
        floors=ground.floors,
        settings=ground.settings,
        holding=ground.holding,
    )
    agent_views = AgentViews(
        ground.store,
        ground.clock,
        vault=ground.vault,
        policies=ground.policies,
        floors=ground.floors,
        settings=ground.settings,
        signer=ground.signer,
        holding=ground.holding,
    )
    return agent_views, views


def _daily(ground: _Ground) -> Daily:
    return Daily(
        ground.store,
        ground.clock,
        channels=ground.channels,
        contents=ground.contents,
        policies=ground.policies,
        floors=ground.floors,
        public_url=ground.settings.public_url,
    )


def _runner(
    ground: _Ground, timers: Timers, courier: Courier, watchdog: Watchdog, inbound: Inbound
) -> Runner:
    return Runner(
        ground.store,
        timers=timers,
        courier=courier,
        duties=Duties(
            ground.store,
            ground.clock,
            floors=ground.floors,
            bus=ground.bus,
            daily=_daily(ground),
        ),
        watchdog=watchdog,
        policies=ground.policies,
        floors=ground.floors,
        bus=ground.bus,
        inbound=inbound,
    )


@asynccontextmanager
async def opened(house: House, *, runs: bool = True) -> AsyncIterator[House]:
    """A house with its store open and, unless told otherwise, its engine running."""
    await house.store.start()
    try:
        if house.neighbours is not None:
            await house.neighbours.start()
        if runs:
            await house.runner.start()
        yield house
    finally:
        await house.runner.stop()
        await house.courier.close()
        if house.neighbours is not None:
            await house.neighbours.stop()
        await house.store.close()
