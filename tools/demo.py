"""The demo: play a day, start the real server in its evening, ask as Argo CD does, and print who calls whom.

Then tell it, as Argo CD does, that everything is deployed, and print what developers are told of two pull requests.
"""

import argparse
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from plugin.sources.file import Organisation, load_organisation
from tools.demo_comments import SHOWN, comments
from tools.demo_day import BEGINS, MOMENT, Show, play

ROOT = Path(__file__).parent.parent
ACME = ROOT / "examples" / "acme"
FOLDER = ROOT / ".cache" / "demo"
PARAMETERS = FOLDER / "parameters.json"
COMMENTS = FOLDER / "comments.md"
START_TIMEOUT = 30.0  # seconds
COMMAND = [sys.executable, "-m", "tools.demo_command"]  # preview-plugin, at the moment of the demo


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--source", choices=["file", "github"], default="file")
    options.add_argument("--keep", action="store_true", help="keep the server running until Ctrl-C")
    arguments = options.parse_args()
    token, read_token, notifications_token = secrets.token_hex(), secrets.token_hex(), secrets.token_hex()
    tokens = {
        "PREVIEW_TOKEN": token,
        "PREVIEW_READ_TOKEN": read_token,
        "PREVIEW_NOTIFICATIONS_TOKEN": notifications_token,
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    with _source(arguments.source) as source, _server(source | tokens) as port:
        parameters = _ask_as_argocd(port, token)
        PARAMETERS.write_text(json.dumps(parameters, indent=2) + "\n", "utf-8")
        print("$ preview-plugin list", flush=True)
        subprocess.run([*COMMAND, "list"], env=_environment(source), cwd=ROOT, check=True)
        print(f"\nThe full parameters are in {PARAMETERS.relative_to(ROOT)}")
        _deploy_as_argocd(port, notifications_token, parameters)
        _print_comments(source)
        if arguments.keep:
            _print_curl(port, token, read_token)
            _wait_for_interrupt()


@contextmanager
def _source(kind: str) -> Iterator[dict[str, str]]:
    """Play the day with a source, and yield its settings and the state that was stored."""
    organisation = load_organisation(ACME / "organisation.yaml")
    with (
        TemporaryDirectory() as folder,
        _github(organisation) if kind == "github" else _file(folder) as (source, while_played, show),
    ):
        state = {"PREVIEW_STATE": f"sqlite:{folder}/state.db"}
        refreshes = play(organisation, show, _environment(while_played | state))
        print(f"Played: {BEGINS:%Y-%m-%d, %H:%M} to {MOMENT:%H:%M} UTC, {refreshes} refreshes")
        yield source | state


@contextmanager
def _file(folder: str) -> Iterator[tuple[dict[str, str], dict[str, str], Show]]:
    organisation, played = ACME / "organisation.yaml", Path(folder) / "organisation.json"
    print(f"Source: the file {organisation.relative_to(ROOT)}")

    def show(organisation: Organisation, _: datetime) -> None:
        played.write_text(organisation.model_dump_json(), "utf-8")

    yield {"PREVIEW_SOURCE": f"file:{organisation}"}, {"PREVIEW_SOURCE": f"file:{played}"}, show


@contextmanager
def _github(organisation: Organisation) -> Iterator[tuple[dict[str, str], dict[str, str], Show]]:
    from tests.fakes.github import GitHub  # noqa: PLC0415  it needs what only tests need

    with GitHub(organisation, token=secrets.token_hex()) as github:
        print(f"Source: a fake GitHub at {github.url}, which answers from the same file in GitHub's own GraphQL schema")

        def show(organisation: Organisation, now: datetime) -> None:
            github.organisation, github.now = organisation, lambda: now

        source = {"PREVIEW_SOURCE": "github", "PREVIEW_GITHUB_URL": github.url, "PREVIEW_GITHUB_TOKEN": github.token}
        yield source, source, show


@contextmanager
def _server(settings: dict[str, str]) -> Iterator[int]:
    port = _free_port()
    log = FOLDER / "server.log"
    environment = _environment(settings) | {"PREVIEW_BIND": f"127.0.0.1:{port}", "PREVIEW_REFRESH": "5s"}
    with (
        log.open("w") as output,
        subprocess.Popen([*COMMAND, "serve"], env=environment, stderr=output, cwd=ROOT) as server,
    ):
        try:
            _wait_until_ready(port, server, log)
            yield port
        finally:
            server.terminate()


def _environment(source: dict[str, str]) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREVIEW_")}
    return environment | source | {"PREVIEW_CATALOG": str(ACME / "catalog.yaml")}


def _wait_until_ready(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and server.poll() is None:
        try:
            _request(port, "GET", "/readyz")
        except (OSError, RuntimeError):
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"the server did not get ready; its log:\n{log.read_text('utf-8')}")


def _ask_as_argocd(port: int, token: str) -> list[dict[str, Any]]:
    body = b'{"applicationSetName":"previews","input":{}}\n'
    path = "/api/v1/getparams.execute"
    print(f"Asked: POST http://127.0.0.1:{port}{path}  {body.decode()}")
    parameters: list[dict[str, Any]] = json.loads(_request(port, "POST", path, token, body))["output"]["parameters"]
    return parameters


def _deploy_as_argocd(port: int, token: str, parameters: list[dict[str, Any]]) -> None:
    """Tell that every preview can be reached, as the templates in manifests/argocd/notifications do."""
    for preview in parameters:
        told = {
            "application": preview["name"],
            "sha": preview["deploy_sha"],
            "started_at": f"{MOMENT:%Y-%m-%dT%H:%M:%SZ}",
            "sync": "Synced",
            "health": "Healthy",
            "phase": "Succeeded",
            "message": "",
        }
        _request(port, "POST", "/webhooks/argocd", token, json.dumps(told).encode())


def _print_comments(source: dict[str, str]) -> None:
    made = comments(_environment(source))
    COMMENTS.write_text("\n\n".join(f"# {where}\n\n{made[where]}" for where in sorted(made)) + "\n", "utf-8")
    for where in SHOWN:
        print(f"\nOnce Argo CD has deployed it, the comment on {where} says:\n\n{made[where]}")
    print(f"\nThe comments on all pull requests are in {COMMENTS.relative_to(ROOT)}")


def _request(port: int, method: str, path: str, token: str = "", body: bytes | None = None) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"User-Agent": "argocd-applicationset", "Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    if not 200 <= response.status < 300:  # noqa: PLR2004  as Argo CD judges
        raise RuntimeError(f"{method} {path}: {response.status} {content.decode()}")
    return content


def _print_curl(port: int, token: str, read_token: str) -> None:
    print(f"""
The server keeps running until Ctrl-C, but its clock stands still.
Edit {ACME.relative_to(ROOT)}/organisation.yaml and ask again:

  curl -sS -H 'Authorization: Bearer {token}' \\
    -d '{{"applicationSetName": "previews", "input": {{"parameters": {{"services": ["orders"]}}}}}}' \\
    http://127.0.0.1:{port}/api/v1/getparams.execute
  curl -sS -H 'Authorization: Bearer {read_token}' http://127.0.0.1:{port}/api/v1/previews/orders/15""")


def _wait_for_interrupt() -> None:
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        print("stopped")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
