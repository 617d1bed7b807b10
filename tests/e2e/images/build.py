"""Builds whatever has changed."""

import hashlib
import sys
import time
from pathlib import Path

from tests.e2e.images import packages
from tests.e2e.images.buildah import Buildah
from tests.e2e.images.recipes import DEBIAN, ONLY_BASES, RECIPES, STAND_INS
from tests.e2e.images.registry import CACHE, Image, Registry
from tests.e2e.layout import IMAGES


def build_all(folder: Path = IMAGES) -> dict[str, Image]:
    """Return every image that a cluster runs by its name in `recipes.RECIPES`; build those that `folder` lacks.

    Raises RuntimeError with the end of the output of the step that failed.
    """
    packages.install(packages.OF_IMAGES)
    keys = _keys()
    with Registry(folder=folder) as registry:
        wanted = {name: Image(name, key) for name, key in keys.items() if name not in ONLY_BASES | {"debian"}}
        missing = {name for name, image in wanted.items() if not registry.has(image)}
        if missing:
            buildah = Buildah(folder / "buildah")
            for name in _with_bases(missing):
                _build(buildah, name, keys)
            for name in sorted(missing):
                buildah.push(_tagged(name, keys), f"{registry.address}/{CACHE}:{wanted[name].tag}")
        return wanted


def _keys() -> dict[str, str]:
    # Wherever this folder is: with the content of the files that the options name, not their paths.
    options = repr(DEBIAN).replace(str(STAND_INS), "") + (STAND_INS / "debian/no-cache").read_text("utf-8")
    keys = {"debian": hashlib.sha256(options.encode()).hexdigest()[:16]}
    for recipe in RECIPES:
        keys[recipe.name] = recipe.key(keys)
    return keys


def _with_bases(missing: set[str]) -> list[str]:
    """Return the images and everything that they are built on, each after its bases."""
    needed = set(missing)
    for recipe in reversed(RECIPES):
        if recipe.name in needed:
            needed |= set(recipe.bases().values())
    return [name for name in ("debian", *(recipe.name for recipe in RECIPES)) if name in needed]


def _build(buildah: Buildah, name: str, keys: dict[str, str]) -> None:
    image = _tagged(name, keys)
    if buildah.has(image):
        return
    started = time.monotonic()
    if name == "debian":
        buildah.debian(image)
    else:
        (recipe,) = [recipe for recipe in RECIPES if recipe.name == name]
        buildah.build(recipe, image, {named: _tagged(base, keys) for named, base in recipe.bases().items()})
    print(f"image {name}: {time.monotonic() - started:.1f} s", file=sys.stderr)


def _tagged(name: str, keys: dict[str, str]) -> str:
    return f"{name}:{keys[name]}"
