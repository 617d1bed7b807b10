"""The protocol. Argo CD deletes every preview that a 2xx leaves out, so only one kind of answer may be a 2xx."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from plugin.app import Plugin
from plugin.web.getparams import MAX_BODY
from tests.unit.web.conftest import READ_TOKEN, TOKEN

PATH = "/api/v1/getparams.execute"
AUTHORISED = {"Authorization": f"Bearer {TOKEN}"}


def ask(client: FlaskClient, body: object, **options: Any) -> TestResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode() + b"\n"
    return client.post(PATH, data=data, headers=AUTHORISED, content_type="application/json", **options)


def message(response: TestResponse) -> str:
    content = json.loads(response.data)
    assert content.keys() == {"message"}
    assert response.content_length == len(response.data)
    assert response.mimetype == "application/json"
    text: str = content["message"]
    return text


def services(response: TestResponse) -> set[str]:
    return {preview["service"] for preview in response.json["output"]["parameters"]}  # type: ignore[index]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"applicationSetName":"previews","input":{}}\n', id="without parameters"),
        pytest.param(b'{"applicationSetName":"previews","input":{"parameters":{}}}\n', id="with empty parameters"),
    ],
)
def test_the_request_that_argocd_sends_gets_every_live_preview(client: FlaskClient, body: bytes) -> None:
    response = ask(client, body)

    assert response.status_code == 200
    assert response.content_length == len(response.data)
    assert len(response.json["output"]["parameters"]) == 12  # type: ignore[index]
    assert services(response) == {"admin", "orders", "payments", "reports", "shop", "users"}


@pytest.mark.parametrize("parameters", [{}, {"services": ["orders"]}, {"origin": "fork"}])
def test_the_body_is_exactly_argocds_envelope_around_the_list(
    client: FlaskClient, plugin: Plugin, parameters: dict[str, Any]
) -> None:
    response = ask(client, {"input": {"parameters": parameters}})

    assert response.data == b'{"output":{"parameters":' + plugin.answers.parameters(parameters) + b"}}"
    assert response.headers.getlist("Content-Length") == [str(len(response.data))]
    assert response.mimetype == "application/json"


def test_the_same_request_gets_the_same_bytes(client: FlaskClient, plugin: Plugin) -> None:
    before = ask(client, {"input": {}}).data
    plugin.refresher.refresh()

    assert before == ask(client, {"input": {}}).data


def test_filters_are_combined_with_and(client: FlaskClient) -> None:
    both = {"services": ["orders", "shop"], "profile": "backend"}

    assert services(ask(client, {"input": {"parameters": both}})) == {"orders"}


def test_a_filter_that_matches_nothing_now_gets_an_empty_list(client: FlaskClient) -> None:
    response = ask(client, {"input": {"parameters": {"origin": "fork"}}})

    assert response.json == {"output": {"parameters": []}}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (
            {"service": ["orders"]},
            'unknown input parameter "service"; known are services, profile, origin; did you mean "services"?',
        ),
        ({"services": []}, "services is an empty list; leave it out to ask for all services"),
        ({"services": "orders"}, "services must be a list of service names"),
        ({"services": [1]}, "services must be a list of service names"),
        ({"services": None}, "services must be a list of service names"),
        ({"services": ["ordrs"]}, 'services: the catalog has no service "ordrs"; did you mean "orders"?'),
        (
            {"profile": "front"},
            'profile: no service of the catalog has the profile "front"; there are backend, frontend',
        ),
        ({"profile": ["backend"]}, "profile must be a string"),
        ({"origin": "forks"}, "origin must be one of same-repository, fork, any"),
        ({"origin": None}, "origin must be one of same-repository, fork, any"),
    ],
)
def test_a_misspelt_filter_never_looks_like_none_left(client: FlaskClient, parameters: object, expected: str) -> None:
    response = ask(client, {"input": {"parameters": parameters}})

    assert response.status_code == 400
    assert message(response) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "the request body is not JSON"),
        (b"{", "the request body is not JSON"),
        (b"\xff\xfe\xfd", "the request body is not JSON"),
        (b"[" * 60_000, "the request body is not JSON"),
        (b"[]", "the request body must be a JSON object"),
        (b"null", "the request body must be a JSON object"),
        (b'{"applicationSetName":1,"input":{}}', "applicationSetName must be a string"),
        (
            b'{"applicationSetName":"previews"}',
            'input is missing; the smallest request is {"applicationSetName": "previews", "input": {}}',
        ),
        (b'{"input":[]}', "input must be a JSON object"),
        (b'{"input":{"parameters":[]}}', "input.parameters must be a JSON object"),
        (b'{"input":{"parameters":null}}', "input.parameters must be a JSON object"),
    ],
)
def test_a_wrong_body_is_a_400_that_says_what_to_fix(client: FlaskClient, body: bytes, expected: str) -> None:
    response = ask(client, body)

    assert response.status_code == 400
    assert message(response) == expected


def test_an_oversized_body_is_a_413(client: FlaskClient) -> None:
    response = ask(client, b" " * (MAX_BODY + 1))

    assert response.status_code == 413
    assert message(response) == "the request body is too large"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="missing"),
        pytest.param({"Authorization": ""}, id="empty header"),
        pytest.param({"Authorization": "Bearer "}, id="empty token"),
        pytest.param({"Authorization": "Bearer wrong"}, id="wrong"),
        pytest.param({"Authorization": f"Bearer {TOKEN} "}, id="longer"),
        pytest.param({"Authorization": f"Bearer {TOKEN[:-1]}"}, id="shorter"),
        pytest.param({"Authorization": "Bearer $preview-plugin:token"}, id="Argo CD's unresolved reference"),
        pytest.param({"Authorization": "Bearer tökén"}, id="not ASCII"),
        pytest.param({"Authorization": f"Basic {TOKEN}"}, id="another scheme"),
        pytest.param({"Authorization": TOKEN}, id="no scheme"),
        pytest.param({"Authorization": f"Bearer {READ_TOKEN}"}, id="the read token"),
    ],
)
def test_without_the_token_there_is_a_403_whatever_the_body(client: FlaskClient, headers: dict[str, str]) -> None:
    for body in (b'{"applicationSetName":"previews","input":{}}', b"{", b" " * (MAX_BODY + 1)):
        response = client.post(PATH, data=body, headers=headers)

        assert response.status_code == 403
        assert message(response) == "the bearer token is missing or wrong"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_is_a_405(client: FlaskClient, method: str) -> None:
    response = client.open(PATH, method=method, headers=AUTHORISED)

    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    "path", ["/", "//api/v1/getparams.execute", f"{PATH}/", "/api/v1/getparams", "/api//v1/getparams.execute"]
)
def test_another_path_is_a_404_and_never_a_redirect(client: FlaskClient, path: str) -> None:
    response = client.post(path, data=b'{"input":{}}', headers=AUTHORISED)

    assert response.status_code == 404
    assert message(response) == "there is nothing at this path"


def test_before_everything_was_read_a_503_names_the_repositories(cold_client: FlaskClient) -> None:
    response = ask(cold_client, {"input": {}})

    assert response.status_code == 503
    assert message(response) == (
        "these repositories have never been read: acme/backoffice, acme/orders, acme/payments, acme/shop, acme/users"
    )


def test_an_unexpected_error_is_a_500_and_no_empty_answer(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("plugin.mirror.answers.parse_filters", broken)
    response = ask(client, {"input": {}})

    assert response.status_code == 500
    assert message(response) == "unexpected error; see the plugin's log"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["services", "profile", "origin", "x"]), inner)
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=200)
    | st.builds(lambda value: json.dumps({"input": {"parameters": value}}).encode(), JSON)
)
def test_no_authorised_request_ever_gets_a_2xx_without_parameters(client: FlaskClient, content: bytes) -> None:
    response = ask(client, content)

    if 200 <= response.status_code < 300:
        assert isinstance(response.json["output"]["parameters"], list)  # type: ignore[index]
    else:
        assert 400 <= response.status_code < 500
        assert message(response)
