"""What is asked of registries, what follows from their answers, and that asking them ends."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from requests_mock import Mocker
from structlog.testing import capture_logs

from plugin.sources import registry
from plugin.sources.registry import Registries

IMAGE = "ghcr.io/acme/orders:1a2b3c"
MANIFEST = "https://ghcr.io/v2/acme/orders/manifests/1a2b3c"
TOKENS = "https://ghcr.io/token"
BEARER = {"WWW-Authenticate": f'Bearer realm="{TOKENS}",service="ghcr.io",scope="repository:acme/orders:pull"'}
BASIC = {"WWW-Authenticate": 'Basic realm="acme"'}
LOGIN = f"Basic {b64encode(b'me:secret-password').decode()}"


class Timer:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(name="timer")
def _timer() -> Timer:
    return Timer()


@pytest.fixture(name="registries")
def _registries(timer: Timer) -> Registries:
    """Registries that nobody has a login for."""
    return Registries(None, timer)


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> Path:
    return write(tmp_path / "config.json", "secret-password")


@pytest.fixture(name="known")
def _known(config: Path, timer: Timer) -> Registries:
    """Registries with a login for ghcr.io."""
    return Registries(config, timer)


def write(file: Path, password: str) -> Path:
    auth = b64encode(f"me:{password}".encode()).decode()
    file.write_text(json.dumps({"auths": {"ghcr.io": {"auth": auth}}}))
    return file


def errors(*codes: str) -> dict[str, Any]:
    return {"errors": [{"code": code, "message": "said the registry"} for code in codes]}


def missing(mock: Mocker, url: str, code: str = "MANIFEST_UNKNOWN") -> None:
    mock.head(url, status_code=404)
    mock.get(url, status_code=404, json=errors(code))


def asked(mock: Mocker) -> list[str]:
    return [f"{each.method} {each.url}" for each in mock.request_history]


def authorizations(mock: Mocker) -> list[str | None]:
    return [each.headers.get("Authorization") for each in mock.request_history]


def unclear(registries: Registries, image: str = IMAGE) -> list[str]:
    """Ask, expect no answer, and return why it was not clear, as it was logged."""
    with capture_logs() as logs:
        assert registries.exist([image]) == {}
    return [reason for line in logs for reason in line["reasons"]]


def wants_token(mock: Mocker, token: str = "a-token", **content: Any) -> None:
    """A registry as the specification of token authentication describes it."""

    def manifest(request: Any, context: Any) -> str:
        if request.headers.get("Authorization") != f"Bearer {token}":
            context.status_code = 401
            context.headers.update(BEARER)
        return ""

    mock.head(MANIFEST, text=manifest)
    mock.get(TOKENS, json={"token": token} | content)


def test_an_image_exists_if_its_manifest_does(registries: Registries, requests_mock: Mocker) -> None:
    requests_mock.head(MANIFEST, headers={"Docker-Content-Digest": "sha256:0"})

    assert registries.exist([IMAGE]) == {IMAGE: True}
    (request,) = requests_mock.request_history
    assert set(request.headers["Accept"].split(", ")) == {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    }
    assert "Authorization" not in request.headers


@pytest.mark.parametrize("code", ["MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"])
def test_an_image_does_not_exist_if_the_registry_says_so(
    registries: Registries, requests_mock: Mocker, code: str
) -> None:
    missing(requests_mock, MANIFEST, code)

    with capture_logs() as logs:
        assert registries.exist([IMAGE]) == {IMAGE: False}
    assert logs == []


def test_one_request_is_enough_if_a_404_is_marked_as_a_registrys(registries: Registries, requests_mock: Mocker) -> None:
    requests_mock.head(MANIFEST, status_code=404, headers={"docker-distribution-api-version": "registry/2.0"})

    assert registries.exist([IMAGE]) == {IMAGE: False}
    assert asked(requests_mock) == [f"HEAD {MANIFEST}"]


def test_an_image_that_is_pushed_between_two_questions_exists(registries: Registries, requests_mock: Mocker) -> None:
    requests_mock.head(MANIFEST, status_code=404)
    requests_mock.get(MANIFEST, json={"schemaVersion": 2})

    assert registries.exist([IMAGE]) == {IMAGE: True}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Not found</html>",
        b"null",
        b"[]",
        b'{"errors": []}',
        b'{"errors": {"code": "MANIFEST_UNKNOWN"}}',
        b'{"errors": ["MANIFEST_UNKNOWN"]}',
        b'{"errors": [{"code": "UNSUPPORTED"}]}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_a_404_of_something_else_than_a_registry_says_nothing(
    registries: Registries, requests_mock: Mocker, body: bytes
) -> None:
    requests_mock.head(MANIFEST, status_code=404)
    requests_mock.get(MANIFEST, status_code=404, content=body)

    assert unclear(registries) == ["it answered 404, and not as a registry does"]


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 308, 400, 405, 410, 429, 500, 502, 503, 504])
def test_other_answers_say_nothing_and_no_redirect_is_followed(
    registries: Registries, requests_mock: Mocker, status: int
) -> None:
    requests_mock.head(MANIFEST, status_code=status, headers={"Location": "https://elsewhere.example.com/"})

    assert unclear(registries) == [f"it answered {status}"]
    assert asked(requests_mock) == [f"HEAD {MANIFEST}"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (requests.exceptions.ConnectTimeout, "ConnectTimeout"),
        (requests.exceptions.ReadTimeout, "ReadTimeout"),
        (requests.exceptions.ConnectionError, "ConnectionError"),
        (requests.exceptions.SSLError, "SSLError"),
        (requests.exceptions.ProxyError, "ProxyError"),
        (urllib3.exceptions.LocationParseError("https://user:secret-password@proxy"), "LocationParseError"),
    ],
)
def test_a_registry_that_cannot_be_reached_says_nothing(
    registries: Registries, requests_mock: Mocker, error: Any, reason: str
) -> None:
    requests_mock.head(MANIFEST, exc=error)

    assert unclear(registries) == [reason]


def test_what_the_catalog_has_no_image_for_is_not_asked(registries: Registries, requests_mock: Mocker) -> None:
    assert registries.exist([]) == {}
    assert registries.exist(["ghcr.io/acme/orders"]) == {}
    assert requests_mock.request_history == []


def test_a_token_is_fetched_without_a_login(registries: Registries, requests_mock: Mocker) -> None:
    wants_token(requests_mock)

    assert registries.exist([IMAGE]) == {IMAGE: True}
    assert asked(requests_mock) == [
        f"HEAD {MANIFEST}",
        f"GET {TOKENS}?scope=repository%3Aacme%2Forders%3Apull&service=ghcr.io",
        f"HEAD {MANIFEST}",
    ]
    assert authorizations(requests_mock) == [None, None, "Bearer a-token"]


def test_the_login_goes_to_the_token_server_and_only_the_token_to_the_registry(
    known: Registries, requests_mock: Mocker
) -> None:
    wants_token(requests_mock)

    assert known.exist([IMAGE]) == {IMAGE: True}
    assert authorizations(requests_mock) == [None, LOGIN, "Bearer a-token"]


def test_a_login_is_sent_where_the_registry_wants_one(known: Registries, requests_mock: Mocker) -> None:
    requests_mock.head(MANIFEST, [{"status_code": 401, "headers": BASIC}, {"status_code": 404}])
    requests_mock.get(MANIFEST, status_code=404, json=errors("MANIFEST_UNKNOWN"))

    assert known.exist([IMAGE]) == {IMAGE: False}
    assert authorizations(requests_mock) == [None, LOGIN, LOGIN]


def test_the_login_of_one_registry_is_not_sent_to_another(known: Registries, requests_mock: Mocker) -> None:
    requests_mock.head("https://other.example.com/v2/acme/orders/manifests/1", status_code=401, headers=BASIC)

    assert unclear(known, "other.example.com/acme/orders:1") == [
        "it wants a login, and PREVIEW_REGISTRY_CONFIG has none for it"
    ]
    assert authorizations(requests_mock) == [None]


def test_a_token_server_elsewhere_gets_no_login_of_its_own_host(known: Registries, requests_mock: Mocker) -> None:
    """Another registry may name ghcr.io as its token server: it does not get what is meant for ghcr.io."""
    requests_mock.head("https://evil.example.com/v2/a/manifests/1", status_code=401, headers=BEARER)
    requests_mock.get(TOKENS, status_code=401)

    assert unclear(known, "evil.example.com/a:1") == [
        "its token server answered 401; PREVIEW_REGISTRY_CONFIG has no login for it"
    ]
    assert authorizations(requests_mock) == [None, None]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_login_does_not_follow_a_redirect(known: Registries, requests_mock: Mocker, status: int) -> None:
    requests_mock.head(MANIFEST, status_code=401, headers=BEARER)
    requests_mock.get(TOKENS, status_code=status, headers={"Location": "https://elsewhere.example.com/token"})

    assert unclear(known) == [f"its token server answered {status}"]
    assert len(requests_mock.request_history) == 2


def test_a_netrc_file_adds_no_login(
    registries: Registries, requests_mock: Mocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine ghcr.io login eve password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    requests_mock.head(MANIFEST)

    assert registries.exist([IMAGE]) == {IMAGE: True}
    assert authorizations(requests_mock) == [None]


@pytest.mark.parametrize("headers", [BEARER, BASIC])
def test_a_registry_that_refuses_each_login_is_asked_once_more_and_no_further(
    known: Registries, requests_mock: Mocker, headers: dict[str, str]
) -> None:
    requests_mock.head(MANIFEST, status_code=401, headers=headers)
    requests_mock.get(TOKENS, json={"token": "a-token"})

    assert unclear(known) == ["it answered 401: the login in PREVIEW_REGISTRY_CONFIG may not pull the image"]
    assert [line for line in asked(requests_mock) if line.startswith("HEAD")] == [f"HEAD {MANIFEST}"] * 2
    # And the next time it is not asked with what it refused.
    requests_mock.reset_mock()
    known.exist([IMAGE])
    assert authorizations(requests_mock)[0] is None


def test_a_token_is_used_until_shortly_before_its_end(
    registries: Registries, requests_mock: Mocker, timer: Timer
) -> None:
    wants_token(requests_mock, expires_in=300)
    registries.exist([IMAGE])
    for passed, tokens in ((289, 1), (2, 2)):
        timer.now += passed
        assert registries.exist([IMAGE]) == {IMAGE: True}
        assert len([line for line in asked(requests_mock) if line.startswith(f"GET {TOKENS}")]) == tokens


def test_a_token_is_for_its_repository_only(registries: Registries, requests_mock: Mocker) -> None:
    wants_token(requests_mock)
    requests_mock.head("https://ghcr.io/v2/acme/users/manifests/1")

    assert len(registries.exist([IMAGE, "ghcr.io/acme/users:1", IMAGE])) == 2
    assert authorizations(requests_mock) == [None, None, "Bearer a-token", None]


def test_a_token_that_was_revoked_is_replaced(registries: Registries, requests_mock: Mocker) -> None:
    wants_token(requests_mock, expires_in=3600)
    registries.exist([IMAGE])
    wants_token(requests_mock, "another-token")

    assert registries.exist([IMAGE]) == {IMAGE: True}
    assert authorizations(requests_mock)[-3:] == ["Bearer a-token", None, "Bearer another-token"]


def test_a_changed_login_is_used_at_once(known: Registries, config: Path, requests_mock: Mocker) -> None:
    wants_token(requests_mock, expires_in=3600)
    known.exist([IMAGE])
    write(config, "new-password")
    known.exist([IMAGE])

    assert authorizations(requests_mock)[4] == f"Basic {b64encode(b'me:new-password').decode()}"


@pytest.mark.parametrize("broken", ["", "{}", '{"auths": {"ghcr.io": {"auth": "secret-password"}}}', None])
def test_without_readable_logins_nothing_is_asked(
    known: Registries, config: Path, requests_mock: Mocker, broken: str | None
) -> None:
    """Anonymously, a registry may say of a private image that it does not exist."""
    if broken is None:
        config.unlink()
    else:
        config.write_text(broken)

    with capture_logs() as logs:
        assert known.exist([IMAGE]) == {}
        assert known.exist([IMAGE]) == {}
    assert requests_mock.request_history == []
    (line,) = logs
    assert (line["event"], line["file"]) == ("the logins of registries cannot be read", str(config))
    assert "secret-password" not in str(line)
    write(config, "secret-password")
    wants_token(requests_mock)
    assert known.exist([IMAGE]) == {IMAGE: True}


def test_a_registry_in_trouble_is_left_alone_and_the_others_are_asked(
    registries: Registries, requests_mock: Mocker
) -> None:
    for tag in ("1", "2"):
        requests_mock.head(f"https://ghcr.io/v2/acme/orders/manifests/{tag}", status_code=503)
        requests_mock.head(f"https://quay.io/v2/acme/orders/manifests/{tag}")
    images = [f"{host}/acme/orders:{tag}" for tag in ("1", "2") for host in ("ghcr.io", "quay.io")]

    assert registries.exist(images) == {"quay.io/acme/orders:1": True, "quay.io/acme/orders:2": True}
    assert len([line for line in asked(requests_mock) if "ghcr.io" in line]) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_token_server_in_trouble_is_left_alone(registries: Registries, requests_mock: Mocker, status: int) -> None:
    for name in ("orders", "users"):
        requests_mock.head(f"https://ghcr.io/v2/acme/{name}/manifests/1", status_code=401, headers=BEARER)
    requests_mock.get(TOKENS, status_code=status)

    with capture_logs() as logs:
        assert registries.exist(["ghcr.io/acme/orders:1", "ghcr.io/acme/users:1"]) == {}
    assert [line["reasons"] for line in logs] == [{f"its token server answered {status}": "ghcr.io/acme/orders:1"}]
    assert len(requests_mock.request_history) == 2


def test_the_log_names_an_image_for_each_reason(registries: Registries, requests_mock: Mocker) -> None:
    for name, status in (("orders", 403), ("users", 403), ("shop", 302)):
        requests_mock.head(f"https://ghcr.io/v2/acme/{name}/manifests/1", status_code=status)

    with capture_logs() as logs:
        registries.exist([f"ghcr.io/acme/{name}:1" for name in ("orders", "users", "shop")])
    assert logs == [
        {
            "event": "it is not known which images exist",
            "log_level": "warning",
            "registry": "ghcr.io",
            "reasons": {
                "it answered 403: not everybody may pull the image": "ghcr.io/acme/orders:1",
                "it answered 302": "ghcr.io/acme/shop:1",
            },
        }
    ]


def test_a_repository_that_is_refused_does_not_keep_others_of_its_registry(
    registries: Registries, requests_mock: Mocker
) -> None:
    requests_mock.head("https://ghcr.io/v2/acme/secret/manifests/1", status_code=403)
    requests_mock.head(MANIFEST)

    assert registries.exist(["ghcr.io/acme/secret:1", IMAGE]) == {IMAGE: True}


def test_asking_ends_in_time_and_goes_on_with_those_that_were_left(
    registries: Registries, requests_mock: Mocker, timer: Timer
) -> None:
    images = [f"ghcr.io/acme/orders:{number}" for number in range(10)]

    def slowly(*_: object) -> str:
        timer.now += 10.0
        return ""

    for number in range(10):
        requests_mock.head(f"https://ghcr.io/v2/acme/orders/manifests/{number}", text=slowly)

    found = [sorted(registries.exist(images)) for _ in range(3)]

    assert found == [images[:4], images[4:8], [*images[:2], *images[8:]]]


def test_the_number_of_requests_is_limited(
    registries: Registries, requests_mock: Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "REQUESTS", 5)
    images = [f"ghcr.io/acme/orders:{number}" for number in range(4)]
    for number in range(4):
        missing(requests_mock, f"https://ghcr.io/v2/acme/orders/manifests/{number}")

    assert registries.exist(images) == dict.fromkeys(images[:2], False)
    assert len(requests_mock.request_history) == 5
    assert registries.exist(images[:3]) == {images[2]: False, images[0]: False}, "those left before come first"


def test_each_trouble_is_logged_once_until_it_is_over(registries: Registries, requests_mock: Mocker) -> None:
    def logged() -> list[str]:
        with capture_logs() as logs:
            registries.exist([IMAGE])
        assert all(line["log_level"] == "warning" and line["registry"] == "ghcr.io" for line in logs)
        return [reason for line in logs for reason in line["reasons"]]

    for status, expected in (
        (503, ["it answered 503"]),
        (503, []),
        (403, ["it answered 403: not everybody may pull the image"]),
        (503, []),
        (200, []),
        (503, ["it answered 503"]),
    ):
        requests_mock.head(MANIFEST, status_code=status)
        assert logged() == expected


def test_no_secret_is_logged(known: Registries, requests_mock: Mocker) -> None:
    answers: list[dict[str, Any]] = [
        {"exc": requests.exceptions.ProxyError("https://me:secret-password@proxy")},
        {"status_code": 401, "headers": {"WWW-Authenticate": "secret-password"}},
        {"status_code": 401, "headers": BASIC},
    ]

    with capture_logs() as logs:
        for answer in answers:
            requests_mock.head(MANIFEST, **answer)
            known.exist([IMAGE])
    assert len(logs) == 3
    assert "secret-password" not in str(logs)
