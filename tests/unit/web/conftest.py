from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from plugin.app import Plugin, make_app, make_plugin
from plugin.logs import get_logger
from plugin.metrics import Metrics
from plugin.report.log import log_refreshes
from plugin.report.measure import measure_refreshes
from plugin.settings import Settings, load_settings
from plugin.state.opening import open_state

TOKEN = "argocd-token"
READ_TOKEN = "read-token"
NOTIFICATIONS_TOKEN = "notifications-token"
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.fixture(name="settings")
def _settings() -> Settings:
    return load_settings(
        Settings,
        {
            "PREVIEW_CATALOG": "tests/acme/catalog.yaml",
            "PREVIEW_SOURCE": "file:examples/acme/organisation.yaml",
            "PREVIEW_TOKEN": TOKEN,
            "PREVIEW_READ_TOKEN": READ_TOKEN,
            "PREVIEW_NOTIFICATIONS_TOKEN": NOTIFICATIONS_TOKEN,
        },
    )


@pytest.fixture(name="metrics")
def _metrics() -> Metrics:
    return Metrics()


@pytest.fixture(name="plugin")
def _plugin(settings: Settings, metrics: Metrics) -> Plugin:
    observers = [measure_refreshes(metrics, "file", lambda: NOW), log_refreshes(get_logger())]
    return make_plugin(settings, open_state("memory"), observers, lambda: NOW)


@pytest.fixture(name="cold_client")
def _cold_client(settings: Settings, plugin: Plugin, metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A client of a server that has not read anything yet."""
    monkeypatch.setattr("plugin.mirror.answers.FIRST_ANSWER", 0.0)
    return make_app(settings, plugin, metrics, lambda: NOW).test_client()


@pytest.fixture(name="client")
def _client(cold_client: FlaskClient, plugin: Plugin) -> FlaskClient:
    plugin.refresher.refresh()
    return cold_client
