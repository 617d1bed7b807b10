"""What a catalog and the folder `manifests` must agree on, so that a mistake does not wait for Argo CD to find it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os.path import normpath
from pathlib import Path
from typing import Any

import yaml

from plugin.core.config.catalog import Catalog, Service
from plugin.core.config.strict_yaml import Path as Field
from plugin.core.config.validation import did_you_mean, invalid_file, parse_yaml, problem_at
from plugin.core.decision.parameters import FORK_OVERLAY
from plugin.errors import InvalidFile, Problem

# https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_INCLUDES = ("resources", "components", "bases")
SEED = "seed"  # the image that an ApplicationSet replaces with the parameter `seed_image`


@dataclass(frozen=True, slots=True)
class Manifests:
    """The folder `manifests`, with an app for each profile: `apps/<profile>/overlays/<overlay>`."""

    folder: Path

    def check(self, catalog: Catalog, text: str, file: str) -> None:
        """Check a catalog against the folder. Raises InvalidFile with every mistake in the catalog or the folder."""
        profiles = [service for service in catalog.services.values() if service.profile]  # others bring their manifests
        if profiles and not self._apps.is_dir():
            raise InvalidFile([Problem(str(self.folder), 1, "", "has no folder apps, where profiles are")])
        mistakes = [mistake for service in profiles for mistake in self._mistakes(service)]
        if mistakes:
            document = parse_yaml(text, file)
            raise invalid_file(problem_at(document, file, path, message) for path, message in mistakes)

    @property
    def _apps(self) -> Path:
        return self.folder / "apps"

    def _mistakes(self, service: Service) -> Iterator[tuple[Field, str]]:
        apps = self._apps
        if not (apps / service.profile).is_dir():
            known = sorted(path.name for path in apps.iterdir() if (path / "overlays").is_dir())
            message = f"there is no folder {apps / service.profile}{did_you_mean(service.profile, known)}"
            yield ("services", service.name, "profile"), message
            return
        overlays = apps / service.profile / "overlays"
        if _kustomization(overlays / service.overlay) is None:
            yield ("services", service.name, "overlay"), f"there is no kustomization in {overlays / service.overlay}"
            return
        # No fork gets a preview yet, so there need not be an overlay for forks.
        for name in (service.overlay, FORK_OVERLAY):
            if service.seed is None and (user := _user_of_seed(overlays / name, set())):
                message = f'{overlays / name} needs a seed, because {user} uses the image "{SEED}"'
                yield ("services", service.name, "seed"), message
                return


def _kustomization(folder: Path) -> Path | None:
    return next((folder / name for name in _NAMES if (folder / name).is_file()), None)


def _user_of_seed(folder: Path, seen: set[Path]) -> Path | None:
    """Return the first file below a kustomization with a container of the image `seed`. Remote ones are not read."""
    file = _kustomization(folder)
    if file is None or folder.resolve() in seen:
        return None
    seen.add(folder.resolve())
    for content in _documents(file):
        for key in _INCLUDES:
            for included in _strings(content, key):
                path = Path(normpath(folder / included))
                if path.is_dir():
                    found = _user_of_seed(path, seen)
                else:
                    found = path if path.is_file() and any(map(_uses_seed, _documents(path))) else None
                if found:
                    return found
    return None


def _documents(file: Path) -> list[Any]:
    try:
        return list(yaml.load_all(file.read_text("utf-8"), yaml.CSafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError):
        raise InvalidFile([Problem(str(file), 1, "", "is not valid YAML")]) from None


def _strings(content: object, key: str) -> list[str]:
    value = content.get(key) if isinstance(content, Mapping) else None
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _uses_seed(content: object) -> bool:
    if isinstance(content, Mapping):
        image = content.get("image")
        name = image.partition("@")[0].partition(":")[0] if isinstance(image, str) else ""
        return name == SEED or any(map(_uses_seed, content.values()))
    return isinstance(content, Sequence) and not isinstance(content, str) and any(map(_uses_seed, content))
