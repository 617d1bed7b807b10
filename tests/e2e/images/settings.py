"""What builds take from the environment of their caller: how the registries of packages are reached.

Buildah hands on proxies by itself. Everything else stands in files of a home folder that only the build's steps see, so
that neither the Dockerfiles nor the images know of it.
"""

from collections.abc import Mapping
from pathlib import Path

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_PIP = ("INDEX_URL", "EXTRA_INDEX_URL", "TRUSTED_HOST", "PROXY", "DEFAULT_TIMEOUT", "RETRIES")
_NPM = ("REGISTRY", "PROXY", "HTTPS_PROXY", "NOPROXY", "STRICT_SSL")
_GO = ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE", "GOINSECURE")


def home(environment: Mapping[str, str], *, bundle: Path | None = BUNDLE) -> dict[str, str]:
    """Return the files of the home folder, path below it to content; `bundle` are the authorities that npm trusts."""
    variables = {name.upper(): value for name, value in environment.items()}
    pip = {name.lower().replace("_", "-"): variables.get(f"PIP_{name}") for name in _PIP}
    npm = {name.lower().replace("_", "-"): variables.get(f"NPM_CONFIG_{name}") for name in _NPM}
    npm["cafile"] = str(bundle) if bundle else None
    return {
        # https://pip.pypa.io/en/stable/topics/configuration/
        ".config/pip/pip.conf": "[global]\n" + _lines(pip),
        # `npm help npmrc`
        ".npmrc": _lines(npm),
        # https://pkg.go.dev/cmd/go#hdr-Environment_variables
        ".config/go/env": _lines({name: variables.get(name) for name in _GO}),
    }


def mounts(folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Write the home folder to `folder`; return buildah's volumes for it and for this machine's authorities."""
    bundle = BUNDLE if BUNDLE.exists() else None
    for path, content in home(environment, bundle=bundle).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, "utf-8")
    return [f"{folder}:/root", *([f"{bundle}:{bundle}:ro"] if bundle else [])]


def _lines(settings: Mapping[str, str | None]) -> str:
    return "".join(f"{name}={value}\n" for name, value in settings.items() if value is not None)
