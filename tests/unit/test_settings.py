from datetime import timedelta
from itertools import combinations
from pathlib import Path

import pytest

from plugin.errors import InvalidSettings
from plugin.settings import (
    Settings,
    SourceSettings,
    StateSettings,
    load_settings,
    setting_of,
    trust_certificates,
    unknown_variables,
    variable,
)
from tests.keys import PRIVATE_KEY

GOOD = {
    "PREVIEW_CATALOG": "/etc/preview/catalog.yaml",
    "PREVIEW_TOKEN": "argocd-token",
    "PREVIEW_GITHUB_TOKEN": "github-token",
}
NOT_VISIBLE = "must consist of visible ASCII characters without blanks, and must not be empty"
NO_TOKEN = (
    "PREVIEW_GITHUB_TOKEN: is missing; or set PREVIEW_GITHUB_APP_ID and PREVIEW_GITHUB_APP_PRIVATE_KEY, "
    "or PREVIEW_SOURCE=file:PATH to try a catalog without GitHub"
)

ARGOCD_PAIR = "PREVIEW_ARGOCD_API: must be set together with PREVIEW_ARGOCD_TOKEN; one of them is missing"
NO_KEY = "PREVIEW_GITHUB_APP_PRIVATE_KEY: must be a private key in PEM format without a password"


def mistakes(environ: dict[str, str], model: type[SourceSettings] = Settings) -> list[str]:
    with pytest.raises(InvalidSettings) as error:
        load_settings(model, environ)
    return str(error.value).splitlines()


def test_defaults_of_the_smallest_environment() -> None:
    settings = load_settings(Settings, GOOD)

    assert settings.catalog == Path("/etc/preview/catalog.yaml")
    assert settings.bind == "0.0.0.0:8080"
    assert settings.source == "github"
    assert settings.github_url == "https://api.github.com"
    assert settings.refresh == timedelta(seconds=30)
    assert settings.read_token is None


def test_everything_that_can_be_set() -> None:
    settings = load_settings(
        Settings,
        {
            "PREVIEW_CATALOG": "catalog.yaml",
            "PREVIEW_TOKEN": "argocd-token",
            "PREVIEW_READ_TOKEN": "read-token",
            "PREVIEW_BIND": "[::1]:9000",
            "PREVIEW_SOURCE": "github",
            "PREVIEW_GITHUB_URL": "https://ghe.example.com:8443/api/v3",
            "PREVIEW_GITHUB_APP_ID": "12345",
            "PREVIEW_GITHUB_APP_PRIVATE_KEY": PRIVATE_KEY,
            "PREVIEW_REFRESH": "2m",
        },
    )

    assert (settings.bind, settings.refresh) == ("[::1]:9000", timedelta(minutes=2))
    assert settings.read_token
    assert settings.read_token.get_secret_value() == "read-token"
    assert settings.github_url == "https://ghe.example.com:8443/api/v3"
    assert settings.github_app_id == "12345"
    assert settings.github_token is None


def test_all_invalid_settings_are_in_one_message() -> None:
    environ = {
        "PREVIEW_BIND": "8080",
        "PREVIEW_TOKEN": "$plugin-token",
        "PREVIEW_READ_TOKEN": "$plugin-token",
        "PREVIEW_GITHUB_URL": "ghe.example.com",
        "PREVIEW_GITHUB_APP_ID": "12345",
        "PREVIEW_REFRESH": "30",
    }

    assert mistakes(environ) == [
        "PREVIEW_BIND: must be HOST:PORT, for example 0.0.0.0:8080",
        "PREVIEW_GITHUB_APP_ID: must be set together with PREVIEW_GITHUB_APP_PRIVATE_KEY; one of them is missing",
        "PREVIEW_GITHUB_URL: must be a URL, for example https://ghe.example.com/api/v3",
        "PREVIEW_READ_TOKEN: must differ from PREVIEW_TOKEN",
        'PREVIEW_READ_TOKEN: must not start with "$"',
        'PREVIEW_REFRESH: "30" is not a duration: write a whole number and one of s, m, h, d, w, for example 30s',
        'PREVIEW_TOKEN: must not start with "$"',
    ]


def test_an_empty_environment_names_the_required_settings() -> None:
    assert mistakes({}) == [NO_TOKEN, "PREVIEW_TOKEN: is missing"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"PREVIEW_TOKEN": ""}, f"PREVIEW_TOKEN: {NOT_VISIBLE}"),
        ({"PREVIEW_TOKEN": "two words"}, f"PREVIEW_TOKEN: {NOT_VISIBLE}"),
        ({"PREVIEW_TOKEN": "schlüssel"}, f"PREVIEW_TOKEN: {NOT_VISIBLE}"),
        ({"PREVIEW_TOKEN": "two\nlines"}, f"PREVIEW_TOKEN: {NOT_VISIBLE}"),
        ({"PREVIEW_TOKEN": "$"}, 'PREVIEW_TOKEN: must not start with "$"'),
        ({"PREVIEW_READ_TOKEN": ""}, f"PREVIEW_READ_TOKEN: {NOT_VISIBLE}"),
        ({"PREVIEW_READ_TOKEN": "argocd-token"}, "PREVIEW_READ_TOKEN: must differ from PREVIEW_TOKEN"),
        ({"PREVIEW_GITHUB_TOKEN": ""}, f"PREVIEW_GITHUB_TOKEN: {NOT_VISIBLE}"),
        ({"PREVIEW_SOURCE": "gitlab"}, 'PREVIEW_SOURCE: must be "github" or "file:PATH"'),
        ({"PREVIEW_SOURCE": "file:"}, 'PREVIEW_SOURCE: must be "github" or "file:PATH"'),
        ({"PREVIEW_BIND": "0.0.0.0"}, "PREVIEW_BIND: must be HOST:PORT, for example 0.0.0.0:8080"),
        ({"PREVIEW_BIND": "0.0.0.0:99999"}, "PREVIEW_BIND: must be HOST:PORT, for example 0.0.0.0:8080"),
        ({"PREVIEW_BIND": ":8080"}, "PREVIEW_BIND: must be HOST:PORT, for example 0.0.0.0:8080"),
        ({"PREVIEW_REFRESH": "2d"}, "PREVIEW_REFRESH: must be at most 1d"),
        (
            {"PREVIEW_REFRESH": "0s"},
            'PREVIEW_REFRESH: "0s" is not a duration: write a whole number and one of s, m, h, d, w, for example 30s',
        ),
        (
            {"PREVIEW_GITHUB_APP_ID": "1", "PREVIEW_GITHUB_APP_PRIVATE_KEY": PRIVATE_KEY},
            "PREVIEW_GITHUB_TOKEN: a GitHub App is set too; set one of them",
        ),
    ],
)
def test_each_mistake(given: dict[str, str], expected: str) -> None:
    assert mistakes(GOOD | given) == [expected]


def test_an_app_without_a_key_or_with_an_empty_one_is_a_mistake() -> None:
    app = {name: value for name, value in GOOD.items() if name != "PREVIEW_GITHUB_TOKEN"} | {
        "PREVIEW_GITHUB_APP_ID": "1"
    }

    assert mistakes(app) == [
        "PREVIEW_GITHUB_APP_ID: must be set together with PREVIEW_GITHUB_APP_PRIVATE_KEY; one of them is missing"
    ]
    assert mistakes(app | {"PREVIEW_GITHUB_APP_PRIVATE_KEY": ""}) == [NO_KEY]
    assert mistakes(app | {"PREVIEW_GITHUB_APP_PRIVATE_KEY": "garbage"}) == [NO_KEY]


def test_a_file_as_source_needs_no_github() -> None:
    environ = {"PREVIEW_CATALOG": "c", "PREVIEW_TOKEN": "t", "PREVIEW_SOURCE": "file:organisation.yaml"}

    assert load_settings(Settings, environ).source == "file:organisation.yaml"


def test_source_settings_need_no_token_of_argo_cd() -> None:
    assert load_settings(SourceSettings, {"PREVIEW_CATALOG": "c", "PREVIEW_SOURCE": "file:o"}).catalog == Path("c")
    assert load_settings(SourceSettings, {"PREVIEW_SOURCE": "file:o"}).catalog == Path("catalog.yaml")
    assert mistakes({}, SourceSettings) == [NO_TOKEN]


def test_every_secret_can_come_from_a_file(tmp_path: Path) -> None:
    environ = {"PREVIEW_CATALOG": "c"}
    for name in ("TOKEN", "READ_TOKEN", "GITHUB_TOKEN"):
        (tmp_path / name).write_text(f"{name.lower()}-value\n")
        environ[f"PREVIEW_{name}_FILE"] = str(tmp_path / name)
    settings = load_settings(Settings, environ)

    assert settings.token.get_secret_value() == "token-value"
    assert settings.read_token
    assert settings.read_token.get_secret_value() == "read_token-value"
    assert settings.github_token
    assert settings.github_token.get_secret_value() == "github_token-value"


def test_a_private_key_from_a_file_keeps_its_lines(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(PRIVATE_KEY + "\n")
    settings = load_settings(
        Settings,
        {
            "PREVIEW_CATALOG": "c",
            "PREVIEW_TOKEN": "t",
            "PREVIEW_GITHUB_APP_ID": "1",
            "PREVIEW_GITHUB_APP_PRIVATE_KEY_FILE": str(tmp_path / "key"),
        },
    )

    assert settings.github_app_private_key
    assert settings.github_app_private_key.get_secret_value() == PRIVATE_KEY


def test_mistakes_of_files_of_secrets(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    missing = tmp_path / "missing"
    environ = {
        "PREVIEW_CATALOG": "c",
        "PREVIEW_TOKEN_FILE": str(missing),
        "PREVIEW_READ_TOKEN_FILE": str(missing),
        "PREVIEW_GITHUB_TOKEN_FILE": str(tmp_path / "empty"),
    }

    assert mistakes(environ) == [
        f"PREVIEW_GITHUB_TOKEN: {NOT_VISIBLE}",
        f"PREVIEW_READ_TOKEN_FILE: [Errno 2] No such file or directory: '{missing}'",
        f"PREVIEW_TOKEN_FILE: [Errno 2] No such file or directory: '{missing}'",
    ]
    assert mistakes(GOOD | {"PREVIEW_TOKEN_FILE": str(missing)}) == [
        "PREVIEW_TOKEN_FILE: PREVIEW_TOKEN is set too; set one of them"
    ]


def test_secrets_are_in_no_message_and_no_representation() -> None:
    environ = GOOD | {"PREVIEW_TOKEN": "$ecret words", "PREVIEW_READ_TOKEN": "sécret"}

    assert not [line for line in mistakes(environ) if "ecret" in line]
    assert "token" not in repr(load_settings(Settings, GOOD)).replace("token=", "")


def test_unknown_variables_are_named() -> None:
    environ = GOOD | {"PREVIEW_TOKEN_FILE": "", "PREVIEW_REFESH": "1m", "PREVIEW_BIND_FILE": "x", "HOME": "/"}

    assert unknown_variables(environ) == ["PREVIEW_BIND_FILE", "PREVIEW_REFESH"]


STATE = 'PREVIEW_STATE: must be "sqlite:PATH", "redis://HOST:PORT/DB", "rediss://..." or "memory"'
THRESHOLD = 'PREVIEW_BREAKER: must be a number and a share, for example "5,20%"'
SHORT = "must have at least 16 characters"
SECRET = "0123456789abcdef"


def test_defaults_of_state_staleness_and_breaker() -> None:
    settings = load_settings(Settings, GOOD)

    assert settings.state.get_secret_value() == "sqlite:~/.local/state/preview-plugin/state.db"
    assert settings.max_stale == timedelta(hours=1)
    assert settings.breaker == (5, 20)
    assert (settings.webhook_secret, settings.webhook_secret_previous) == (None, None)
    assert (settings.argocd_webhook, settings.argocd_webhook_secret) == (None, None)


def test_state_breaker_and_webhooks_can_be_set() -> None:
    settings = load_settings(
        Settings,
        GOOD
        | {
            "PREVIEW_STATE": "rediss://user:word@redis.example.com:6380/0",
            "PREVIEW_MAX_STALE": "15m",
            "PREVIEW_BREAKER": "0, 100 %",
            "PREVIEW_WEBHOOK_SECRET": SECRET,
            "PREVIEW_WEBHOOK_SECRET_PREVIOUS": f"before {SECRET}",
            "PREVIEW_ARGOCD_WEBHOOK": "http://argocd-applicationset-controller.argocd.svc:7000/api/webhook",
            "PREVIEW_ARGOCD_WEBHOOK_SECRET": f"argo {SECRET}",
            "PREVIEW_ARGOCD_API": "https://argocd.example.com/argo-cd",
            "PREVIEW_ARGOCD_TOKEN": "token-of-the-account",
        },
    )

    assert settings.state.get_secret_value() == "rediss://user:word@redis.example.com:6380/0"
    assert "word" not in repr(settings)
    assert settings.max_stale == timedelta(minutes=15)
    assert settings.breaker == (0, 100)
    assert settings.webhook_secret
    assert settings.webhook_secret.get_secret_value() == SECRET
    assert settings.webhook_secret_previous
    assert settings.webhook_secret_previous.get_secret_value() == f"before {SECRET}"
    assert settings.argocd_webhook == "http://argocd-applicationset-controller.argocd.svc:7000/api/webhook"
    assert settings.argocd_webhook_secret
    assert settings.argocd_webhook_secret.get_secret_value() == f"argo {SECRET}"
    assert settings.argocd_api == "https://argocd.example.com/argo-cd"
    assert settings.argocd_token
    assert settings.argocd_token.get_secret_value() == "token-of-the-account"


@pytest.mark.parametrize("state", ["memory", "sqlite:state.db", "sqlite:/var/lib/state.db", "redis://redis:6379/0"])
def test_valid_states(state: str) -> None:
    settings = load_settings(StateSettings, GOOD | {"PREVIEW_STATE": state})

    assert settings.state.get_secret_value() == state


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"PREVIEW_STATE": ""}, STATE),
        ({"PREVIEW_STATE": "sqlite:"}, STATE),
        ({"PREVIEW_STATE": "memory:x"}, STATE),
        ({"PREVIEW_STATE": "redis://"}, STATE),
        ({"PREVIEW_STATE": "postgres://db"}, STATE),
        ({"PREVIEW_MAX_STALE": "25h"}, "PREVIEW_MAX_STALE: must be at most 1d"),
        ({"PREVIEW_BREAKER": "5"}, THRESHOLD),
        ({"PREVIEW_BREAKER": "5,101%"}, THRESHOLD),
        ({"PREVIEW_WEBHOOK_SECRET": SECRET[1:]}, f"PREVIEW_WEBHOOK_SECRET: {SHORT}"),
        ({"PREVIEW_WEBHOOK_SECRET": f"{SECRET[1:]} \n"}, f"PREVIEW_WEBHOOK_SECRET: {SHORT}"),
        (
            {"PREVIEW_WEBHOOK_SECRET": f"{SECRET}\n{SECRET}"},
            "PREVIEW_WEBHOOK_SECRET: must be a single line without control characters",
        ),
        (
            {"PREVIEW_WEBHOOK_SECRET_PREVIOUS": SECRET},
            "PREVIEW_WEBHOOK_SECRET_PREVIOUS: PREVIEW_WEBHOOK_SECRET is missing",
        ),
        (
            {"PREVIEW_ARGOCD_WEBHOOK_SECRET": SECRET},
            "PREVIEW_ARGOCD_WEBHOOK_SECRET: PREVIEW_ARGOCD_WEBHOOK is missing",
        ),
        (
            {"PREVIEW_ARGOCD_WEBHOOK": "argocd"},
            "PREVIEW_ARGOCD_WEBHOOK: must be a URL, for example https://ghe.example.com/api/v3",
        ),
        ({"PREVIEW_ARGOCD_API": "https://argocd.example.com"}, ARGOCD_PAIR),
        (
            {"PREVIEW_ARGOCD_URL": "argocd"},
            "PREVIEW_ARGOCD_URL: must be a URL, for example https://ghe.example.com/api/v3",
        ),
        ({"PREVIEW_JIRA_USER": "ada@acme.example"}, "PREVIEW_JIRA_USER: PREVIEW_JIRA_TOKEN is missing"),
        (
            {"PREVIEW_JIRA_USER": "ada", "PREVIEW_JIRA_TOKEN": "token-of-jira"},
            "PREVIEW_JIRA_USER: must be a mail address, for example previews@acme.example",
        ),
        ({"PREVIEW_ARGOCD_TOKEN": "token-of-the-account"}, ARGOCD_PAIR),
        (
            {"PREVIEW_ARGOCD_API": "https://user:word@argocd", "PREVIEW_ARGOCD_TOKEN": "token-of-the-account"},
            "PREVIEW_ARGOCD_API: must be a URL, for example https://ghe.example.com/api/v3",
        ),
    ],
)
def test_invalid_values_of_state_breaker_and_webhooks(given: dict[str, str], expected: str) -> None:
    assert mistakes(GOOD | given) == [expected]


def test_the_longest_staleness_is_a_day() -> None:
    assert load_settings(Settings, GOOD | {"PREVIEW_MAX_STALE": "24h"}).max_stale == timedelta(days=1)


EVERY_SECRET = {
    "TOKEN": "argocd-token",
    "READ_TOKEN": "read-token",
    "GITHUB_TOKEN": "github-token",
    "WEBHOOK_SECRET": SECRET,
    "WEBHOOK_SECRET_PREVIOUS": f"previous {SECRET}",
    "ARGOCD_WEBHOOK_SECRET": f"argocd {SECRET}",
    "ARGOCD_TOKEN": "token-of-the-account",
    "STATE": "redis://:word@redis.example.com/0",
}
WITHOUT_SECRETS = {
    "PREVIEW_CATALOG": "c",
    "PREVIEW_ARGOCD_WEBHOOK": "http://argocd:7000/api/webhook",
    "PREVIEW_ARGOCD_API": "https://argocd.example.com",
}


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", "{} ", "\n {}", "\t{}\n\n"])
def test_whitespace_around_every_secret_is_removed_by_every_route(tmp_path: Path, around: str) -> None:
    written = {name: around.format(value) for name, value in EVERY_SECRET.items()}
    for name, text in written.items():
        (tmp_path / name).write_bytes(text.encode())
    direct = WITHOUT_SECRETS | {f"PREVIEW_{name}": text for name, text in written.items()}
    files = WITHOUT_SECRETS | {f"PREVIEW_{name}_FILE": str(tmp_path / name) for name in written}

    for environ in (direct, files):
        settings = load_settings(Settings, environ)
        found = {name: getattr(settings, name.lower()).get_secret_value() for name in written}
        assert found == EVERY_SECRET


def test_a_private_key_from_the_environment_keeps_its_lines() -> None:
    app = {"PREVIEW_GITHUB_APP_ID": "1", "PREVIEW_GITHUB_APP_PRIVATE_KEY": f"\n{PRIVATE_KEY}\n\n"}
    settings = load_settings(Settings, {"PREVIEW_CATALOG": "c", "PREVIEW_TOKEN": "t", **app})

    assert settings.github_app_private_key
    assert settings.github_app_private_key.get_secret_value() == PRIVATE_KEY.strip()


def test_a_secret_from_a_file_that_windows_wrote(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"\xef\xbb\xbfargocd-token\r\n")
    environ = {name: value for name, value in GOOD.items() if name != "PREVIEW_TOKEN"}
    settings = load_settings(Settings, environ | {"PREVIEW_TOKEN_FILE": str(tmp_path / "token")})

    assert settings.token.get_secret_value() == "argocd-token"


@pytest.mark.parametrize(
    ("one", "other"),
    [pair for pair in combinations(EVERY_SECRET, 2) if "STATE" not in pair],
)
def test_two_secrets_must_differ(one: str, other: str) -> None:
    environ = WITHOUT_SECRETS | {f"PREVIEW_{name}": value for name, value in EVERY_SECRET.items()}
    environ |= {f"PREVIEW_{one}": "0123456789abcdefg", f"PREVIEW_{other}": "0123456789abcdefg\n"}
    order = [variable(name) for name in Settings.model_fields]
    first, second = sorted((f"PREVIEW_{one}", f"PREVIEW_{other}"), key=order.index)

    assert mistakes(environ) == [f"{second}: must differ from {first}"]


def test_ssl_cert_file_counts_for_https(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.touch()
    environ = {"SSL_CERT_FILE": str(ca)}
    trust_certificates(environ)
    assert environ["REQUESTS_CA_BUNDLE"] == str(ca)

    environ = {"SSL_CERT_FILE": "/ours", "REQUESTS_CA_BUNDLE": str(ca)}
    trust_certificates(environ)
    assert environ["REQUESTS_CA_BUNDLE"] == str(ca)

    environ = {}
    trust_certificates(environ)
    assert environ == {}


def test_a_missing_file_of_certificates_is_named_with_its_variable(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=f"^SSL_CERT_FILE: there is no file {tmp_path}/ca.pem$"):
        trust_certificates({"SSL_CERT_FILE": f"{tmp_path}/ca.pem"})


def test_a_file_is_named_with_the_setting_that_names_it() -> None:
    environ = {"PREVIEW_CATALOG": "/c", "PREVIEW_SOURCE": "file:/s", "PREVIEW_STATE": "sqlite:/d"}

    assert [setting_of(path, environ) for path in ("/c", "/s", "/d", "/x", None)] == [
        *("PREVIEW_CATALOG", "PREVIEW_SOURCE", "PREVIEW_STATE", "", "")
    ]
    assert [setting_of(path, {}) for path in ("catalog.yaml", "github", "/c")] == ["PREVIEW_CATALOG", "", ""]


def test_logins_of_registries_come_from_a_docker_config_file(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"auths": {"ghcr.io": {"username": "me", "password": "secret-password"}}}')

    settings = load_settings(Settings, {**GOOD, "PREVIEW_REGISTRY_CONFIG": str(config)})

    assert settings.registry_config == config
    assert "secret-password" not in repr(settings)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"secret-password", 'is not a Docker config file: {"auths": {"REGISTRY": {"auth": "..."}}}'),
        (b'{"auths": {"ghcr.io": {"auth": "secret-password"}}}', 'has an "auth" for ghcr.io that is not base64'),
        (b'{"credsStore": "secret-password"}', 'has no "auths"; logins in a credential store'),
        (b"\xff", "is not UTF-8"),
    ],
)
def test_a_broken_docker_config_file_is_named_without_its_content(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    config = tmp_path / "config.json"
    if content is not None:
        config.write_bytes(content)

    (mistake,) = mistakes({**GOOD, "PREVIEW_REGISTRY_CONFIG": str(config)})

    assert mistake.startswith(f"PREVIEW_REGISTRY_CONFIG: {config} {problem}")
    assert "secret-password" not in mistake
