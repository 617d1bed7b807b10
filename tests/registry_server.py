"""A real registry: Docker's, with images that consist of nothing but their manifests."""

import hashlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.server import free_port, wait_for
from tools.rendering import tool

DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
_CONFIG = b"{}"


@dataclass(frozen=True)
class RegistryServer:
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def push(self, repository: str, tag: str, media_type: str = DOCKER, authorization: str = "") -> None:
        """Push an image, or an index of one."""
        headers = {"Authorization": authorization} if authorization else {}
        with requests.Session() as session:
            session.trust_env = False
            session.headers.update(headers)
            digest = _digest(_CONFIG)
            started = session.post(self._url(repository, "blobs/uploads/"))
            started.raise_for_status()
            session.put(started.headers["Location"], _CONFIG, params={"digest": digest}).raise_for_status()
            config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": len(_CONFIG)}
            kind = OCI if media_type == INDEX else media_type
            manifest = _manifest(kind, config=config, layers=[])
            if media_type == INDEX:
                self._put(session, repository, _digest(manifest), manifest, OCI)
                entry = {"mediaType": OCI, "digest": _digest(manifest), "size": len(manifest)}
                manifest = _manifest(INDEX, manifests=[entry])
            self._put(session, repository, tag, manifest, media_type)

    def answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text("utf-8")
        try:
            return requests.get(f"http://{self.address}/v2/", timeout=5).status_code in {200, 401}
        except requests.ConnectionError:
            return False

    def _put(self, session: requests.Session, repository: str, name: str, manifest: bytes, media_type: str) -> None:
        put = session.put(self._url(repository, f"manifests/{name}"), manifest, headers={"Content-Type": media_type})
        put.raise_for_status()

    def _url(self, repository: str, path: str) -> str:
        return f"http://{self.address}/v2/{repository}/{path}"


@contextmanager
def serve_registry(folder: Path, auth: Mapping[str, Any] | None = None) -> Iterator[RegistryServer]:
    """Start a registry with its own settings for `auth`; it answers when this returns.

    https://distribution.github.io/distribution/about/configuration/#auth
    """
    port = free_port()
    config, log = folder / f"registry-{port}.json", folder / f"registry-{port}.log"
    content = {
        "version": "0.1",
        "log": {"level": "warn"},
        "http": {"addr": f"127.0.0.1:{port}"},
        "storage": {"filesystem": {"rootdirectory": str(folder / f"registry-{port}")}},
        **({"auth": auth} if auth else {}),
    }
    config.write_text(json.dumps(content))  # which is YAML too
    with (
        log.open("wb") as output,
        subprocess.Popen([tool("get-registry"), "serve", config], stdout=output, stderr=output) as process,
    ):
        server = RegistryServer(port, process, log)
        try:
            wait_for(server.answers)
            yield server
        finally:
            process.kill()


def _manifest(media_type: str, **content: Any) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": media_type} | content).encode()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
