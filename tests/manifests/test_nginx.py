"""nginx itself, with the configuration that the frontend's pod gets."""

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from email.message import Message
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.manifests.conftest import Rendered
from tests.manifests.pods import pod
from tools.rendering import tool


@pytest.fixture(name="port", params=["js", "js mjs"])
def _port(previews: dict[str, Rendered], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[int]:
    """Return the file of media types: nginx's, which lacks .mjs, or one that has it."""
    preview = previews["preview-shop-31"]
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    (listens,) = pod(preview.one("Deployment", "app"))["containers"][0]["ports"]
    places = {
        "/etc/nginx/mime.types": f"{tmp_path}/mime.types",
        "/usr/share/nginx/html": f"{tmp_path}/html",
        "root /config": f"root {tmp_path}/config",
        "/tmp/": f"{tmp_path}/tmp/",
        f"listen {listens['containerPort']}": f"listen 127.0.0.1:{port}",
        f"listen [::]:{listens['containerPort']}": f"listen [::1]:{port}",
    }
    configuration = preview.one("ConfigMap", "nginx")["data"]["nginx.conf"]
    assert [place for place in places if place not in configuration] == []
    configuration = re.sub("|".join(map(re.escape, places)), lambda found: places[found[0]], configuration)
    for folder in ("html/assets", "config", "tmp"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "mime.types").write_text(f"types {{ text/html html; text/javascript {request.param}; }}\n", "utf-8")
    (tmp_path / "html/index.html").write_text("the app", "utf-8")
    (tmp_path / "html/assets/app-1a2b.js").write_text("code", "utf-8")
    (tmp_path / "html/assets/pdf-1a2b.mjs").write_text("module", "utf-8")
    (tmp_path / "config/config.js").write_text("window.config = {};", "utf-8")
    (tmp_path / "nginx.conf").write_text(configuration, "utf-8")
    # Root starts workers as nobody; in the pod everything runs as one unprivileged user.
    command: list[str | Path] = [
        tool("get-nginx"),
        "-c",
        tmp_path / "nginx.conf",
        "-p",
        tmp_path,
        "-g",
        "daemon off; user root;",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            _wait(port)
            yield port
        finally:
            server.terminate()


def test_the_configuration_of_a_preview_is_never_cached(port: int) -> None:
    status, body, headers = _get(port, "/config.js")

    assert (status, body) == (200, b"window.config = {};")
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Type"] == "text/javascript"


@pytest.mark.parametrize("path", ["/", "/orders/15", "/deep/er?tab=1"])
def test_every_path_serves_the_single_page_app(port: int, path: str) -> None:
    status, body, headers = _get(port, path)

    assert (status, body) == (200, b"the app")
    assert headers["Cache-Control"] == "no-cache"


def test_built_files_are_cached_and_missing_ones_are_404(port: int) -> None:
    _, _, headers = _get(port, "/assets/app-1a2b.js")
    assert headers["Cache-Control"] == "max-age=31536000"
    missing, _, _ = _get(port, "/assets/app-0000.js")
    assert missing == 404


def test_a_module_has_a_type_that_browsers_run(port: int) -> None:
    status, body, headers = _get(port, "/assets/pdf-1a2b.mjs")

    assert (status, body) == (200, b"module")
    assert headers["Content-Type"] == "text/javascript"
    assert headers["Cache-Control"] == "max-age=31536000"


def test_pods_with_ipv6_only_are_served(port: int) -> None:
    status, body, _ = _get(port, "/", "::1")

    assert (status, body) == (200, b"the app")


def _get(port: int, path: str, address: str = "127.0.0.1") -> tuple[int, bytes, Message]:
    with closing(HTTPConnection(address, port, timeout=5)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read(), response.headers


def _wait(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("nginx did not start")
