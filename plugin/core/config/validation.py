"""From YAML text to a checked model, with every mistake at its file, line and field."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from itertools import islice
from types import UnionType
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from plugin.core.config.messages import one_line
from plugin.core.config.strict_yaml import Document, Limits, Path, YamlError, load
from plugin.errors import InvalidFile, Problem

MAX_PROBLEMS = 100  # of one file; a pull request's author can make thousands of mistakes
MAX_SUGGESTIONS = 10  # of one file; a comparison with a hundred names takes milliseconds
MAX_WORD = 100  # characters; a longer word is not a misspelt name

Version = Annotated[int, Field(strict=True, ge=1, le=1)]
Suggest = Callable[[str, Iterable[str]], str]

_MESSAGES = {
    "bool_type": "must be true or false",
    "dict_type": "must be a map (name: value)",
    "extra_forbidden": "is not a known key",
    "int_type": "must be a whole number",
    "missing": "is missing",
    "model_type": "must be a map (name: value)",
    "string_too_short": "must not be empty",
    "string_type": "must be a string; put it in quotes",
    "timezone_aware": "must include a time zone, for example 2026-11-20T09:00:00Z",
    "too_short": "must not be empty",
    "tuple_type": "must be a list",
}

Model = TypeVar("Model", bound=BaseModel)


class FileModel(BaseModel):
    """A part of a file that people write: unknown keys are mistakes, and values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_means_default(cls, data: object) -> object:
        """Treat a key without a value like a missing key: somebody may have commented out all of its entries."""
        if data is None:
            return {}
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if value is not None or key not in cls.model_fields}
        return data


def without_empty(value: object) -> object:
    """Leave out the entries of a map that have no value; for maps of plain values."""
    return {key: one for key, one in value.items() if one is not None} if isinstance(value, dict) else value


def parse_yaml(text: str, file: str, limits: Limits | None = None) -> Document:
    """Read YAML without looking at its meaning. Raises InvalidFile with one problem."""
    try:
        return load(text, limits or Limits())
    except YamlError as error:
        raise InvalidFile([Problem(file, error.line, "", one_line(str(error)))]) from None


def validate(model: type[Model], document: Document, file: str, context: object = None) -> Model:
    """Check a document against a model. Raises InvalidFile with the problems in the order of their lines."""
    problems = [
        Problem(file, line, _field(path), f"duplicate key, first on line {document.line(path)}")
        for path, line in islice(document.duplicates, MAX_PROBLEMS + 1)
    ]
    try:
        checked = model.model_validate(document.data, context=context)
    except ValidationError as error:
        details = sorted(error.errors(include_url=False), key=lambda detail: document.line(detail["loc"]))
        suggest = suggestions()
        problems += [_problem(document, file, model, each, suggest) for each in details[: MAX_PROBLEMS + 1]]
    if problems:
        raise invalid_file(problems)
    return checked


def invalid_file(problems: Iterable[Problem]) -> InvalidFile:
    """Return the error for one file: problems in the order of their lines, and no more of them than people read."""
    ordered = sorted(islice(problems, 2 * MAX_PROBLEMS + 2), key=lambda problem: (problem.line, problem.field))
    if len(ordered) > MAX_PROBLEMS:
        last = ordered[MAX_PROBLEMS - 1]
        ordered[MAX_PROBLEMS:] = [Problem(last.file, last.line, "", "further problems are not shown")]
    return InvalidFile(ordered)


def problem_at(document: Document, file: str, path: Path, message: str) -> Problem:
    """Return a problem at the path of the value that is wrong."""
    return Problem(file, document.line(path), _field(path), one_line(message))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a suggestion to append to a message, or nothing."""
    close = get_close_matches(word, list(known), n=1) if len(word) <= MAX_WORD else []
    return f'; did you mean "{close[0]}"?' if close else ""


def suggestions() -> Suggest:
    """Return `did_you_mean` for the names of one file; after MAX_SUGGESTIONS names it suggests nothing."""
    left = iter(range(MAX_SUGGESTIONS))

    def suggest(word: str, known: Iterable[str]) -> str:
        return did_you_mean(word, known) if next(left, None) is not None else ""

    return suggest


def _field(path: Path) -> str:
    # People write the keys: a line break in one must not make two lines of a message.
    return one_line(".".join(map(str, path)))


def _problem(
    document: Document, file: str, model: type[BaseModel], detail: Mapping[str, Any], suggest: Suggest
) -> Problem:
    path: Path = detail["loc"]
    # pydantic marks an error of a map's key, as opposed to its value, with a last element "[key]" that is not a key.
    if path and path[-1] == "[key]" and path not in document.lines:
        path = path[:-1]
    kind = detail["type"]
    if kind == "value_error":
        message = str(detail["ctx"]["error"])
    elif kind in ("greater_than_equal", "less_than_equal") and path[-1:] == ("version",):
        message = "must be 1, the only version there is"
    elif detail["input"] is None and kind.endswith("_type"):  # an item of a list; a key without a value is left out
        message = "must not be empty"
    else:
        message = _MESSAGES.get(kind) or detail["msg"].replace("Input should be", "must be")
    if kind == "extra_forbidden":
        known = _known_keys(model, path[:-1])
        message += suggest(str(path[-1]), known) or f"; there are {', '.join(known)}"
    return problem_at(document, file, path, message)


def _known_keys(model: type[BaseModel], path: Path) -> list[str]:
    """Return the keys allowed at `path`, following models, maps of models and lists of them."""
    annotation: Any = model
    for part in path:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            annotation = annotation.model_fields[str(part)].annotation
        else:  # a map (perhaps optional or checked) or a list, which pydantic writes tuple[model, ...]: its values
            annotation = [kind for kind in get_args(annotation) if kind is not Ellipsis][-1]
        while get_origin(annotation) in (Annotated, UnionType):
            annotation = get_args(annotation)[0]
    return list(annotation.model_fields)
