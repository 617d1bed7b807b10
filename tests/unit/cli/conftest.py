from pathlib import Path

import pytest

from tests.stage import Stage


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[3])
    for name in ("GITHUB_REPOSITORY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(name="stored")
def _stored(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage whose state the commands find, with its catalog and source."""
    for module in ("acknowledge", "acting"):
        monkeypatch.setattr(f"plugin.cli.{module}.open_state", lambda _: stage.state)
    for module in ("reading", "acting"):
        monkeypatch.setattr(f"plugin.cli.{module}.stored", lambda _: stage.state.store.load())
    monkeypatch.setattr("plugin.app.open_source", lambda *_: stage.source)
    monkeypatch.setenv("PREVIEW_CATALOG", str(stage.path))
    monkeypatch.setenv("PREVIEW_SOURCE", "file:scripted")
    return stage
