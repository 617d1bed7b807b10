"""Settings: environment variables, checked all at once before anything starts.

Every secret can also come from a file: `PREVIEW_TOKEN_FILE=/path` instead of `PREVIEW_TOKEN=...`. Whitespace around a
secret is removed in both cases, because files and Kubernetes Secrets tend to end with a line break.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from plugin.core.config.threshold import Threshold, parse_threshold
from plugin.errors import InvalidSettings
from plugin.setting_values import (
    Address,
    BearerToken,
    Bind,
    Interval,
    MailAddress,
    PrivateKey,
    RegistryConfig,
    SourceName,
    State,
    WebhookSecret,
)

PREFIX = "PREVIEW_"


class SourceSettings(BaseModel):
    """What is needed to find pull requests."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    catalog: Path = Field(Path("catalog.yaml"), description="The catalog's file")
    source: SourceName = Field("github", description="`github`, or `file:PATH` of an organisation file")
    github_url: Address = Field(
        "https://api.github.com", description="GitHub's API; on Enterprise Server `https://HOST/api/v3`"
    )
    github_token: BearerToken | None = Field(None, description="A token that may read pull requests and contents")
    github_app_id: str | None = Field(
        None, pattern="^[A-Za-z0-9._-]+$", description="A GitHub App's id, instead of a token"
    )
    github_app_private_key: PrivateKey | None = Field(None, description="The App's private key (PEM)")


class StateSettings(SourceSettings):
    """What is needed to answer like the server: also where it stores what is known, and how long that may be used."""

    state: State = Field(
        "sqlite:~/.local/state/preview-plugin/state.db",
        validate_default=True,
        description="Keeps what is known: `sqlite:PATH`, for several replicas `redis://HOST:PORT/DB`, or `memory`",
    )

    max_stale: Interval = Field(
        "1h",
        validate_default=True,
        description="How long answers continue while GitHub cannot be read; after that, 503",
    )
    breaker: Annotated[Threshold, BeforeValidator(parse_threshold)] = Field(
        "5,20%",
        validate_default=True,
        description="A catalog edit that removes more previews than this number and share waits for `acknowledge`",
    )
    registry_config: RegistryConfig | None = Field(
        None, description="A Docker config file with the logins of registries, for `ready_when: {image: true}`"
    )


class Settings(StateSettings):
    """Everything that `serve` needs."""

    bind: Bind = Field("0.0.0.0:8080", description="Address and port to listen on")
    token: BearerToken = Field(description="The bearer token that Argo CD sends")
    read_token: BearerToken | None = Field(
        None, description="The bearer token of the read routes; without it they are off"
    )
    refresh: Interval = Field("30s", validate_default=True, description="How often GitHub is asked what has changed")
    webhook_secret: WebhookSecret | None = Field(
        None, description="The secret of GitHub's webhook; without it the route is off"
    )
    webhook_secret_previous: WebhookSecret | None = Field(
        None, description="The previous secret, also accepted while you change it"
    )
    argocd_webhook: Address | None = Field(
        None, description="Argo CD's webhook for ApplicationSets, called as soon as an answer changes"
    )
    argocd_webhook_secret: WebhookSecret | None = Field(
        None, description="Argo CD's own `webhook.github.secret`, if it has one"
    )
    argocd_api: Address | None = Field(
        None,
        description="Argo CD's API, for example `https://argocd-server.argocd.svc`, to end syncs that hang",
    )
    argocd_token: BearerToken | None = Field(None, description="The token of an account of Argo CD, for its API")
    argocd_url: Address | None = Field(
        None, description="Argo CD's address for people; reports link to Applications there"
    )
    jira_user: MailAddress | None = Field(
        None, description="The mail address of the account of Jira Cloud that writes links; none for Data Center"
    )
    jira_token: BearerToken | None = Field(None, description="The API token that writes links in Jira")
    notifications_token: BearerToken | None = Field(
        None, description="The bearer token that Argo CD's notifications send; without it the route is off"
    )


SECRETS = tuple(sorted(name for name, field in Settings.model_fields.items() if "SecretStr" in repr(field.annotation)))

AnySettings = TypeVar("AnySettings", bound=SourceSettings)


def load_settings(model: type[AnySettings], environ: Mapping[str, str]) -> AnySettings:
    """Read the settings. Raises InvalidSettings with one line for each invalid or missing setting."""
    problems: list[str] = []
    values = {name: environ[variable(name)] for name in model.model_fields if variable(name) in environ}
    for name in set(SECRETS).intersection(model.model_fields):
        _from_file(name, values, environ, problems)
        if name in values:
            values[name] = values[name].strip()
    unreadable = {name for name, value in values.items() if value == _unreadable(name)}
    problems += _contradictions(values)
    try:
        settings = model.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        problems += [_problem(detail) for detail in details if detail["loc"][0] not in unreadable]
    if problems:
        raise InvalidSettings("\n".join(sorted(problems)))
    return settings


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return the PREVIEW_ variables that are not settings; most likely they are misspelt."""
    known = {variable(name) for name in Settings.model_fields} | {f"{variable(name)}_FILE" for name in SECRETS}
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.upper()


def setting_of(path: object, environ: Mapping[str, str]) -> str:
    """Return the variable that names a file, or "" if none does."""
    for name in ("catalog", "source", "state"):
        value = environ.get(variable(name), str(StateSettings.model_fields[name].default))
        if path is not None and str(path) == (value if name == "catalog" else value.partition(":")[2]):
            return variable(name)
    return ""


def trust_certificates(environ: MutableMapping[str, str]) -> None:
    """Make `SSL_CERT_FILE` apply to HTTPS requests, too. Raises InvalidSettings if the file does not exist.

    OpenSSL, and so Redis, reads it anyway; requests, which talks to GitHub and to Argo CD, reads REQUESTS_CA_BUNDLE.
    """
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        if path := environ.get(name):
            if not Path(path).exists():
                raise InvalidSettings(f"{name}: there is no file {path}")
            environ["REQUESTS_CA_BUNDLE"] = path
            return


def _from_file(name: str, values: dict[str, str], environ: Mapping[str, str], problems: list[str]) -> None:
    file_variable = f"{variable(name)}_FILE"
    if file_variable not in environ:
        return
    if name in values:
        problems.append(f"{file_variable}: {variable(name)} is set too; set one of them")
        return
    try:
        values[name] = Path(environ[file_variable]).read_text("utf-8-sig")  # Windows writes a BOM
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{file_variable}: {error}")
        values[name] = _unreadable(name)


def _unreadable(name: str) -> str:
    # Takes the place of a secret that was reported, so that it is not also reported as missing or equal to another one.
    return f"unreadable-{name}"


def _contradictions(values: Mapping[str, str]) -> list[str]:
    problems = list(_equal_secrets(values))
    app = [name for name in ("github_app_id", "github_app_private_key") if name in values]
    if len(app) == 1:
        problems.append(
            "PREVIEW_GITHUB_APP_ID: must be set together with PREVIEW_GITHUB_APP_PRIVATE_KEY; one of them is missing"
        )
    if values.get("source", "github") == "github" and not app and "github_token" not in values:
        problems.append(
            "PREVIEW_GITHUB_TOKEN: is missing; or set PREVIEW_GITHUB_APP_ID and PREVIEW_GITHUB_APP_PRIVATE_KEY, "
            "or PREVIEW_SOURCE=file:PATH to try a catalog without GitHub"
        )
    if app and "github_token" in values:
        problems.append("PREVIEW_GITHUB_TOKEN: a GitHub App is set too; set one of them")
    if "webhook_secret_previous" in values and "webhook_secret" not in values:
        problems.append("PREVIEW_WEBHOOK_SECRET_PREVIOUS: PREVIEW_WEBHOOK_SECRET is missing")
    if "argocd_webhook_secret" in values and "argocd_webhook" not in values:
        problems.append("PREVIEW_ARGOCD_WEBHOOK_SECRET: PREVIEW_ARGOCD_WEBHOOK is missing")
    if "jira_user" in values and "jira_token" not in values:
        problems.append("PREVIEW_JIRA_USER: PREVIEW_JIRA_TOKEN is missing")
    api = [name for name in ("argocd_api", "argocd_token") if name in values]
    if len(api) == 1:
        problems.append("PREVIEW_ARGOCD_API: must be set together with PREVIEW_ARGOCD_TOKEN; one of them is missing")
    return problems


def _equal_secrets(values: Mapping[str, str]) -> Iterator[str]:
    """Find secrets that are used twice: knowing one of them must not give the rights of another."""
    first: dict[str, str] = {}
    for name in (name for name in Settings.model_fields if name in SECRETS and values.get(name)):
        other = first.setdefault(values[name], name)
        if other != name:
            yield f"{variable(name)}: must differ from {variable(other)}"


def _problem(detail: Mapping[str, Any]) -> str:
    message = "is missing" if detail["type"] == "missing" else str(detail.get("ctx", {}).get("error", detail["msg"]))
    return f"{variable(str(detail['loc'][0]))}: {message}"
