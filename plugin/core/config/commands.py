"""The catalog's key `commands`: whether people can tell the plugin something in comments, and which bots can, too."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from plugin.core.config.names import folded
from plugin.core.config.validation import FileModel

BOT = "[bot]"
_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,98}[A-Za-z0-9])?(?:\[bot\])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Commands:
    """Who can give commands beside people with write access."""

    bots: frozenset[str] = frozenset()  # logins, folded, each with `[bot]` at its end


def _bot(login: str) -> str:
    if not _LOGIN.fullmatch(login):
        raise ValueError(f'"{login}" is not the login of a bot, for example renovate[bot]')
    return login


class CommandsFile(FileModel):
    """Comments that begin with /preview are commands."""

    bots: tuple[Annotated[str, AfterValidator(_bot)], ...] = Field(
        (), description="Bots that may give commands, for example renovate[bot]; no other bot is listened to"
    )


def _switch(value: object) -> object:
    if isinstance(value, bool):
        return CommandsFile() if value else None
    if value is not None and not isinstance(value, dict | CommandsFile):
        raise ValueError("must be true, false, or a map with the key bots")
    return value


CommandsSwitch = Annotated[
    CommandsFile | None, BeforeValidator(_switch, json_schema_input_type=bool | CommandsFile | None)
]


def commands_of(file: CommandsFile | None) -> Commands | None:
    """Return what a file says; None: comments are not read."""
    if file is None:
        return None
    return Commands(frozenset(folded(login.removesuffix(BOT)) + BOT for login in file.bots))
