"""The composition root: the only module that knows all the parts."""

import atexit
import gc
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from flask import Flask

from plugin.core.config.catalog import Catalog
from plugin.core.config.threshold import Threshold
from plugin.logs import get_logger
from plugin.metrics import Metrics
from plugin.mirror.answers import Answers
from plugin.mirror.catalog import WatchedCatalog
from plugin.mirror.find import Outside
from plugin.mirror.newest import Newest
from plugin.mirror.refresh import Observer, Refresher
from plugin.mirror.reported import Reports
from plugin.mirror.traffic import TrafficWatch
from plugin.report.argocd import Nudger
from plugin.report.argocd_api import ArgoApi
from plugin.report.log import log_refreshes
from plugin.report.measure import measure_refreshes
from plugin.report.opening import open_reporter
from plugin.report.terminator import WORKERS, Terminator
from plugin.settings import Settings, StateSettings
from plugin.sources import Registry, Source, TrafficMeter
from plugin.sources.opening import open_deliveries, open_meter, open_registry, open_source
from plugin.state import OpenedState, Store, Unreachable
from plugin.state.opening import open_state
from plugin.web.access import register_access_log
from plugin.web.bodies import register_bodies
from plugin.web.errors import register_errors
from plugin.web.getparams import getparams
from plugin.web.notifications import notifications
from plugin.web.previews import previews
from plugin.web.probes import probes
from plugin.web.webhooks import webhooks

Now = Callable[[], datetime]


def clock() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


def watch_catalog(path: Path, store: Store) -> WatchedCatalog:
    """Read the catalog for the first time. Raises InvalidFile or OSError if it is broken and the state holds none."""

    def in_force() -> Catalog | None:
        with suppress(Unreachable):
            return store.load().catalog
        return None

    return WatchedCatalog(path, in_force)


@dataclass(frozen=True, slots=True)
class Plugin:
    """The parts that read, and the parts that answer."""

    source: Source
    refresher: Refresher
    answers: Answers
    newest: Newest
    store: Store

    def waits(self, repository: str, check: str) -> bool:
        """Tell whether previews of a repository wait for a check, or for any (`""`), by the catalog in force."""
        catalog = self.newest.known_here.known.catalog
        return catalog is not None and catalog.waits(repository, check)

    def listens(self) -> bool:
        """Tell whether comments can be commands, by the catalog in force."""
        catalog = self.newest.known_here.known.catalog
        return catalog is not None and catalog.commands is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that a plugin is built from."""

    source: Source
    registry: Registry
    meter: TrafficMeter
    catalog: WatchedCatalog
    state: OpenedState
    breaker: Threshold
    max_stale: timedelta
    clock: Now = clock
    observers: Sequence[Observer] = ()
    unreachable: Callable[[], None] = lambda: None  # called whenever the state cannot be read or written

    def together(self) -> Plugin:
        """Build the plugin."""
        newest = Newest(self.state.store, self.unreachable)
        outside = Outside(self.source, self.registry, TrafficWatch(self.meter).look)
        refresher = Refresher(outside, self.catalog, newest, self.state, self.breaker, self.clock, self.observers)
        once = refresher.refreshed_once
        answers = Answers(newest, self.state.board, lambda: self.catalog.newest, self.max_stale, self.clock, once)
        return Plugin(self.source, refresher, answers, newest, self.state.store)


def make_plugin(
    settings: StateSettings,
    state: OpenedState,
    observers: Sequence[Observer] = (),
    now: Now = clock,
    unreachable: Callable[[], None] = lambda: None,
) -> Plugin:
    """Build the plugin that the settings describe. Raises the same errors as `watch_catalog`."""
    source = open_source(settings, now)
    return Parts(
        source=source,
        registry=open_registry(settings, source),
        meter=open_meter(),
        catalog=watch_catalog(settings.catalog, state.store),
        state=state,
        breaker=settings.breaker,
        max_stale=settings.max_stale,
        clock=now,
        observers=observers,
        unreachable=unreachable,
    ).together()


def make_app(settings: Settings, plugin: Plugin, metrics: Metrics, now: Now = clock) -> Flask:
    """Build the HTTP service."""
    app = Flask("plugin", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # OPTIONS would be a 200 without parameters
    app.url_map.merge_slashes = False  # would answer with a redirect, which Argo CD follows as a GET
    deliveries = open_deliveries(settings, plugin.waits, plugin.listens)
    read_token = settings.read_token.get_secret_value() if settings.read_token else None
    register_errors(app)
    register_bodies(app)
    register_access_log(app, metrics)
    app.register_blueprint(getparams(plugin.answers, settings.token.get_secret_value()))
    app.register_blueprint(previews(plugin.answers, read_token, now))
    app.register_blueprint(probes(plugin.answers, metrics.registry))
    app.register_blueprint(webhooks(plugin.refresher.hint, deliveries, metrics))
    reports = Reports(plugin.answers, plugin.store, now, metrics.request_to_ready.observe)
    notifications_token = settings.notifications_token.get_secret_value() if settings.notifications_token else None
    app.register_blueprint(notifications(reports.tell, notifications_token, metrics, now))
    return app


def make_observers(
    settings: Settings, state: OpenedState, metrics: Metrics, stop: threading.Event, now: Now
) -> list[Observer]:
    """Return everything that reports a refresh. What only wakes its threads comes first."""
    observers: list[Observer] = []
    if settings.argocd_webhook:
        secret = settings.argocd_webhook_secret
        nudger = Nudger(
            settings.argocd_webhook, secret.get_secret_value() if secret else None, state.board.newest_asked, metrics
        )
        _start("nudge", nudger.run, stop)
        observers.append(nudger.observe)
    if settings.argocd_api and settings.argocd_token:
        terminator = Terminator(
            partial(ArgoApi, settings.argocd_api, settings.argocd_token.get_secret_value()), metrics
        )
        for number in range(WORKERS):
            _start(f"terminator-{number}", terminator.run, stop)
        observers.append(terminator.observe)
    return [*observers, measure_refreshes(metrics, settings.source.partition(":")[0], now), log_refreshes(get_logger())]


def _start(name: str, run: Callable[[threading.Event], None], stop: threading.Event) -> None:
    threading.Thread(target=run, args=(stop,), name=name, daemon=True).start()


def collect_garbage_rarely() -> None:
    """Make Python look for reference cycles less often: what is known is large, immutable and free of cycles."""
    gc.set_threshold(50_000, 20, 50)


def serve(settings: Settings, now: Now = clock) -> Flask:
    """Build the app, and refresh what it answers from in the background."""
    collect_garbage_rarely()
    metrics, stop = Metrics(), threading.Event()
    state = open_state(settings.state.get_secret_value())
    observers = make_observers(settings, state, metrics, stop, now)
    plugin = make_plugin(settings, state, observers, now, metrics.state_errors.inc)
    metrics.snapshot_age.set_function(lambda: plugin.answers.age().total_seconds())
    metrics.polls.set_function(lambda: state.lease.held)
    _start("reporter", open_reporter(settings, state, plugin.newest, metrics, now).run, stop)
    state.lease.compete()
    atexit.register(state.close)  # so that another replica need not wait for the lease to expire
    threading.Thread(target=plugin.refresher.run, args=(settings.refresh, stop), name="refresh", daemon=True).start()
    return make_app(settings, plugin, metrics, now)
