from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from plugin.app import make_app, make_mirror
from plugin.logs import get_logger
from plugin.metrics import Metrics
from plugin.mirror.refresh import Mirror
from plugin.report.log import observer
from plugin.settings import Settings, load_settings
from plugin.state.opening import open_state

TOKEN = "argocd-token"
READ_TOKEN = "read-token"
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.fixture(name="settings")
def _settings() -> Settings:
    return load_settings(
        Settings,
        {
            "PREVIEW_CATALOG": "examples/acme/catalog.yaml",
            "PREVIEW_SOURCE": "file:examples/acme/organisation.yaml",
            "PREVIEW_TOKEN": TOKEN,
            "PREVIEW_READ_TOKEN": READ_TOKEN,
        },
    )


@pytest.fixture(name="metrics")
def _metrics() -> Metrics:
    return Metrics()


@pytest.fixture(name="mirror")
def _mirror(settings: Settings, metrics: Metrics) -> Mirror:
    state = open_state("memory")
    return make_mirror(settings, state, observer(metrics, get_logger()), lambda: NOW)


@pytest.fixture(name="cold_client")
def _cold_client(settings: Settings, mirror: Mirror, metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A client of a server that has not read anything yet."""
    monkeypatch.setattr("plugin.mirror.refresh.FIRST_ANSWER", 0.0)
    return make_app(settings, mirror, metrics, lambda: NOW).test_client()


@pytest.fixture(name="client")
def _client(cold_client: FlaskClient, mirror: Mirror) -> FlaskClient:
    mirror.refresh()
    return cold_client
