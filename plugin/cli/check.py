"""`check`: checks catalogs and repository configs as the server does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from plugin.cli.failures import errors_for_people
from plugin.core.config.catalog import Catalog, load_catalog
from plugin.core.config.names import folded
from plugin.core.config.repo_config import FILE_NAME, links, read_config, read_file
from plugin.core.config.validation import invalid_file, problem_at
from plugin.errors import InvalidFile, Problem

# Names that people give a repository config; the server reads only FILE_NAME.
MEANT = frozenset({".preview.yaml", ".preview.yml", "preview.yaml", "preview.yml"})

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("files", type=_FILE, nargs=-1, required=True, metavar="FILE...")
@click.option("--catalog", type=_FILE, help="Also check names.")
@click.option(
    "--repository",
    envvar="GITHUB_REPOSITORY",
    help="With --catalog: the repository of the .preview.yaml. By default, any repository of the catalog.",
)
@click.option("--no-links", is_flag=True, help="Refuse links to pull requests and branches: for the default branch.")
def check(files: tuple[Path, ...], catalog: Path | None, repository: str | None, *, no_links: bool) -> None:
    """Check files: those named .preview.yaml are repository configs, all others catalogs."""
    names = None
    if catalog and any(map(_is_config, files)):
        with errors_for_people():
            names = load_catalog(_read(catalog), str(catalog))
    repositories = _repositories(names, repository) if names else []
    valid = True
    for file in files:
        try:
            with errors_for_people():
                if _is_config(file):
                    _check_config(file, names, repositories, no_links=no_links)
                else:
                    load_catalog(_read(file), str(file))
        except SystemExit:
            valid = False  # the mistakes have been printed; the other files are checked too
        else:
            click.echo(f"{file}: valid")
    if not valid:
        raise SystemExit(1)


def _is_config(file: Path) -> bool:
    return file.name.lower() in MEANT


def _check_config(file: Path, catalog: Catalog | None, repositories: list[str], *, no_links: bool) -> None:
    problems = list(_wrong_file(file))
    with _collected(problems):
        text = _read(file)
        content = read_file(text, str(file))
        if no_links and content:
            config, document = content
            message = "must not reach the default branch: it links to a pull request or a branch"
            problems += [problem_at(document, str(file), path, message) for path in links(config)]
        if catalog:
            _check_names(text, file, catalog, repositories)
    if problems:
        raise invalid_file(problems)


def _wrong_file(file: Path) -> Iterator[Problem]:
    if file.name != FILE_NAME:
        yield Problem(str(file), 1, "", f"is never read under this name; rename it to {FILE_NAME}")
    if file.is_symlink():
        yield Problem(str(file), 1, "", "is a symbolic link, which the server does not follow; commit a regular file")


@contextmanager
def _collected(problems: list[Problem]) -> Iterator[None]:
    try:
        yield
    except InvalidFile as error:
        problems.extend(error.problems)


def _check_names(text: str, file: Path, catalog: Catalog, repositories: list[str]) -> None:
    """Accept what is valid for one of the repositories, else report the mistakes of the one that fits best."""
    mistakes: list[InvalidFile] = []
    for name in repositories:
        try:
            read_config(text, catalog, name, str(file))
        except InvalidFile as error:
            mistakes.append(error)
        else:
            return
    raise min(mistakes, key=lambda error: len(error.problems))


def _repositories(catalog: Catalog, repository: str | None) -> list[str]:
    if repository is None:
        return list(catalog.repositories)
    found = [name for name in catalog.repositories if folded(name) == folded(repository)]
    if not found:
        raise click.UsageError(f"the catalog has no service in the repository {repository}")
    return found


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise InvalidFile([Problem(str(file), 1, "", "is not UTF-8 text")]) from None
