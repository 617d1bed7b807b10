"""Which namespaces an answer of Prometheus names, and which answers must not be used."""

import json
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
from requests_mock import Mocker

from plugin.core.config.lifecycle import Traffic
from plugin.sources import Doubt, prometheus
from plugin.sources.prometheus import PrometheusMeter

URL = "http://prometheus.monitoring:9090"
QUERY = "sum by (exported_namespace) (increase(nginx_ingress_controller_requests[15m]))"
TRAFFIC = Traffic(URL, QUERY, "exported_namespace")


def sample(namespace: str | None, value: str, label: str = "exported_namespace") -> dict[str, Any]:
    return {"metric": {} if namespace is None else {label: namespace}, "value": [1795424400.123, value]}


def answer(*samples: dict[str, Any], kind: str = "vector", **content: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": list(samples)}} | content


def used(mock: Mocker, given: Any, status: int = 200) -> frozenset[str] | Doubt:
    content = given if isinstance(given, bytes) else json.dumps(given).encode()
    mock.post(f"{URL}/api/v1/query", content=content, status_code=status)
    return PrometheusMeter().used(TRAFFIC)


def why(mock: Mocker, given: Any, status: int = 200) -> str:
    result = used(mock, given, status)
    assert isinstance(result, Doubt)
    begin = f"Prometheus at {URL} does not say which previews are used: "
    assert result.reason.startswith(begin)
    return result.reason.removeprefix(begin)


def test_the_query_is_asked_once_as_the_catalog_has_it(requests_mock: Mocker) -> None:
    used(requests_mock, answer(sample("preview-orders-12", "1")))

    (request,) = requests_mock.request_history
    assert request.method == "POST"
    assert parse_qs(request.text) == {"query": [QUERY], "timeout": ["8s"]}
    assert "Authorization" not in request.headers


def test_a_path_before_the_api_and_a_slash_at_the_end_are_kept_and_dropped(requests_mock: Mocker) -> None:
    requests_mock.post("https://mimir.example.com/prometheus/api/v1/query", json=answer(sample("a", "1")))
    traffic = Traffic("https://mimir.example.com/prometheus/", QUERY, "exported_namespace")

    assert PrometheusMeter().used(traffic) == frozenset({"a"})


def test_namespaces_with_a_sample_above_zero_are_used(requests_mock: Mocker) -> None:
    samples = [
        *(sample("used", "0.0001"), sample("often", "+Inf"), sample("unused", "0"), sample("negative", "-1")),
        *(sample("lost", "NaN"), sample("never", "-Inf"), sample("", "5"), sample(None, "5")),
        *(sample("elsewhere", "5", "namespace"), sample("twice", "0"), sample("twice", "1e3")),
    ]

    assert used(requests_mock, answer(*samples)) == frozenset({"used", "often", "twice"})


def test_that_nobody_uses_any_is_known_from_samples_of_zero(requests_mock: Mocker) -> None:
    assert used(requests_mock, answer(sample("preview-orders-12", "0"))) == frozenset()


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        ([], "the query in the catalog gives no sample"),
        ([sample("a", "NaN")], "no sample of the query in the catalog is a number"),
        ([sample("a", "1", "namespace")], 'no sample of the query in the catalog has the label "exported_namespace"'),
        ([sample("", "1")], 'no sample of the query in the catalog has the label "exported_namespace"'),
        (
            [{"metric": {"exported_namespace": "a"}, "histogram": [1795424400, {"count": "5", "sum": "1"}]}],
            "no sample of the query in the catalog is a number",
        ),
    ],
)
def test_an_answer_about_nothing_is_a_doubt(requests_mock: Mocker, samples: list[Any], reason: str) -> None:
    assert why(requests_mock, answer(*samples)) == reason


def test_an_incomplete_answer_is_a_doubt_and_an_info_is_not(requests_mock: Mocker) -> None:
    warning = "remote_read: remote server http://far:9090/api/v1/read returned HTTP status 502 Bad Gateway"
    info = "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket"

    assert why(requests_mock, answer(sample("a", "1"), warnings=[warning])) == (
        f"the result may be incomplete, because Prometheus warns: {warning}"
    )
    assert used(requests_mock, answer(sample("a", "1"), warnings=[], infos=[info])) == frozenset({"a"})


@pytest.mark.parametrize(
    ("kind", "result"),
    [("scalar", [1795424400, "1"]), ("string", [1795424400, "a"]), ("matrix", [{"metric": {}, "values": [[1, "1"]]}])],
)
def test_another_type_is_a_doubt(requests_mock: Mocker, kind: str, result: Any) -> None:
    given = {"status": "success", "data": {"resultType": kind, "result": result}}

    assert why(requests_mock, given) == f"the query in the catalog gives a {kind} instead of a vector"


@pytest.mark.parametrize(
    ("status", "given", "reason"),
    [
        (400, {"status": "error", "errorType": "bad_data", "error": "parse error"}, "it answered 400: parse error"),
        (422, {"status": "error", "errorType": "execution", "error": "too many"}, "it answered 422: too many"),
        (503, {"status": "error", "errorType": "timeout", "error": "timed out"}, "it answered 503: timed out"),
        (200, {"status": "error", "errorType": "internal", "error": "oops"}, "it answered 200: oops"),
        (200, answer(sample("a", "1"), status="error", error="oops"), "it answered 200: oops"),
        (200, {"status": "success"}, "it answered 200: no result"),
        (503, answer(sample("a", "1")), "it answered 503: no result"),
        (502, b"<html>Bad Gateway</html>", "it answered 502, and not as Prometheus does"),
        (302, b"", "it answered 302, and not as Prometheus does"),
        (200, b"", "it answered 200, and not as Prometheus does"),
        (200, b"[]", "it answered 200, and not as Prometheus does"),
        (200, b"[" * 100_000, "it answered 200, and not as Prometheus does"),
        (200, answer({"metric": {"exported_namespace": "a"}, "value": [1, "many"]}), "it answered 200, and not as"),
        (200, answer({"metric": {"exported_namespace": 5}, "value": [1, "1"]}), "it answered 200, and not as"),
        (200, answer({"value": [1, "1"]}), "it answered 200, and not as Prometheus does"),
    ],
)
def test_an_error_is_a_doubt(requests_mock: Mocker, status: int, given: Any, reason: str) -> None:
    assert why(requests_mock, given, status).startswith(reason)


@pytest.mark.parametrize("error", ["ConnectTimeout", "ReadTimeout", "ConnectionError", "SSLError"])
def test_a_prometheus_that_cannot_be_reached_is_a_doubt(requests_mock: Mocker, error: str) -> None:
    requests_mock.post(f"{URL}/api/v1/query", exc=getattr(requests.exceptions, error))

    assert PrometheusMeter().used(TRAFFIC) == Doubt(
        f"Prometheus at {URL} does not say which previews are used: {error}"
    )


def test_a_redirect_is_not_followed(requests_mock: Mocker) -> None:
    requests_mock.post(f"{URL}/api/v1/query", status_code=307, headers={"Location": "http://elsewhere/api/v1/query"})

    assert isinstance(PrometheusMeter().used(TRAFFIC), Doubt)
    assert len(requests_mock.request_history) == 1


def test_an_answer_that_is_too_large_is_a_doubt(requests_mock: Mocker) -> None:
    many = answer(*(sample(f"namespace-{number}", "1") for number in range(60_000)))
    assert len(json.dumps(many)) > prometheus.BOUNDS.largest

    assert why(requests_mock, many) == "its answer is too large"
