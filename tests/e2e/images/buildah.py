"""Builds with buildah: no engine, no daemon, no user namespaces. https://github.com/containers/buildah"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.images import settings
from tests.e2e.images.recipes import DEBIAN, Recipe
from tools.rendering import ROOT

_LOCAL = "e2e.invalid"  # a registry that does not exist: nothing is ever looked up elsewhere


class Buildah:
    """Buildah with a storage of its own in `folder`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._environment = os.environ | {"BUILDAH_ISOLATION": "chroot"}

    def has(self, image: str) -> bool:
        """Tell whether the storage has an image, NAME:TAG."""
        return self._run("inspect", "--type=image", f"{_LOCAL}/{image}", check=False).returncode == 0

    def debian(self, image: str) -> None:
        """Make Debian's smallest system an image, NAME:TAG."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            system = Path(folder, "system.tar")
            command = ["mmdebstrap", "--quiet", *DEBIAN, str(system)]
            _checked(subprocess.run(command, capture_output=True, text=True, check=False))
            container = self._run("from", "scratch").stdout.strip()
            self._run("add", "--quiet", container, str(system), "/")
            self._run("commit", "--quiet", "--rm", "--disable-compression", container, f"{_LOCAL}/{image}")

    def build(self, recipe: Recipe, image: str, bases: dict[str, str]) -> None:
        """Build a Dockerfile as it is; `bases` are the images, NAME:TAG, that take the place of what FROM names."""
        volumes = settings.mounts(self._folder / "home", os.environ)
        if "golang" in recipe.bases().values():
            volumes += _go_volumes()
        with _context(recipe) as context:
            self._run(
                "build",
                "--pull-never",
                "--layers",
                *(f"--volume={volume}" for volume in volumes),
                *(f"--build-arg={name}={value}" for name, value in recipe.arguments),
                *(f"--build-context={named}=docker-image://{_LOCAL}/{base}" for named, base in bases.items()),
                f"--tag={_LOCAL}/{image}",
                str(context),
            )

    def push(self, image: str, to: str) -> None:
        """Push an image, NAME:TAG, to a registry without TLS: HOST:PORT/NAME:TAG. Layers stay as they are."""
        self._run("push", "--quiet", "--tls-verify=false", "--disable-compression", f"{_LOCAL}/{image}", to)

    def _run(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        storage = [f"--root={self._folder}/storage", f"--runroot={self._folder}/run", "--storage-driver=overlay"]
        # In a mount namespace, so that no mount stays behind and the folder can be deleted.
        command = ["unshare", "--mount", "buildah", *storage, *arguments]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        return _checked(done) if check else done


def _go_volumes() -> list[str]:
    """Return the mounts that let Go reuse what this machine has compiled before."""
    go = subprocess.run([ROOT / "tools/get-go"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    root = subprocess.run([go, "env", "GOROOT"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    caches = {ROOT / ".cache/gopath": "/go", ROOT / ".cache/go-build": "/go-build"}
    for folder in caches:
        folder.mkdir(parents=True, exist_ok=True)
    return [f"{root}:/usr/local/go:ro", *(f"{folder.resolve()}:{place}" for folder, place in caches.items())]


@contextmanager
def _context(recipe: Recipe) -> Iterator[Path]:
    """Copy what the build may see, so that a file that the recipe does not name cannot slip into an image."""
    with tempfile.TemporaryDirectory() as folder:
        for file, path in recipe.files().items():
            target = Path(folder, file)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
        yield Path(folder)


def _checked(done: "subprocess.CompletedProcess[str]") -> "subprocess.CompletedProcess[str]":
    if done.returncode != 0:
        command = " ".join(str(part) for part in done.args)
        last = "\n".join((done.stdout + done.stderr).splitlines()[-40:])
        raise RuntimeError(f"{command}\nended with {done.returncode}:\n{last}")
    return done
