"""From YAML text to a checked model, with every mistake at its file, line and field."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from plugin.core.config.messages import one_line
from plugin.core.config.strict_yaml import Document, Limits, Path, YamlError, load
from plugin.errors import InvalidFile, Problem

Version = Annotated[int, Field(strict=True, ge=1, le=1)]

_MESSAGES = {
    "bool_type": "must be true or false",
    "dict_type": "must be a map (name: value)",
    "extra_forbidden": "is not a known key",
    "int_type": "must be a whole number",
    "missing": "is missing",
    "model_type": "must be a map (name: value)",
    "string_too_short": "must not be empty",
    "string_type": "must be a text; put it in quotes",
    "timezone_aware": "must name its time zone, for example 2026-11-20T09:00:00Z",
    "too_short": "must not be empty",
    "tuple_type": "must be a list",
}

Model = TypeVar("Model", bound=BaseModel)


class FileModel(BaseModel):
    """A part of a file that people write: unknown keys are mistakes, values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def parse_yaml(text: str, file: str, limits: Limits | None = None) -> Document:
    """Read YAML without looking at its meaning. Raises InvalidFile with one problem."""
    try:
        return load(text, limits or Limits())
    except YamlError as error:
        raise InvalidFile([Problem(file, error.line, "", one_line(str(error)))]) from None


def validate(model: type[Model], document: Document, file: str, context: object = None) -> Model:
    """Check a document against a model. Raises InvalidFile with all problems in the order of their lines."""
    problems = [Problem(file, line, _field(path), "stands twice") for path, line in document.duplicates]
    try:
        checked = model.model_validate(document.data, context=context)
    except ValidationError as error:
        problems += [
            _problem(document, file, model, detail) for detail in error.errors(include_url=False, include_input=False)
        ]
    if problems:
        raise InvalidFile(sorted(problems, key=lambda problem: (problem.line, problem.field)))
    return checked


def problem_at(document: Document, file: str, path: Path, message: str) -> Problem:
    """Name a mistake in the document by the path of the value that is wrong."""
    return Problem(file, document.line(path), _field(path), one_line(message))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a suggestion to append to a message, or nothing."""
    close = get_close_matches(word, list(known), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


def _field(path: Path) -> str:
    # Keys are what somebody wrote: a line break in one must not make two lines of a message.
    return one_line(".".join(map(str, path)))


def _problem(document: Document, file: str, model: type[BaseModel], detail: Mapping[str, Any]) -> Problem:
    path: Path = detail["loc"]
    # pydantic marks an error of a map's key, as opposed to its value, with a last element "[key]", which is no place.
    if path and path[-1] == "[key]" and path not in document.lines:
        path = path[:-1]
    kind = detail["type"]
    if kind == "value_error":
        message = str(detail["ctx"]["error"])
    elif kind in ("greater_than_equal", "less_than_equal") and path[-1:] == ("version",):
        message = "must be 1, the only version there is"
    else:
        message = _MESSAGES.get(kind) or detail["msg"].replace("Input should be", "must be")
    if kind == "extra_forbidden":
        message += did_you_mean(str(path[-1]), _known_keys(model, path[:-1]))
    return problem_at(document, file, path, message)


def _known_keys(model: type[BaseModel], path: Path) -> set[str]:
    """Return the keys allowed at `path`, following models, maps of models and lists of them."""
    annotation: Any = model
    for part in path:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            annotation = annotation.model_fields[str(part)].annotation
        else:  # a map (perhaps optional or checked) or a list, which pydantic writes tuple[model, ...]: its values
            annotation = [kind for kind in get_args(annotation) if kind is not Ellipsis][-1]
        while get_origin(annotation) in (Annotated, UnionType):
            annotation = get_args(annotation)[0]
    return set(annotation.model_fields)
