"""Which images there are, and what each is made of."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from tests.e2e.layout import ARGOCD, PROGRAMS
from tools.rendering import ROOT

STAND_INS = Path(__file__).parent / "stand_ins"
DEBIAN = (
    "--variant=minbase",
    "--include=ca-certificates",
    # What Debian's official images leave out, too.
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "locale", "man")),
    f"--customize-hook=copy-in {quote(str(STAND_INS / 'debian/no-cache'))} /etc/apt/apt.conf.d",
    '--customize-hook=rm "$1"/var/cache/apt/*.bin',
    "trixie",  # has the Python that the Dockerfiles name
)
"""mmdebstrap's options and the release."""
_IGNORED = {"__pycache__", "node_modules", "dist"}
_VERSIONS = dict(re.findall(r"^(\w+)=(\S+)", (ROOT / "tools/versions.env").read_text("utf-8"), re.MULTILINE))
KUSTOMIZE = ROOT / f".cache/kustomize-{_VERSIONS['KUSTOMIZE']}/kustomize"
_ARGOCD_SCRIPTS = ("entrypoint.sh", "hack/git-verify-wrapper.sh", "hack/gpg-wrapper.sh")


@dataclass(frozen=True)
class Recipe:
    """One Dockerfile with its arguments; `content` are the files and folders below `context` that the build may see."""

    name: str
    context: Path
    content: tuple[str, ...] = (".",)
    arguments: tuple[tuple[str, str], ...] = ()
    programs: tuple[Path, ...] = ()  # files from elsewhere that COPY finds beside the Dockerfile

    @property
    def dockerfile(self) -> str:
        """Return the text of the Dockerfile."""
        return (self.context / "Dockerfile").read_text("utf-8")

    def bases(self) -> dict[str, str]:
        """Return what FROM names, as it is written there, and the image of ours that takes its place."""
        stages = {"scratch"} | set(re.findall(r"^FROM \S+ AS (\S+)$", self.dockerfile, re.MULTILINE))
        named = re.findall(r"^FROM (\S+)", self.dockerfile, re.MULTILINE)
        return {name: re.split("[:@]", name)[0] for name in named if name not in stages}

    def files(self) -> dict[Path, Path]:
        """Return the files of the context by their paths in it, in a fixed order."""
        found = [
            path
            for part in self.content
            for path in (self.context / part, *(self.context / part).rglob("*"))
            if path.is_file() and not _IGNORED & set(path.relative_to(self.context).parts)
        ]
        inside = {path.relative_to(self.context): path for path in sorted(found)}
        return inside | {Path(program.name): program for program in self.programs}

    def key(self, keys: dict[str, str]) -> str:
        """Return a hash of everything that the image depends on; `keys` are those of other images."""
        digest = hashlib.sha256(repr((self.arguments, [keys[base] for base in self.bases().values()])).encode())
        for file, path in self.files().items():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{file} {path.stat().st_mode & 0o111} {content}\n".encode())
        return digest.hexdigest()[:16]


def _stand_in(name: str, *arguments: tuple[str, str]) -> Recipe:
    return Recipe(name, STAND_INS / name, arguments=arguments)


def _seed(dataset: str) -> Recipe:
    return Recipe(f"seed-{dataset}", ROOT / "seed-db", arguments=(("DATASET", dataset),))


def _of_program(name: str, *programs: Path) -> Recipe:
    return Recipe(name, STAND_INS / name, programs=programs)


RECIPES = (
    # Stand-ins, in the order in which they are built on each other.
    _stand_in("python"),
    _stand_in("node"),
    _stand_in("golang"),
    _stand_in("postgres", ("POSTGRES", _VERSIONS["POSTGRES"])),
    _stand_in("nginx"),
    _stand_in("redis"),
    _stand_in("curl"),
    _stand_in("mongo"),
    _stand_in("pause"),
    _stand_in("staging"),
    # What the cluster itself runs.
    _of_program("coredns", PROGRAMS / "coredns"),
    _of_program("ingress-controller", PROGRAMS / "ingress"),
    _of_program("argocd", PROGRAMS / "argocd", KUSTOMIZE, *(ARGOCD / file for file in _ARGOCD_SCRIPTS)),
    _stand_in("argocd-redis"),
    # The project's own.
    Recipe(
        "plugin", ROOT, ("Dockerfile", "plugin", "tools/lock/runtime.txt", "pyproject.toml", "README.md", "LICENSE")
    ),
    Recipe("backend", ROOT / "examples/acme/apps/backend"),
    Recipe("frontend", ROOT / "examples/acme/apps/frontend"),
    _seed("default"),
    _seed("minimal"),
)
ONLY_BASES = {"python", "node", "golang", "postgres", "nginx"}
"""Images that nothing runs: they are kept in buildah's storage, not in the registry."""
