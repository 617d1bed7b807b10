"""Errors as the person at the terminal sees them: one message and exit status 1, never a traceback."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from plugin.errors import InvalidSettings, PluginError
from plugin.settings import setting_of


@contextmanager
def errors_for_people() -> Iterator[None]:
    """Print the message of an expected error and exit."""
    try:
        yield
    except InvalidSettings as error:
        fail(f"these settings are invalid or missing:\n{error}")
    except OSError as error:
        name = setting_of(error.filename, os.environ)
        message = str(error)
        if isinstance(error, FileNotFoundError):
            hint = "; preview-plugin init writes one" if name == "PREVIEW_CATALOG" else ""
            message = f"there is no file {error.filename}{hint}"
        fail(f"{name}: {message}" if name else message)
    except (PluginError, UnicodeDecodeError) as error:
        fail(str(error))


def fail(message: str) -> NoReturn:
    """Print a message to stderr and exit."""
    click.echo(message, err=True)
    raise SystemExit(1)
