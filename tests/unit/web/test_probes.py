from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from plugin.app import Plugin


def test_the_process_is_alive_before_it_is_ready(cold_client: FlaskClient, plugin: Plugin) -> None:
    assert cold_client.get("/healthz").status_code == 200
    assert cold_client.get("/readyz").status_code == 503

    plugin.refresher.refresh()

    assert cold_client.get("/readyz").status_code == 200


def test_metrics_are_in_prometheus_format(client: FlaskClient) -> None:
    client.get("/nowhere")
    text = client.get("/metrics").text
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }

    assert samples["preview_pull_requests",] == 14
    assert samples["preview_repositories_in_doubt",] == 0
    assert samples["preview_refresh_seconds_count",] == 1
    assert samples["preview_http_requests_total", "none", "404"] == 1
