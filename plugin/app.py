"""The composition root: the only place that knows which parts make the whole."""

import atexit
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask

from plugin.core.config.catalog import Catalog
from plugin.logs import get_logger
from plugin.metrics import Metrics
from plugin.mirror.answers import Answers
from plugin.mirror.catalog import WatchedCatalog
from plugin.mirror.published import Published
from plugin.mirror.refresh import Mirror, RefreshReport
from plugin.report.argocd import Nudger
from plugin.report.log import observer
from plugin.settings import Settings, SourceSettings, StateSettings
from plugin.sources import Source
from plugin.sources.file import FileSource
from plugin.sources.github import limiter
from plugin.sources.github.client import App, GitHubClient, Token
from plugin.sources.github.reader import GitHubSource
from plugin.state import State, Store, Unreachable
from plugin.state.opening import open_state
from plugin.web.access import register_access_log
from plugin.web.bodies import register_bodies
from plugin.web.errors import register_errors
from plugin.web.getparams import getparams
from plugin.web.previews import previews
from plugin.web.probes import probes
from plugin.web.webhooks import webhooks

Clock = Callable[[], datetime]


def clock() -> datetime:
    """Tell the time."""
    return datetime.now(UTC)


def make_source(settings: SourceSettings, now: Clock = clock) -> Source:
    """Choose where pull requests come from."""
    if settings.source != "github":
        return FileSource(Path(settings.source.removeprefix("file:")))
    if settings.github_token:
        credentials: Token | App = Token(settings.github_token.get_secret_value())
    else:
        assert settings.github_app_id and settings.github_app_private_key  # noqa: S101, PT018  the settings are checked
        credentials = App(settings.github_app_id, settings.github_app_private_key.get_secret_value())
    return GitHubSource(GitHubClient(settings.github_url, credentials, limiter.Clock(now=now)))


def watch_catalog(path: Path, store: Store) -> WatchedCatalog:
    """Read the catalog for the first time. Raises InvalidFile or OSError if it is broken and the state holds none."""

    def in_force() -> Catalog | None:
        with suppress(Unreachable):
            return store.load().catalog
        return None

    return WatchedCatalog(path, in_force)


def make_mirror(
    settings: StateSettings,
    state: State,
    observe: Callable[[RefreshReport], None],
    now: Clock = clock,
    unreachable: Callable[[], None] = lambda: None,
) -> Mirror:
    """Put together what keeps the snapshot fresh. Raises as `watch_catalog`.

    `unreachable` is called whenever the state cannot be read or written.
    """
    published = Published(state.store, settings.breaker, settings.max_stale, now, unreachable)
    catalog = watch_catalog(settings.catalog, state.store)
    return Mirror(make_source(settings, now), catalog, published, state, observe)


def make_app(settings: Settings, mirror: Mirror, metrics: Metrics, now: Clock = clock) -> Flask:
    """Put together the HTTP service."""
    app = Flask("plugin", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # OPTIONS would be a 200 without parameters
    app.url_map.merge_slashes = False  # would answer with a redirect, which Argo CD follows as a GET
    read_token = settings.read_token.get_secret_value() if settings.read_token else None
    answers = Answers(mirror)
    register_errors(app)
    register_bodies(app)
    register_access_log(app, metrics)
    app.register_blueprint(getparams(answers, settings.token.get_secret_value()))
    app.register_blueprint(previews(answers, read_token, now))
    app.register_blueprint(probes(mirror, metrics.registry))
    app.register_blueprint(webhooks(mirror.hint, webhook_secrets(settings), metrics))
    return app


def webhook_secrets(settings: Settings) -> list[str]:
    """Return what GitHub's deliveries may be signed with; nothing where there is no webhook."""
    secrets = (settings.webhook_secret, settings.webhook_secret_previous)
    return [secret.get_secret_value() for secret in secrets if secret]


def nudging(
    settings: Settings, newest_asked: Callable[[], int], metrics: Metrics, stop: threading.Event
) -> Callable[[int], None]:
    """Return what to call with each version in which an answer changed: Argo CD is told, if it has a webhook."""
    if settings.argocd_webhook is None:
        return lambda _: None
    secret = settings.argocd_webhook_secret
    nudger = Nudger(settings.argocd_webhook, secret.get_secret_value() if secret else None, newest_asked, metrics)
    threading.Thread(target=nudger.run, args=(stop,), name="nudge", daemon=True).start()
    return nudger.changed


def serve(settings: Settings, now: Clock = clock) -> Flask:
    """Make the app and keep its snapshot fresh in the background."""
    metrics, stop = Metrics(), threading.Event()
    state = open_state(settings.state.get_secret_value())
    write, nudge = observer(metrics, get_logger()), nudging(settings, state.board.newest_asked, metrics, stop)

    def observe(report: RefreshReport) -> None:
        if report.changed:  # first, because it only wakes the nudge's thread
            nudge(report.current.known.head.version)
        write(report)

    mirror = make_mirror(settings, state, observe, now, metrics.state_errors.inc)
    metrics.snapshot_age.set_function(lambda: mirror.age().total_seconds())
    metrics.polls.set_function(lambda: state.lease.held)
    state.lease.compete()
    atexit.register(state.close)  # another replica need not wait until the lease expires
    threading.Thread(target=mirror.run, args=(settings.refresh, stop), name="refresh", daemon=True).start()
    return make_app(settings, mirror, metrics, now)
