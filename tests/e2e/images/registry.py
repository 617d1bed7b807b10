"""Debian's docker-registry on this machine: the cache of built images, and what the cluster pulls from."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from tests.e2e.images.variant import MANIFEST, digest, variant
from tests.e2e.layout import IMAGES
from tests.server import free_port

CACHE = "e2e/cache"
"""The repository of images as they were built; `Registry` forgets all others when it starts."""
_DEADLINE = 20  # seconds


@dataclass(frozen=True)
class Image:
    """An image that `build_all` has built, by its name there; `key` is a hash of what it was built from."""

    name: str
    key: str

    @property
    def tag(self) -> str:
        """Return its tag in the repository CACHE."""
        return f"{self.name}-{self.key}"


class Registry:
    """A context manager: a registry on loopback, port `port`, whose blobs stay in `folder`."""

    def __init__(self, port: int = 0, folder: Path = IMAGES) -> None:
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._storage = folder / "registry"
        self._session = requests.Session()
        self._session.trust_env = False  # loopback goes through no proxy

    def __enter__(self) -> Self:
        self._forget_tags()
        self._place = tempfile.TemporaryDirectory()
        config = Path(self._place.name, "config.yml")
        config.write_text(
            f"version: 0.1\nlog: {{level: warn}}\nhttp: {{addr: '{self.address}'}}\n"
            f"storage: {{filesystem: {{rootdirectory: '{self._storage}'}}, cache: {{blobdescriptor: inmemory}}}}\n",
            "utf-8",
        )
        self._log = Path(self._place.name, "log")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(["docker-registry", "serve", config], stdout=log, stderr=subprocess.STDOUT)
        try:
            self._wait()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        self._session.close()
        self._place.cleanup()

    def has(self, image: Image) -> bool:
        """Tell whether an image has been built."""
        return self._session.head(self._url(CACHE, "manifests", image.tag), headers={"Accept": MANIFEST}).ok

    def publish(
        self,
        reference: str,
        image: Image,
        files: Mapping[str, bytes] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> str:
        """Add a tag, REGISTRY/REPOSITORY:TAG, and return the manifest's digest.

        `files` ({"/path": content}) and `variables` are added to the image; the variable VERSION is the tag.
        """
        repository, _, tag = reference.partition("/")[2].rpartition(":")
        manifest = self._get(CACHE, "manifests", image.tag).json()
        config = self._get(CACHE, "blobs", manifest["config"]["digest"]).json()
        made = variant(manifest, config, {"VERSION": tag} | dict(variables or {}), files or {})
        for name, content in made.blobs.items():
            self._upload(repository, name, content)
        for layer in manifest["layers"]:
            started = self._session.post(
                self._url(repository, "blobs", "uploads/"), params={"mount": layer["digest"], "from": CACHE}
            )
            started.raise_for_status()
        put = self._session.put(
            self._url(repository, "manifests", tag), data=made.manifest, headers={"Content-Type": manifest["mediaType"]}
        )
        put.raise_for_status()
        return digest(made.manifest)

    def catalogue(self) -> dict[str, list[str]]:
        """Return the tags of each repository that the cluster can pull."""
        names = self._session.get(f"http://{self.address}/v2/_catalog", params={"n": 1000}).json()["repositories"]
        return {name: self._get(name, "tags", "list").json()["tags"] for name in names if name != CACHE}

    def _upload(self, repository: str, name: str, content: bytes) -> None:
        started = self._session.post(self._url(repository, "blobs", "uploads/"))
        started.raise_for_status()
        headers = {"Content-Type": "application/octet-stream"}
        done = self._session.put(started.headers["Location"], params={"digest": name}, data=content, headers=headers)
        done.raise_for_status()

    def _get(self, repository: str, kind: str, name: str) -> requests.Response:
        response = self._session.get(self._url(repository, kind, name), headers={"Accept": MANIFEST})
        response.raise_for_status()
        return response

    def _url(self, repository: str, kind: str, name: str) -> str:
        return f"http://{self.address}/v2/{repository}/{kind}/{name}"

    def _forget_tags(self) -> None:
        repositories = self._storage / "docker/registry/v2/repositories"
        if repositories.exists():
            for folder in repositories.iterdir():
                if folder.name != Path(CACHE).parts[0]:
                    shutil.rmtree(folder)

    def _wait(self) -> None:
        deadline = time.monotonic() + _DEADLINE
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if self._session.get(f"http://{self.address}/v2/", timeout=1).ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.05)
        raise RuntimeError(f"docker-registry does not answer on {self.address}:\n{self._log.read_text('utf-8')}")
