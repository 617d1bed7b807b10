"""Images and the logins of their registries, read as Docker and Kubernetes read them."""

import re
from base64 import b64decode
from dataclasses import dataclass, field
from ipaddress import ip_address

from pydantic import BaseModel, ValidationError

DOCKER_HUB = "docker.io"
_DOCKER_HUBS_API = "registry-1.docker.io"
_DOCKER_HUBS_NAMES = {"index.docker.io", _DOCKER_HUBS_API}
_NAME = "[a-z0-9]+(?:[._-]+[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:(?P<first>[A-Za-z0-9.-]+(?::[0-9]+)?)/)?(?P<rest>{_NAME}(?:/{_NAME})*):(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]*)"
)
_IN_A_STORE = 'has no "auths"; logins in a credential store (credsStore, credHelpers) cannot be read'


@dataclass(frozen=True, slots=True)
class ImageReference:
    """An image, in the parts that its registry is asked with."""

    registry: str  # host, with a port if one is written; `docker.io` for Docker Hub
    repository: str
    tag: str

    @property
    def manifest_url(self) -> str:
        """Where its registry has its manifest, by the OCI distribution specification.

        https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
        """
        host = _DOCKER_HUBS_API if self.registry == DOCKER_HUB else self.registry
        scheme = "http" if is_loopback(self.registry.partition(":")[0]) else "https"
        return f"{scheme}://{host}/v2/{self.repository}/manifests/{self.tag}"


def parse_image(text: str) -> ImageReference:
    """Read an image with a tag, for example `ghcr.io/acme/orders:1a2b3c`. Raises ValueError.

    As for Docker, what stands before the first slash is a registry only if it looks like a host:
    https://github.com/distribution/reference/blob/v0.6.0/normalize.go
    """
    match = _IMAGE.fullmatch(text)
    if match is None:
        raise ValueError("is not an image with a tag")
    first, rest = match["first"] or "", match["rest"]
    if first != "localhost" and not re.search("[.:]", first):
        registry, repository = DOCKER_HUB, f"{first}/{rest}" if first else rest
    else:
        registry, repository = _canonical(first), rest
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    return ImageReference(registry, repository, match["tag"])


def is_loopback(host: str) -> bool:
    """Tell whether a host is this very machine, where no TLS is needed."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Login:
    """A user's name and password, or token, for a registry."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Logins:
    """The logins of a Docker config file, each with the registry that it is for, or some of its repositories."""

    by_place: tuple[tuple[str, Login], ...] = ()

    def of(self, image: ImageReference) -> Login | None:
        """Return the login for an image: that of the longest place which it is in, as the kubelet chooses.

        https://kubernetes.io/docs/concepts/containers/images/#config-json
        """
        name = f"{image.registry}/{image.repository}/"
        fitting = [(place, login) for place, login in self.by_place if name.startswith(f"{place}/")]
        return max(fitting, key=lambda each: len(each[0]))[1] if fitting else None


class _Entry(BaseModel):
    username: str = ""
    password: str = ""
    auth: str = ""  # instead of them: base64 of USER:PASSWORD


class _DockerConfig(BaseModel):
    auths: dict[str, _Entry] | None = None


def parse_docker_config(text: str) -> Logins:
    """Read a Docker config file, what a Secret of type `kubernetes.io/dockerconfigjson` holds. Raises ValueError.

    No message contains anything of the file except the names of its registries.
    """
    try:
        entries = _DockerConfig.model_validate_json(text).auths
    except ValidationError:
        raise ValueError('is not a Docker config file: {"auths": {"REGISTRY": {"auth": "..."}}}') from None
    if entries is None:
        raise ValueError(_IN_A_STORE)
    logins = [(_place(key), _login(key, entry)) for key, entry in entries.items()]
    return Logins(tuple((place, login) for place, login in logins if login))


def _login(key: str, entry: _Entry) -> Login | None:
    if not entry.auth:
        return Login(entry.username, entry.password) if entry.username else None
    written = "".join(entry.auth.split())  # line breaks and missing padding are accepted by the kubelet too
    try:
        username, colon, password = (
            b64decode(written + "=" * (-len(written) % 4), validate=True).decode().partition(":")
        )
    except ValueError:
        colon = ""
    if not colon:
        raise ValueError(f'has an "auth" for {key} that is not base64 of USER:PASSWORD')
    return Login(username, password)


def _place(key: str) -> str:
    """Return `ghcr.io`, or `ghcr.io/acme`; some keys are URLs, such as https://index.docker.io/v1/."""
    host, slash, path = re.sub("^https?://", "", key).rstrip("/").partition("/")
    path = re.sub("^v[12](/|$)", "", path)
    return f"{_canonical(host)}{slash if path else ''}{path}"


def _canonical(registry: str) -> str:
    return DOCKER_HUB if registry in _DOCKER_HUBS_NAMES else registry
