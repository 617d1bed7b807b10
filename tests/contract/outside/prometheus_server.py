"""What an ingress controller tells Prometheus, and a real Prometheus that scrapes it."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from tests.server import free_port, in_background, wait_for
from tools.rendering import tool

METRIC = "nginx_ingress_controller_requests"
SCRAPES = "200ms"


@dataclass
class Exporter:
    """Counts requests for each namespace: at each scrape as many more as `traffic` says."""

    traffic: Mapping[str, int]
    scrapes: int = 0
    port: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def text(self) -> str:
        self.scrapes += 1
        for namespace, more in self.traffic.items():
            self.counts[namespace] = self.counts.get(namespace, 0) + more
        lines = [f'{METRIC}{{namespace="{name}"}} {count}\n' for name, count in self.counts.items()]
        return f"# TYPE {METRIC} counter\n{''.join(lines)}"


@contextmanager
def serve_exporter(traffic: Mapping[str, int]) -> Iterator[Exporter]:
    exporter = Exporter(traffic)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = exporter.text().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with in_background(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        exporter.port = server.server_address[1]
        yield exporter


@dataclass(frozen=True)
class PrometheusServer:
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text("utf-8")
        try:
            return requests.get(f"{self.url}/-/ready", timeout=5).ok
        except requests.ConnectionError:
            return False


@contextmanager
def serve_prometheus(folder: Path, exporter: int) -> Iterator[PrometheusServer]:
    """Start a Prometheus that scrapes an ingress controller's port, from some five seconds later on.

    The controller runs in a namespace of its own, so the label of what it measures becomes `exported_namespace`.
    """
    port, config, log = free_port(), folder / "prometheus.json", folder / "prometheus.log"
    targets = [{"targets": [f"127.0.0.1:{exporter}"], "labels": {"namespace": "ingress-nginx"}}]
    content = {
        "global": {"scrape_interval": SCRAPES, "scrape_timeout": SCRAPES},
        "scrape_configs": [{"job_name": "ingress-controller", "static_configs": targets}],
    }
    config.write_text(json.dumps(content))  # which is YAML too
    options: list[str | Path] = ["--config.file", config, "--storage.tsdb.path", folder / "data"]
    options += ["--web.listen-address", f"127.0.0.1:{port}"]
    with (
        log.open("wb") as output,
        subprocess.Popen([tool("get-prometheus"), *options], stdout=output, stderr=output) as process,
    ):
        server = PrometheusServer(port, process, log)
        try:
            wait_for(server.answers)
            yield server
        finally:
            process.kill()
