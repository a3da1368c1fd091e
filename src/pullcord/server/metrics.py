"""Figures of one process for Prometheus, in a registry of its own.

Labels are routes, statuses, ladders and kinds of decision: never an escalation, person or run.
What the database knows is read at a scrape and kept for some seconds, so that nobody can load it
by scraping.
"""

from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from pullcord.engine.bus import Signal
from pullcord.engine.house import House
from pullcord.engine.watchdog import SILENT_AFTER
from pullcord.path.escalation import DecisionKind, Escalation, Purpose, Status
from pullcord.store.port import Filter

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
#: how long figures of the database are kept between scrapes
KEPT_FOR = timedelta(seconds=10)
#: living escalations one scrape counts at most; `pullcord_escalations_living_capped` tells
COUNTED_MAX = 5_000
PAGE = 500

#: seconds from opening to decision: from a glance to a day
DECISION_BUCKETS = (5, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400)
REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Metrics:
    """Counts what happens here and reads what stands in the store."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.registry = CollectorRegistry()
        own = self.registry
        self._requests = Counter(
            "pullcord_http_requests", "Requests by route.", ("method", "route", "status"),
            registry=own,
        )  # fmt: skip
        self._seconds = Histogram(
            "pullcord_http_request_seconds", "Time to answer, held ones left out.", ("route",),
            buckets=REQUEST_BUCKETS, registry=own,
        )  # fmt: skip
        self._decision_seconds = Histogram(
            "pullcord_decision_seconds", "From opening to decision.", ("kind",),
            buckets=DECISION_BUCKETS, registry=own,
        )  # fmt: skip
        self._opened = Counter(
            "pullcord_escalations_opened", "Escalations opened.", ("ladder",), registry=own
        )
        self._timeouts = Counter(
            "pullcord_timeouts", "Escalations that nobody decided in time.", ("ladder",),
            registry=own,
        )  # fmt: skip
        self._living = Gauge(
            "pullcord_escalations_living", "Escalations that wait for people.",
            ("ladder", "status"), registry=own,
        )  # fmt: skip
        self._capped = Gauge(
            "pullcord_escalations_living_capped",
            f"1 when more than {COUNTED_MAX} wait and only those were counted.", registry=own,
        )  # fmt: skip
        self._late = Gauge(
            "pullcord_late_seconds", "Age of the oldest passed deadline.", registry=own
        )
        self._outbox_lag = Gauge(
            "pullcord_outbox_lag_seconds", "Age of the oldest message not sent.", registry=own
        )
        self._is_held = Gauge(
            "pullcord_held", "1 while nothing goes in or out until somebody lets go.", registry=own
        )
        self._epoch = Gauge(
            "pullcord_epoch", "Epoch of the database; grows with every hold and restore.",
            registry=own,
        )  # fmt: skip
        self._engines = Gauge(
            "pullcord_engines", "Engines of the database that beat lately.", registry=own
        )
        self._beat_age = Gauge(
            "pullcord_engine_beat_age_seconds", "Age of the newest beat; -1 when there is none.",
            registry=own,
        )  # fmt: skip
        self._streams = Gauge(
            "pullcord_waiting_clients", "Held polls and open streams.", registry=own
        )
        self._receipts = Gauge(
            "pullcord_channel_receipts", "What became of letters in the last 24 hours.",
            ("channel", "state"), registry=own,
        )  # fmt: skip
        self._alarms = Gauge(
            "pullcord_channel_alarm", "1 while tries fail and nothing is delivered.", ("channel",),
            registry=own,
        )  # fmt: skip
        self._routes: dict[tuple[str, str, int], Counter] = {}
        self._times: dict[str, Histogram] = {}
        self._read_at: datetime | None = None
        house.bus.watch(self._heard)

    def requested(self, method: str, route: str, status: int, seconds: float | None) -> None:
        """Count one request; `seconds` is None for one that was held on purpose."""
        place = (method, route, status)
        count = self._routes.get(place)
        if count is None:
            count = self._routes[place] = self._requests.labels(method, route, str(status))
        count.inc()
        if seconds is not None:
            times = self._times.get(route)
            if times is None:
                times = self._times[route] = self._seconds.labels(route)
            times.observe(seconds)

    def _heard(self, workspace: str, signal: Signal, about: Escalation | None) -> None:
        if about is None or about.purpose is not Purpose.WORK:
            return
        if about.version == 1:
            self._opened.labels(about.ladder.id).inc()
        decision = about.decision
        if about.status is Status.DECIDED and decision is not None:
            took = (decision.at - about.opened_at).total_seconds()
            self._decision_seconds.labels(str(decision.kind)).observe(took)
            if decision.kind is DecisionKind.NOBODY_DECIDED:
                self._timeouts.labels(about.ladder.id).inc()

    async def page(self, waiting: int) -> bytes:
        """The figures as Prometheus reads them."""
        now = self._house.clock.now()
        self._streams.set(waiting)
        if self._read_at is None or abs(now - self._read_at) >= KEPT_FOR:
            self._read_at = now
            await self._read(now)
        return generate_latest(self.registry)

    async def _read(self, now: datetime) -> None:
        store = self._house.store
        self._late.set(_age(await store.overdue_since(now), now))
        self._outbox_lag.set(_age(await store.unsent_since(now), now))
        self._is_held.set(await self._house.holding.now() is not None)
        self._epoch.set(await store.epoch())
        beats = (await store.beats()).values()
        self._engines.set(sum(now - each <= SILENT_AFTER for each in beats))
        self._beat_age.set(_age(max(beats), now) if beats else -1)
        await self._read_channels()
        self._living.clear()
        counted, is_capped = 0, False
        for workspace in await store.workspaces():
            cursor = ""
            while counted < COUNTED_MAX:
                wanted = Filter(statuses=(Status.OPEN, Status.ACCEPTED))
                page = await store.find(workspace, wanted, cursor=cursor, limit=PAGE)
                for row in page.rows:
                    found = row.escalation
                    self._living.labels(found.ladder.id, str(found.status)).inc()
                counted += len(page.rows)
                cursor = page.cursor
                if not cursor:
                    break
            is_capped = is_capped or bool(cursor)
        self._capped.set(is_capped)

    async def _read_channels(self) -> None:
        self._receipts.clear()
        self._alarms.clear()
        for workspace in await self._house.store.workspaces():
            for each in await self._house.health.of(workspace):
                self._receipts.labels(each.name, "accepted").inc(each.accepted)
                self._receipts.labels(each.name, "delivered").inc(each.delivered)
                self._receipts.labels(each.name, "failed").inc(each.failed)
                self._alarms.labels(each.name).inc(bool(each.alarm))


def _age(since: datetime | None, now: datetime) -> float:
    return (now - since).total_seconds() if since else 0.0
