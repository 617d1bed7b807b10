"""Whether images exist, as Docker's own registry says it."""

import json
import socket
from base64 import b64encode
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from plugin.sources.registry import Registries
from tests.contract.outside.token_server import PASSWORD, USER, TokenServer, serve_tokens
from tests.manifests.tls import certificate, tls_in_front_of
from tests.registry_server import DOCKER, INDEX, OCI, RegistryServer, serve_registry
from tests.server import in_background

# bcrypt, the only kind that the registry reads, of PASSWORD
HTPASSWD = f"{USER}:$2b$05$abcdefghijklmnopqrstuu8jXihDn6YyI16dkpSl33R.slyuyqYCi\n"
NO_REGISTRY = "it answered 404, and not as a registry does"
MAY_NOT = "it answered 401: the login in PREVIEW_REGISTRY_CONFIG may not pull the image"
NOT_PUBLIC = "it answered 401: not everybody may pull the image"
LOGIN = f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"


@pytest.fixture(name="registry", scope="module")
def _registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with serve_registry(tmp_path_factory.mktemp("registry")) as registry:
        registry.push("acme/orders", "1a2b3c")
        yield registry


@pytest.fixture(name="tokens", scope="module")
def _tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenServer]:
    with serve_tokens(tmp_path_factory.mktemp("tokens")) as tokens:
        yield tokens


@pytest.fixture(name="private", scope="module")
def _private(tmp_path_factory: pytest.TempPathFactory, tokens: TokenServer) -> Iterator[RegistryServer]:
    """A registry that wants tokens, with a private image and a public one."""
    with serve_registry(tmp_path_factory.mktemp("private"), tokens.auth) as registry:
        for repository in ("acme/orders", "public/shop"):
            token = tokens.token(USER, f"repository:{repository}:pull,push")
            registry.push(repository, "1", authorization=f"Bearer {token}")
        yield registry


def config(folder: Path, registry: RegistryServer | str, password: str = PASSWORD) -> Path:
    """Write what `kubectl create secret docker-registry` would."""
    address = registry if isinstance(registry, str) else registry.address
    login = {"username": USER, "password": password, "auth": b64encode(f"{USER}:{password}".encode()).decode()}
    file = folder / "config.json"
    file.write_text(json.dumps({"auths": {address: login}}))
    return file


def why(registries: Registries, image: str) -> list[str]:
    with capture_logs() as logs:
        assert registries.exist([image]) == {}
    return [reason for line in logs for reason in line["reasons"]]


@pytest.mark.parametrize(("tag", "media_type"), [("docker", DOCKER), ("oci", OCI), ("index", INDEX)])
def test_an_image_of_any_kind_exists(registry: RegistryServer, tag: str, media_type: str) -> None:
    image = f"{registry.address}/acme/kinds:{tag}"
    assert Registries(None).exist([image]) == {image: False}
    registry.push("acme/kinds", tag, media_type)

    assert Registries(None).exist([image]) == {image: True}


def test_a_tag_and_a_repository_that_do_not_exist(registry: RegistryServer) -> None:
    images = [
        f"{registry.address}/{name}" for name in ("acme/orders:1a2b3c", "acme/orders:fffffff", "acme/none:1a2b3c")
    ]

    with capture_logs() as logs:
        assert Registries(None).exist(images) == dict(zip(images, (True, False, False), strict=True))
    assert logs == []


def test_each_image_costs_one_request(registry: RegistryServer, monkeypatch: pytest.MonkeyPatch) -> None:
    images = [f"{registry.address}/acme/orders:{tag}" for tag in ("1a2b3c", "fffffff")]
    monkeypatch.setattr("plugin.sources.registry.REQUESTS", len(images))

    assert Registries(None).exist(images) == dict(zip(images, (True, False), strict=True))


def test_a_404_of_another_web_server_says_nothing(tmp_path: Path) -> None:
    with in_background(ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(tmp_path)))) as server:
        assert why(Registries(None), f"127.0.0.1:{server.server_address[1]}/acme/orders:1") == [NO_REGISTRY]


class Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_a_registry_that_is_gone_says_nothing(tmp_path: Path) -> None:
    with serve_registry(tmp_path) as registry:
        registry.push("acme/orders", "1")
        image = f"{registry.address}/acme/orders:1"
        registries = Registries(None)
        assert registries.exist([image]) == {image: True}

    assert why(registries, image) == ["ConnectionError"]


def test_a_registry_wants_a_users_name_and_password(tmp_path: Path) -> None:
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "acme", "path": str(tmp_path / "htpasswd")}}
    with serve_registry(tmp_path, auth) as registry:
        registry.push("acme/orders", "1", authorization=LOGIN)
        there, missing = (f"{registry.address}/acme/orders:{tag}" for tag in ("1", "2"))

        known = Registries(config(tmp_path, registry))
        assert known.exist([there, missing]) == {there: True, missing: False}
        assert why(Registries(None), there) == ["it wants a login, and PREVIEW_REGISTRY_CONFIG has none for it"]
        assert why(Registries(config(tmp_path, registry, "another-password")), there) == [MAY_NOT]
        assert known.exist([there]) == {}, "with the file that was changed meanwhile"
        config(tmp_path, registry)
        assert known.exist([there]) == {there: True}


def test_a_token_opens_what_the_user_may_pull(private: RegistryServer, tokens: TokenServer, tmp_path: Path) -> None:
    tokens.asked.clear()
    images = [f"{private.address}/acme/orders:{tag}" for tag in ("1", "2")]
    registries = Registries(config(tmp_path, private))

    for _ in range(3):
        assert registries.exist(images) == {images[0]: True, images[1]: False}
    assert tokens.asked == [(USER, "repository:acme/orders:pull")], "the token is used again"


def test_without_a_login_a_token_opens_what_is_public(private: RegistryServer) -> None:
    public, secret = (f"{private.address}/{name}:1" for name in ("public/shop", "acme/orders"))

    assert Registries(None).exist([public]) == {public: True}
    assert why(Registries(None), secret) == [NOT_PUBLIC]


def test_a_wrong_password_is_refused_by_the_token_server(private: RegistryServer, tmp_path: Path) -> None:
    registries = Registries(config(tmp_path, private, "another-password"))

    assert why(registries, f"{private.address}/acme/orders:1") == ["its token server answered 401"]


def test_a_token_that_has_ended_is_renewed(private: RegistryServer, tokens: TokenServer, tmp_path: Path) -> None:
    image = f"{private.address}/acme/orders:1"
    passed = [0.0]
    registries = Registries(config(tmp_path, private), lambda: passed[0])
    tokens.asked.clear()
    for seconds in (0, 280, 20, 280, 20):
        passed[0] += seconds
        assert registries.exist([image]) == {image: True}

    assert len(tokens.asked) == 3


@pytest.mark.parametrize("trusted", [True, False])
def test_the_login_is_sent_only_to_a_registry_with_a_trusted_certificate(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trusted: bool,  # noqa: FBT001
) -> None:
    host = "registry.example.com"
    shown = certificate(tmp_path, host)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    if trusted:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(shown.crt))
    resolve = socket.getaddrinfo

    def here(name: str, *arguments: Any, **others: Any) -> Any:
        return resolve("127.0.0.1" if name == host else name, *arguments, **others)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "acme", "path": str(tmp_path / "htpasswd")}}
    with serve_registry(tmp_path, auth) as registry, tls_in_front_of(registry.port, shown) as port:
        registry.push("acme/orders", "1", authorization=LOGIN)
        image = f"{host}:{port}/acme/orders:1"
        registries = Registries(config(tmp_path, f"{host}:{port}"))

        if trusted:
            assert registries.exist([image]) == {image: True}
        else:
            assert why(registries, image) == ["SSLError"]
