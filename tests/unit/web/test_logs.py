import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from plugin.mirror.refresh import Mirror
from tests.unit.web.conftest import TOKEN


def test_there_is_one_line_per_request_and_no_token_in_it(client: FlaskClient) -> None:
    with capture_logs() as lines:
        client.post(
            "/api/v1/getparams.execute",
            json={"applicationSetName": "previews", "input": {}},
            headers={"Authorization": f"Bearer {TOKEN}"},
        )

    (line,) = lines
    assert (line["event"], line["status"], line["application_set"]) == ("request", 200, "previews")
    assert TOKEN not in str(line)


def test_there_is_one_line_per_refresh_and_no_file_content_in_it(mirror: Mirror) -> None:
    with capture_logs() as lines:
        mirror.refresh()

    (line,) = lines
    assert (line["event"], line["repositories"], line["pull_requests"], line["doubts"]) == ("refresh", 5, 14, {})
    assert "paymints" not in str(line)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_do_not_fill_the_log(client: FlaskClient, path: str) -> None:
    with capture_logs() as lines:
        client.get(path)

    assert lines == []
