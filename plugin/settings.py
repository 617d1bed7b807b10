"""Settings: environment variables, checked all at once before anything starts.

Every secret can also come from a file: `PREVIEW_TOKEN_FILE=/path` instead of `PREVIEW_TOKEN=...`.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from plugin.durations import parse_duration
from plugin.errors import InvalidSettings

PREFIX = "PREVIEW_"
MAX_PORT = 65535


def _token(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    # Argo CD sends the literal "$name" when the key is missing from its Secret, so that must never be a token.
    if value.startswith("$"):
        raise ValueError('must not start with "$"')
    if not re.fullmatch(r"[!-~]+", value):
        raise ValueError("must be visible ASCII characters without blanks, and not empty")
    return secret


def _private_key(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value():
        raise ValueError("is empty")
    return secret


def _bind(text: str) -> str:
    match = re.fullmatch(r"(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})", text)
    if match is None or int(match[1]) > MAX_PORT:
        raise ValueError("must be HOST:PORT, for example 0.0.0.0:8080")
    return text


def _source(text: str) -> str:
    if text != "github" and not re.fullmatch(r"file:.+", text):
        raise ValueError('must be "github" or "file:PATH"')
    return text


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._/-]*)?", text):
        raise ValueError("must be a URL, for example https://ghe.example.com/api/v3")
    return text


Token = Annotated[SecretStr, AfterValidator(_token)]
PrivateKey = Annotated[SecretStr, AfterValidator(_private_key)]
Duration = Annotated[timedelta, BeforeValidator(parse_duration)]


class SourceSettings(BaseModel):
    """What is needed to find pull requests: enough for `params` and `explain`."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    catalog: Path = Field(description="The catalog's file")
    source: Annotated[str, AfterValidator(_source)] = Field(
        "github", description="`github`, or `file:PATH` of an organisation file"
    )
    github_url: Annotated[str, AfterValidator(_url)] = Field(
        "https://api.github.com", description="GitHub's API; on Enterprise Server `https://HOST/api/v3`"
    )
    github_token: Token | None = Field(None, description="A token that may read pull requests and contents")
    github_app_id: str | None = Field(
        None, pattern="^[A-Za-z0-9._-]+$", description="A GitHub App's id, instead of a token"
    )
    github_app_private_key: PrivateKey | None = Field(None, description="The App's private key (PEM)")


class Settings(SourceSettings):
    """Everything that `serve` needs."""

    bind: Annotated[str, AfterValidator(_bind)] = Field("0.0.0.0:8080", description="Address and port to listen on")
    token: Token = Field(description="The bearer token that Argo CD sends")
    read_token: Token | None = Field(None, description="The bearer token of the read routes; without it they are off")
    refresh: Duration = Field("30s", validate_default=True, description="How often GitHub is read")


SECRETS = tuple(sorted(name for name, field in Settings.model_fields.items() if "SecretStr" in repr(field.annotation)))

AnySettings = TypeVar("AnySettings", bound=SourceSettings)


def load_settings(model: type[AnySettings], environ: Mapping[str, str]) -> AnySettings:
    """Read the settings. Raises InvalidSettings with one line for each that is wrong or missing."""
    problems: list[str] = []
    values = {name: environ[variable(name)] for name in model.model_fields if variable(name) in environ}
    for name in set(SECRETS).intersection(model.model_fields):
        _from_file(name, values, environ, problems)
    problems += _contradictions(values)
    try:
        settings = model.model_validate(values)
    except ValidationError as error:
        problems += [_problem(detail) for detail in error.errors(include_url=False, include_input=False)]
    if problems:
        raise InvalidSettings("\n".join(sorted(problems)))
    return settings


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Name the PREVIEW_ variables that mean nothing here: most likely they are misspelt."""
    known = {variable(name) for name in Settings.model_fields} | {f"{variable(name)}_FILE" for name in SECRETS}
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.upper()


def _from_file(name: str, values: dict[str, str], environ: Mapping[str, str], problems: list[str]) -> None:
    file_variable = f"{variable(name)}_FILE"
    if file_variable not in environ:
        return
    if name in values:
        problems.append(f"{file_variable}: {variable(name)} is set too; set one of them")
        return
    try:
        values[name] = Path(environ[file_variable]).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{file_variable}: {error}")
        values[name] = f"unreadable-{name}"  # reported above; neither as missing nor as equal to another one too


def _contradictions(values: Mapping[str, str]) -> list[str]:
    problems = []
    if values.get("token") and values.get("token") == values.get("read_token"):
        problems.append("PREVIEW_READ_TOKEN: must differ from PREVIEW_TOKEN")
    app = [name for name in ("github_app_id", "github_app_private_key") if name in values]
    if len(app) == 1:
        problems.append(
            "PREVIEW_GITHUB_APP_ID: goes together with PREVIEW_GITHUB_APP_PRIVATE_KEY; one of them is missing"
        )
    if values.get("source", "github") == "github" and not app and "github_token" not in values:
        problems.append(
            "PREVIEW_GITHUB_TOKEN: is missing; or set PREVIEW_GITHUB_APP_ID and PREVIEW_GITHUB_APP_PRIVATE_KEY, "
            "or PREVIEW_SOURCE=file:PATH to try a catalog without GitHub"
        )
    if app and "github_token" in values:
        problems.append("PREVIEW_GITHUB_TOKEN: a GitHub App is set too; set one of them")
    return problems


def _problem(detail: Mapping[str, Any]) -> str:
    message = "is missing" if detail["type"] == "missing" else str(detail.get("ctx", {}).get("error", detail["msg"]))
    return f"{variable(str(detail['loc'][0]))}: {message}"
