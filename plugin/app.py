"""The composition root: the only place that knows which parts make the whole."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask

from plugin.answer import Answers
from plugin.logs import Logger, get_logger
from plugin.metrics import Metrics
from plugin.mirror.catalog import WatchedCatalog
from plugin.mirror.refresh import Mirror, RefreshReport
from plugin.settings import Settings, SourceSettings
from plugin.sources import Source
from plugin.sources.file import FileSource
from plugin.sources.github.client import App, GitHubClient, Token
from plugin.sources.github.reader import GitHubSource
from plugin.state.memory import MemoryStore
from plugin.web.access import register_access_log
from plugin.web.errors import register_errors
from plugin.web.getparams import getparams
from plugin.web.previews import previews
from plugin.web.probes import probes

Clock = Callable[[], datetime]


def clock() -> datetime:
    """Tell the time."""
    return datetime.now(UTC)


def make_source(settings: SourceSettings) -> Source:
    """Choose where pull requests come from."""
    if settings.source != "github":
        return FileSource(Path(settings.source.removeprefix("file:")))
    if settings.github_token:
        credentials: Token | App = Token(settings.github_token.get_secret_value())
    else:
        assert settings.github_app_id and settings.github_app_private_key  # noqa: S101, PT018  the settings are checked
        credentials = App(settings.github_app_id, settings.github_app_private_key.get_secret_value())
    return GitHubSource(GitHubClient(settings.github_url, credentials))


def make_mirror(settings: SourceSettings, observe: Callable[[RefreshReport], None], now: Clock = clock) -> Mirror:
    """Put together what keeps the snapshot fresh. Raises InvalidFile or OSError for the catalog."""
    return Mirror(make_source(settings), MemoryStore(), WatchedCatalog(settings.catalog), now, observe)


def make_app(settings: Settings, mirror: Mirror, metrics: Metrics, now: Clock = clock) -> Flask:
    """Put together the HTTP service."""
    app = Flask("plugin", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # OPTIONS would be a 200 without parameters
    app.url_map.merge_slashes = False  # would answer with a redirect, which Argo CD follows as a GET
    read_token = settings.read_token.get_secret_value() if settings.read_token else None
    answers = Answers(mirror)
    register_errors(app)
    register_access_log(app, metrics)
    app.register_blueprint(getparams(answers, settings.token.get_secret_value()))
    app.register_blueprint(previews(answers, read_token, now))
    app.register_blueprint(probes(mirror, metrics.registry))
    return app


def serve(settings: Settings, now: Clock = clock) -> Flask:
    """Make the app and keep its snapshot fresh in the background."""
    metrics = Metrics()
    mirror = make_mirror(settings, observer(metrics, get_logger()), now)
    threading.Thread(target=mirror.run, args=(settings.refresh, threading.Event()), name="refresh", daemon=True).start()
    return make_app(settings, mirror, metrics, now)


def observer(metrics: Metrics, log: Logger) -> Callable[[RefreshReport], None]:
    """Write each refresh to the log and the metrics."""

    def observe(report: RefreshReport) -> None:
        metrics.refresh_seconds.observe(report.duration.total_seconds())
        metrics.last_refresh.set_to_current_time()
        metrics.in_doubt.set(len(report.doubts))
        metrics.pull_requests.set(report.pull_requests)
        metrics.catalog_broken.set(bool(report.catalog_error))
        metrics.github_requests.inc(report.requests)
        metrics.github_points.inc(report.points)
        if report.points_left is not None:
            metrics.github_points_left.set(report.points_left)
        if report.catalog_error:
            log.error(
                "the catalog is broken; the version before stays in force",
                problems=report.catalog_error.splitlines(),
            )
        log.info(
            "refresh",
            milliseconds=round(report.duration.total_seconds() * 1000, 1),
            repositories=report.repositories,
            pull_requests=report.pull_requests,
            doubts=report.doubts,
            changed=report.changed,
            github_requests=report.requests,
            github_points=report.points,
            github_points_left=report.points_left,
        )

    return observe
