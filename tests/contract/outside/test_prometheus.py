"""Which previews are used, as a real Prometheus says it that scrapes an ingress controller."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from plugin.core.config.lifecycle import Traffic
from plugin.sources import Doubt, prometheus
from plugin.sources.prometheus import PrometheusMeter
from tests.contract.outside.prometheus_server import (
    METRIC,
    PrometheusServer,
    serve_exporter,
    serve_prometheus,
)
from tests.server import wait_for

LABEL = "exported_namespace"
QUERY = f"sum by ({LABEL}) (increase({METRIC}[15m]))"
USED, UNUSED = "preview-orders-12", "preview-users-3"


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    with (
        serve_exporter({USED: 5, UNUSED: 0}) as exporter,
        serve_prometheus(tmp_path_factory.mktemp("prometheus"), exporter.port) as server,
    ):
        wait_for(lambda: exporter.scrapes > 3)  # so that three of them are stored
        yield server


def used(server: PrometheusServer, query: str = QUERY, label: str = LABEL) -> frozenset[str] | Doubt:
    return PrometheusMeter().used(Traffic(server.url, query, label))


def why(server: PrometheusServer, query: str, label: str = LABEL) -> str:
    result = used(server, query, label)
    assert isinstance(result, Doubt)
    return result.reason.partition("are used: ")[2]


def test_one_query_names_the_namespaces_that_had_requests(server: PrometheusServer) -> None:
    assert used(server) == frozenset({USED})


def test_that_nobody_made_a_request_is_an_answer(server: PrometheusServer) -> None:
    assert used(server, f'sum by ({LABEL}) (increase({METRIC}{{{LABEL}="{UNUSED}"}}[15m]))') == frozenset()


def test_a_division_by_zero_is_no_traffic(server: PrometheusServer) -> None:
    both = f"sum by ({LABEL}) (increase({METRIC}[15m]))"

    assert used(server, f"{both} / {both}") == frozenset({USED})


def test_an_empty_vector_is_a_doubt(server: PrometheusServer) -> None:
    assert why(server, "misspelt_ingress_requests") == "the query in the catalog gives no sample"


@pytest.mark.parametrize(("query", "kind"), [("1", "scalar"), ('"a"', "string"), (f"{METRIC}[1m]", "matrix")])
def test_what_is_no_vector_is_a_doubt(server: PrometheusServer, query: str, kind: str) -> None:
    assert why(server, query) == f"the query in the catalog gives a {kind} instead of a vector"


def test_a_query_that_cannot_be_read_is_a_doubt_with_its_mistake(server: PrometheusServer) -> None:
    assert why(server, "sum by (").startswith('it answered 400: invalid parameter "query": 1:9: parse error:')


def test_a_query_that_fails_is_a_doubt_with_its_mistake(server: PrometheusServer) -> None:
    many_to_many = f"{METRIC} * on () {METRIC}"

    assert why(server, many_to_many).startswith("it answered 422: found duplicate series")


def test_a_label_that_no_sample_has_is_a_doubt(server: PrometheusServer) -> None:
    reason = 'no sample of the query in the catalog has the label "namespace"'

    assert why(server, QUERY, "namespace") == reason


def test_a_prometheus_that_hangs_or_is_gone_is_a_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "BOUNDS", replace(prometheus.BOUNDS, timeout=0.2))
    with serve_prometheus(tmp_path, exporter=9) as server:
        os.kill(server.process.pid, signal.SIGSTOP)
        os.waitpid(server.process.pid, os.WUNTRACED)  # until all of its threads have stopped
        assert why(server, QUERY) == "ReadTimeout"

    assert why(server, QUERY) == "ConnectionError"
