"""The catalog's key `commands`."""

from typing import Any

import pytest

from plugin.core.config.commands import Commands
from plugin.errors import InvalidFile
from tests.builders import make_catalog


def commands(value: Any) -> Commands | None:
    return make_catalog({"orders": {}}, commands=value).commands


@pytest.mark.parametrize("value", [None, False])
def test_comments_are_not_read_unless_the_catalog_says_so(value: Any) -> None:
    assert make_catalog({"orders": {}}).commands is None
    assert commands(value) is None


@pytest.mark.parametrize("value", [True, {}, {"bots": []}, {"bots": None}])
def test_commands_are_switched_on(value: Any) -> None:
    assert commands(value) == Commands()


def test_bots_are_listed_with_or_without_their_suffix_in_any_case() -> None:
    assert commands({"bots": ["renovate[bot]", "Acme-Deploy"]}) == Commands(
        frozenset({"renovate[bot]", "acme-deploy[bot]"})
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("yes", "commands: must be true, false, or a map with the key bots"),
        (["renovate[bot]"], "commands: must be true, false, or a map with the key bots"),
        ({"bot": ["renovate[bot]"]}, 'commands.bot: is not a known key; did you mean "bots"?'),
        ({"bots": "renovate[bot]"}, "commands.bots: must be a list"),
        ({"bots": ["@renovate"]}, 'commands.bots.0: "@renovate" is not the login of a bot, for example renovate[bot]'),
    ],
)
def test_a_mistake_is_refused_with_its_place(value: Any, message: str) -> None:
    with pytest.raises(InvalidFile) as raised:
        commands(value)

    (problem,) = raised.value.problems
    assert message in str(problem)
