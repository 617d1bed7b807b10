from datetime import UTC, datetime

from plugin.settings import Settings, SourceSettings, StateSettings, load_settings
from plugin.sources.file import FileSource
from plugin.sources.github.deliveries import signature
from plugin.sources.github.reader import GitHubSource
from plugin.sources.opening import open_deliveries, open_meter, open_registry, open_source
from plugin.sources.prometheus import PrometheusMeter
from plugin.sources.registry import Registries
from tests.keys import PRIVATE_KEY

CATALOG = {"PREVIEW_CATALOG": "catalog.yaml"}
GITHUB = {**CATALOG, "PREVIEW_GITHUB_TOKEN": "token-for-github"}
SERVER = {**GITHUB, "PREVIEW_TOKEN": "token-for-argo-cd"}
APP = {**CATALOG, "PREVIEW_GITHUB_APP_ID": "42", "PREVIEW_GITHUB_APP_PRIVATE_KEY": PRIVATE_KEY}
OLD, NEW = "old-webhook-secret", "new-webhook-secret"


def now() -> datetime:
    return datetime(2026, 11, 21, tzinfo=UTC)


def waits(repository: str, check: str) -> bool:
    return (repository, check) == ("acme/orders", "image")


def test_a_file_is_a_source() -> None:
    settings = load_settings(SourceSettings, {**CATALOG, "PREVIEW_SOURCE": "file:organisation.yaml"})

    assert isinstance(open_source(settings, now), FileSource)


def test_github_is_a_source_by_token_or_app() -> None:
    for environment in (GITHUB, APP):
        assert isinstance(open_source(load_settings(SourceSettings, environment), now), GitHubSource)


def test_the_organisation_file_is_its_own_registry_and_registries_are_asked_for_github() -> None:
    by_file = load_settings(StateSettings, {**CATALOG, "PREVIEW_SOURCE": "file:organisation.yaml"})
    by_github = load_settings(StateSettings, GITHUB)
    file = open_source(by_file, now)
    registry: object = open_registry(by_file, file)

    assert registry is file, "with what it has read"
    assert isinstance(open_registry(by_github, open_source(by_github, now)), Registries)


def test_prometheus_is_asked_about_traffic() -> None:
    assert isinstance(open_meter(), PrometheusMeter)


def test_without_a_secret_there_are_no_deliveries() -> None:
    assert open_deliveries(load_settings(Settings, SERVER), waits, bool) is None


def test_deliveries_are_signed_with_the_new_or_previous_secret() -> None:
    secrets = {"PREVIEW_WEBHOOK_SECRET": NEW, "PREVIEW_WEBHOOK_SECRET_PREVIOUS": OLD}
    deliveries = open_deliveries(load_settings(Settings, {**SERVER, **secrets}), waits, bool)
    assert deliveries

    for secret, signed in ((OLD, True), (NEW, True), ("another-secret", False)):
        headers = {"X-Hub-Signature-256": signature(secret, b"{}")}
        assert deliveries.is_signed(headers, b"{}") is signed
        assert not deliveries.is_signed(headers, b"{ }")
    assert not deliveries.is_signed({}, b"{}")
    assert not deliveries.is_signed({"X-Hub-Signature-256": "\N{SNOWMAN}"}, b"{}")


def test_a_delivery_hints_at_its_repository() -> None:
    deliveries = open_deliveries(
        load_settings(Settings, {**SERVER, "PREVIEW_WEBHOOK_SECRET": NEW}), waits, lambda: True
    )
    assert deliveries
    payload = {"action": "synchronize", "repository": {"full_name": "acme/orders"}}

    assert deliveries.hinted({"X-GitHub-Event": "pull_request"}, payload) == {"acme/orders"}
    assert deliveries.hinted({}, payload) == frozenset()


def test_a_delivery_about_a_check_hints_only_if_somebody_waits_for_it() -> None:
    deliveries = open_deliveries(
        load_settings(Settings, {**SERVER, "PREVIEW_WEBHOOK_SECRET": NEW}), waits, lambda: True
    )
    assert deliveries

    def hinted(check: str) -> frozenset[str]:
        payload = {"state": "success", "context": check, "repository": {"full_name": "acme/orders"}}
        return deliveries.hinted({"X-GitHub-Event": "status"}, payload)

    assert hinted("image") == {"acme/orders"}
    assert hinted("tests") == frozenset()
