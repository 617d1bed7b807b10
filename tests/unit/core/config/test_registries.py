import json
from base64 import b64encode

import pytest

from plugin.core.config.registries import ImageReference, Login, Logins, is_loopback, parse_docker_config, parse_image


def auth(text: str) -> dict[str, str]:
    return {"auth": b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("image", "registry", "repository", "url"),
    [
        ("ghcr.io/acme/orders:1a2b3c", "ghcr.io", "acme/orders", "https://ghcr.io/v2/acme/orders/manifests/1a2b3c"),
        ("orders:1", "docker.io", "library/orders", "https://registry-1.docker.io/v2/library/orders/manifests/1"),
        ("acme/orders:1", "docker.io", "acme/orders", "https://registry-1.docker.io/v2/acme/orders/manifests/1"),
        (
            "docker.io/nginx:1",
            "docker.io",
            "library/nginx",
            "https://registry-1.docker.io/v2/library/nginx/manifests/1",
        ),
        ("index.docker.io/a/b:1", "docker.io", "a/b", "https://registry-1.docker.io/v2/a/b/manifests/1"),
        ("a/b/c:1", "docker.io", "a/b/c", "https://registry-1.docker.io/v2/a/b/c/manifests/1"),
        ("registry:5000/orders:1", "registry:5000", "orders", "https://registry:5000/v2/orders/manifests/1"),
        ("localhost/orders:1", "localhost", "orders", "http://localhost/v2/orders/manifests/1"),
        ("127.0.0.1:5000/a/b:x-1.2_3", "127.0.0.1:5000", "a/b", "http://127.0.0.1:5000/v2/a/b/manifests/x-1.2_3"),
        ("10.0.0.1:5000/a:1", "10.0.0.1:5000", "a", "https://10.0.0.1:5000/v2/a/manifests/1"),
    ],
)
def test_an_image_leads_to_its_registry(image: str, registry: str, repository: str, url: str) -> None:
    parsed = parse_image(image)

    assert (parsed.registry, parsed.repository) == (registry, repository)
    assert parsed.tag == image.rpartition(":")[2]
    assert parsed.manifest_url == url


@pytest.mark.parametrize(
    "image",
    [
        "",
        "ghcr.io/acme/orders",
        "orders:",
        ":1",
        "registry:5000/orders",
        "a:b:c",
        "a/b@sha256:1:2",
        "a/../b:1",
        "a?b:1",
        "a b:1",
    ],
)
def test_what_has_no_tag_is_refused(image: str) -> None:
    with pytest.raises(ValueError, match=r"^is not an image with a tag$"):
        parse_image(image)


def test_only_this_machine_is_loopback() -> None:
    assert [host for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1") if not is_loopback(host)] == []
    others = ("localhost.example.com", "127.0.0.1.example.com", "10.0.0.1", "0.0.0.0", "registry", "")
    assert [host for host in others if is_loopback(host)] == []


@pytest.mark.parametrize(
    "key",
    [
        "ghcr.io",
        "https://ghcr.io",
        "https://ghcr.io/",
        "http://ghcr.io",
        "https://ghcr.io/v1/",
        "ghcr.io/v2",
        "ghcr.io/acme",
    ],
)
@pytest.mark.parametrize("entry", [auth("me:to:ken"), {"username": "me", "password": "to:ken", "email": "me@acme.io"}])
def test_a_registry_is_found_however_its_key_is_written(key: str, entry: dict[str, str]) -> None:
    logins = parse_docker_config(json.dumps({"auths": {key: entry}, "currentContext": "default"}))

    assert logins.of(parse_image("ghcr.io/acme/orders:1")) == Login("me", "to:ken")


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io"])
def test_docker_hub_has_one_login_under_all_its_names(key: str) -> None:
    logins = parse_docker_config(json.dumps({"auths": {key: auth("me:token")}}))

    assert logins.of(parse_image("orders:1")) == Login("me", "token")
    assert logins.of(parse_image("docker.io/acme/orders:1")) == Login("me", "token")


def test_a_login_is_for_its_registry_only_and_the_longest_place_wins() -> None:
    keys = ("ghcr.io", "ghcr.io/acme", "ghcr.io/acme/orders", "registry:5000")
    logins = parse_docker_config(json.dumps({"auths": {key: auth(f"{key}:x") for key in keys}}))

    def user(image: str) -> str | None:
        login = logins.of(parse_image(image))
        return login.username if login else None

    assert user("ghcr.io/acme/orders:1") == "ghcr.io/acme/orders"
    assert user("ghcr.io/acme/orders-2:1") == "ghcr.io/acme"
    assert user("ghcr.io/acme-2/orders:1") == "ghcr.io"
    for other in ("ghcr.io.example.com/acme/orders:1", "orders:1", "registry:5001/orders:1", "registry/orders:1"):
        assert user(other) is None


@pytest.mark.parametrize("written", ["bWU6dG9rZW4=", "bWU6dG9rZW4", "bWU6\ndG9rZW4=\n"])
def test_base64_is_read_as_the_kubelet_reads_it(written: str) -> None:
    logins = parse_docker_config(json.dumps({"auths": {"ghcr.io": {"auth": written}}}))

    assert logins.of(parse_image("ghcr.io/acme/orders:1")) == Login("me", "token")


def test_an_entry_without_a_login_is_none() -> None:
    # Docker Desktop writes such entries beside its credential store.
    assert parse_docker_config('{"auths": {"ghcr.io": {}}, "credsStore": "desktop"}') == Logins()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a Docker config file"),
        ("[]", "is not a Docker config file"),
        ("[" * 100_000, "is not a Docker config file"),
        ('{"auths": []}', "is not a Docker config file"),
        ('{"auths": {"ghcr.io": "secret"}}', "is not a Docker config file"),
        ('{"auths": {"ghcr.io": {"auth": 5}}}', "is not a Docker config file"),
        ("{}", "credential store"),
        ('{"credsStore": "secretservice"}', "credential store"),
        ('{"auths": {"ghcr.io": {"auth": "secret!"}}}', 'has an "auth" for ghcr.io that is not base64'),
        (json.dumps({"auths": {"ghcr.io": auth("secret")}}), 'has an "auth" for ghcr.io that is not base64'),
        (json.dumps({"auths": {"ghcr.io": {"auth": "//79"}}}), 'has an "auth" for ghcr.io that is not base64'),
    ],
)
def test_a_broken_file_is_refused_without_showing_its_content(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        parse_docker_config(text)

    assert "secret" not in str(error.value).replace("credential store", "")
    assert error.value.__suppress_context__ or error.value.__cause__ is None


def test_a_password_is_not_shown() -> None:
    logins = parse_docker_config(json.dumps({"auths": {"ghcr.io": auth("me:hidden")}}))

    assert "hidden" not in repr(logins)
    assert logins.of(ImageReference("ghcr.io", "acme/orders", "1")) == Login("me", "hidden")
