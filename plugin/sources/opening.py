"""Opening the source that the settings name, the deliveries that hint at its changes, and what is asked beside it."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from plugin.settings import Settings, SourceSettings, StateSettings
from plugin.sources import Deliveries, Registry, Rest, Source, TrafficMeter
from plugin.sources.file import FileSource
from plugin.sources.github import limiter
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.deliveries import GitHubDeliveries, Listens, Waits
from plugin.sources.github.owned import owned
from plugin.sources.github.pygithub import App, Token
from plugin.sources.github.reader import GitHubSource
from plugin.sources.github.rest import GitHubRest
from plugin.sources.prometheus import PrometheusMeter
from plugin.sources.registry import Registries

_FILE = "file:"


def open_source(settings: SourceSettings, now: Callable[[], datetime]) -> Source:
    """Open `github` or `file:PATH`. Nothing is read yet, so neither has to be there."""
    if settings.source.startswith(_FILE):
        return FileSource(Path(settings.source.removeprefix(_FILE)))
    return GitHubSource(_client(settings, now))


def open_registry(settings: StateSettings, source: Source) -> Registry:
    """Return what knows which images exist: the registries, or the organisation file if that is the source."""
    return source if isinstance(source, FileSource) else Registries(settings.registry_config)


def open_meter() -> TrafficMeter:
    """Return what knows which previews are used: the Prometheus that the catalog names, whatever the source is."""
    return PrometheusMeter()


def owned_repositories(settings: SourceSettings, owner: str, now: Callable[[], datetime]) -> list[str]:
    """Return the repositories of an organisation or a person that may get previews. Raises PluginError."""
    return owned(_client(settings, now), owner)


def open_rest(settings: SourceSettings, permission: str) -> Rest | None:
    """Return what may write with a permission of a GitHub App; None where pull requests come from a file."""
    if settings.source.startswith(_FILE):
        return None
    return GitHubRest(settings.github_url.rstrip("/"), _credentials(settings), permission)


def _client(settings: SourceSettings, now: Callable[[], datetime]) -> GitHubClient:
    return GitHubClient(settings.github_url, _credentials(settings), limiter.LimiterClock(now=now))


def _credentials(settings: SourceSettings) -> Token | App:
    if settings.github_token:
        return Token(settings.github_token.get_secret_value())
    assert settings.github_app_id and settings.github_app_private_key  # noqa: S101, PT018  the settings are checked
    return App(settings.github_app_id, settings.github_app_private_key.get_secret_value())


def open_deliveries(settings: Settings, waits: Waits, listens: Listens) -> Deliveries | None:
    """Return what reads the source's deliveries; None if no secret is set, so that the webhook is off.

    `waits` tells whether previews of a repository, by its name, wait for a check, by its name, or for any (`""`), and
    `listens` whether comments can be commands.
    """
    secrets = (settings.webhook_secret, settings.webhook_secret_previous)
    known = [secret.get_secret_value() for secret in secrets if secret]
    return GitHubDeliveries(known, waits, listens) if known else None
