"""What a registry may demand before it answers, and where a login never goes."""

import json

import pytest

from plugin.core.config.registries import ImageReference, Login, parse_image
from plugin.http_client import Request, Response
from plugin.sources.registry_login import NoAccess, RegistryAccess

IMAGE = parse_image("ghcr.io/acme/orders:1")
LOCAL = parse_image("localhost:5000/orders:1")
ME = Login("me", "secret")
BASIC = "Basic bWU6c2VjcmV0"


class TokenServer:
    def __init__(self, answer: object = None, status: int = 200) -> None:
        self.asked: list[Request] = []
        self._response = Response(status, {}, json.dumps({"token": "abc"} if answer is None else answer).encode())

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        return self._response


def refusal(challenge: str) -> Response:
    return Response(401, {"WWW-Authenticate": challenge}, b"")


def renew(server: TokenServer, image: ImageReference, challenge: str, login: Login | None = None) -> str:
    return access().renew(image, refusal(challenge), login, server)


def access() -> RegistryAccess:
    return RegistryAccess(lambda: 1000.0)


@pytest.mark.parametrize(
    "challenge",
    [
        'Bearer realm="https://auth.example.com/token",service="s",scope="repository:acme/orders:pull"',
        'bearer Realm="https://auth.example.com/token", Service="s", Scope="repository:acme/orders:pull"',
        "BEARER realm=https://auth.example.com/token,service=s",
        'Basic realm="acme", Bearer realm="https://auth.example.com/token",service="s"',
        'Bearer realm="https://auth.example.com/token",service="s", Basic realm="acme"',
        'Bearer realm="https://auth.example.com/token",service="s",error="invalid_token"',
    ],
)
def test_a_token_is_fetched_where_the_challenge_says(challenge: str) -> None:
    server = TokenServer()

    assert renew(server, IMAGE, challenge, ME) == "Bearer abc"
    query = {"service": "s", "scope": "repository:acme/orders:pull"}
    assert server.asked == [
        Request(method="GET", url="https://auth.example.com/token", query=query, authorization=BASIC)
    ]


def test_a_scope_of_the_registrys_own_is_kept() -> None:
    # Gitea has one for all: https://github.com/go-gitea/gitea/blob/v1.25.0/routers/api/packages/container/container.go
    server = TokenServer()
    renew(server, IMAGE, 'Bearer realm="https://g/v2/token",service="container_registry",scope="*"')

    assert server.asked[0].query == {"service": "container_registry", "scope": "*"}


def test_a_token_may_have_the_name_of_oauth() -> None:
    server = TokenServer({"access_token": "abc"})

    assert renew(server, IMAGE, 'Bearer realm="https://auth/t"', None) == "Bearer abc"


@pytest.mark.parametrize("image", [IMAGE, LOCAL])
@pytest.mark.parametrize(
    "realm",
    [
        "",
        "http://auth.example.com/token",
        "http://10.0.0.1/token",
        "http://localhost.example.com/token",
        "http://localhost@auth.example.com/token",
        "https://me:password@auth.example.com/token",
        "https://@auth.example.com/token",
        "https://",
        "https:///token",
        "https://[::1",
        "https://auth example.com/token",
        "https://auth.exämple.com/token",
        "ftp://auth.example.com/token",
        "file:///etc/passwd",
        "//auth.example.com/token",
        "auth.example.com/token",
    ],
)
def test_a_token_server_without_https_is_not_asked(image: ImageReference, realm: str) -> None:
    server = TokenServer()

    with pytest.raises(NoAccess, match=r"^it names no token server that can be reached by https$"):
        renew(server, image, f'Bearer realm="{realm}"', ME)
    assert server.asked == []


@pytest.mark.parametrize("realm", ["http://localhost:5001/token", "http://127.0.0.1/token", "http://[::1]:5001/token"])
def test_only_for_a_registry_on_this_machine_the_token_server_may_be_there_without_https(realm: str) -> None:
    server = TokenServer()

    assert renew(server, LOCAL, f'Bearer realm="{realm}"', None) == "Bearer abc"
    with pytest.raises(NoAccess):
        renew(server, IMAGE, f'Bearer realm="{realm}"')


@pytest.mark.parametrize("challenge", ["", "Negotiate", "Digest realm=x", "nonsense", "Bearerrealm=x", ","])
def test_a_challenge_that_nobody_can_meet_is_no_access(challenge: str) -> None:
    with pytest.raises(NoAccess, match=r"^it answered 401 without saying how to log in$"):
        renew(TokenServer(), IMAGE, challenge, ME)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"token": ""},
        {"token": None},
        {"token": 5},
        {"token": "two words"},
        {"token": "a\r\nX-Header: b"},
        {"token": "snow\N{SNOWMAN}man"},
        {"token": "abc", "expires_in": "soon"},
        [],
        "abc",
        5,
    ],
)
def test_an_answer_without_a_usable_token_is_no_access(answer: object) -> None:
    with pytest.raises(NoAccess, match=r"^its token server gave no token$"):
        renew(TokenServer(answer), IMAGE, 'Bearer realm="https://auth/t"')


def test_a_token_server_that_refuses_says_whether_a_login_was_missing() -> None:
    wanted = 'Bearer realm="https://auth/t"'

    with pytest.raises(NoAccess, match=r"^its token server answered 403$"):
        renew(TokenServer(status=403), IMAGE, wanted, ME)
    with pytest.raises(NoAccess, match=r"^its token server answered 403; PREVIEW_REGISTRY_CONFIG has no login for it$"):
        renew(TokenServer(status=403), IMAGE, wanted)


@pytest.mark.parametrize(("expires_in", "remembered"), [(11, True), (10, False), (0, False), (-5, False), (None, True)])
def test_a_token_is_remembered_only_while_it_is_valid(expires_in: int | None, remembered: bool) -> None:  # noqa: FBT001
    server = TokenServer({"token": "abc"} | ({} if expires_in is None else {"expires_in": expires_in}))
    known = access()
    known.renew(IMAGE, refusal('Bearer realm="https://auth/t"'), None, server)

    assert known.authorization(IMAGE) == ("Bearer abc" if remembered else "")
    assert known.authorization(LOCAL) == ""
    known.forget(IMAGE)
    assert known.authorization(IMAGE) == ""


def test_what_is_remembered_is_bounded() -> None:
    known, server = access(), TokenServer()
    images = [parse_image(f"ghcr.io/acme/orders-{number}:1") for number in range(1100)]
    for image in images:
        known.renew(image, refusal('Bearer realm="https://auth/t"'), None, server)

    assert len([image for image in images if known.authorization(image)]) == 1000
