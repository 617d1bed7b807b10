import sys

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from plugin.app import Plugin
from plugin.errors import NotReady
from plugin.metrics import Metrics
from plugin.web.getparams import Logged
from tests.unit.web.conftest import TOKEN


def ask(client: FlaskClient, application_set: str = "previews", **parameters: object) -> None:
    client.post(
        "/api/v1/getparams.execute",
        json={"applicationSetName": application_set, "input": {"parameters": parameters}},
        headers={"Authorization": f"Bearer {TOKEN}"},
    )


def test_an_answer_has_a_line_with_its_size_and_without_the_token(client: FlaskClient) -> None:
    with capture_logs() as lines:
        ask(client)

    (line,) = lines
    assert (line["event"], line["status"], line["application_set"]) == ("request", 200, "previews")
    assert line["bytes"] > 1000
    assert TOKEN not in str(line)


def test_a_repeated_answer_is_logged_once(client: FlaskClient, metrics: Metrics) -> None:
    with capture_logs() as lines:
        for application_set in ("previews", "previews", "others", "previews"):
            ask(client, application_set)
        ask(client, profile="frontend")
        ask(client, profile="nothing-like-this")
        ask(client, profile="nothing-like-this")

    assert [line["application_set"] for line in lines] == ["previews", "others", "previews", "previews", "previews"]
    assert [line["status"] for line in lines] == [200, 200, 200, 400, 400]
    labels = {"route": "/api/v1/getparams.execute", "status": "200"}
    assert metrics.registry.get_sample_value("preview_http_requests_total", labels) == 5


@pytest.mark.parametrize(("error", "status"), [(NotReady("not now"), 503), (RuntimeError("a mistake of ours"), 500)])
def test_an_answer_after_an_error_has_a_line(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def refuse(*_: object) -> None:
        raise error

    with capture_logs() as lines:
        ask(client)
        with monkeypatch.context() as failing:
            failing.setattr("plugin.mirror.answers.parse_filters", refuse)
            ask(client)
        ask(client)

    assert [line["status"] for line in lines if line["event"] == "request"] == [200, status, 200]


def test_an_unchanged_answer_has_a_line_every_ten_minutes() -> None:
    now = [0.0]
    logged = Logged(lambda: now[0])
    assert not logged.already(b"?", b"one")
    assert logged.already(b"?", b"one")
    assert not logged.already(b"?", b"two")
    now[0] = 599.0
    assert logged.already(b"?", b"two")
    now[0] = 601.0
    assert not logged.already(b"?", b"two")


def test_a_refresh_is_a_line_without_any_file_content(plugin: Plugin) -> None:
    with capture_logs() as lines:
        plugin.refresher.refresh()

    (line,) = lines
    assert (line["event"], line["repositories"], line["pull_requests"], line["doubts"]) == ("refresh", 5, 14, {})
    assert "paymints" not in str(lines)


def test_no_answer_is_kept_only_to_know_whether_it_changed() -> None:
    answer, logged = b"x" * 1000, Logged()
    before = sys.getrefcount(answer)
    for asked in range(100):
        assert not logged.already(str(asked).encode(), answer)
        assert logged.already(str(asked).encode(), answer)

    assert sys.getrefcount(answer) == before


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_do_not_fill_the_log(client: FlaskClient, path: str) -> None:
    with capture_logs() as lines:
        client.get(path)

    assert lines == []
