from typing import Annotated

import pytest
from pydantic import Field

from plugin.core.config.validation import FileModel, parse_yaml, validate
from plugin.errors import InvalidFile


class Wheel(FileModel):
    pressure: int = 2


class Car(FileModel):
    """Holds the other model in every way in which our files do."""

    engine: Wheel | None = None
    wheels: tuple[Wheel, ...] = ()
    spare: Annotated[Wheel, Field(description="in the back")] = Wheel()
    owned: dict[str, Wheel] = Field(default={})
    rented: dict[str, Annotated[Wheel, Field(description="by the day")]] | None = None


def test_invalid_yaml_is_a_single_mistake() -> None:
    with pytest.raises(InvalidFile) as error:
        parse_yaml("a: 1\nb: [", "f")
    assert [(problem.file, problem.line, problem.field) for problem in error.value.problems] == [("f", 3, "")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("engines: {}", 'f:1: engines: is not a known key; did you mean "engine"?'),
        ("engine: {presure: 1}", 'f:1: engine.presure: is not a known key; did you mean "pressure"?'),
        ("wheels: [{}, {presure: 1}]", 'f:1: wheels.1.presure: is not a known key; did you mean "pressure"?'),
        ("spare: {presure: 1}", 'f:1: spare.presure: is not a known key; did you mean "pressure"?'),
        ("owned: {a: {presure: 1}}", 'f:1: owned.a.presure: is not a known key; did you mean "pressure"?'),
        ("rented: {a: {presure: 1}}", 'f:1: rented.a.presure: is not a known key; did you mean "pressure"?'),
        ("spare: {wheels: 1}", "f:1: spare.wheels: is not a known key; there are pressure"),
    ],
)
def test_a_misspelt_key_gets_a_suggestion(text: str, expected: str) -> None:
    with pytest.raises(InvalidFile) as error:
        validate(Car, parse_yaml(text, "f"), "f")
    assert str(error.value) == expected
