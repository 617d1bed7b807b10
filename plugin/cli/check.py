"""`check`: checks catalogs and repository configs as the server does."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click

from plugin.cli.manifests import Manifests
from plugin.core.config.catalog import Catalog, load_catalog
from plugin.core.config.names import folded
from plugin.core.config.repo_config import FILE_NAME, links, read_config, read_file
from plugin.core.config.validation import invalid_file, problem_at
from plugin.errors import InvalidFile, Problem

# Names that people give a repository config; the server reads only FILE_NAME.
MEANT = frozenset({".preview.yaml", ".preview.yml", "preview.yaml", "preview.yml"})
STANDARD_INPUT = Path("-")

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("check")
@click.argument(
    "files",
    type=click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True),
    nargs=-1,
    required=True,
    metavar="FILE...",
)
@click.option("--catalog", type=_FILE, help="Also check the names in a .preview.yaml.")
@click.option(
    "--repository",
    envvar="GITHUB_REPOSITORY",
    help="With --catalog: the repository of the .preview.yaml. By default, any repository of the catalog.",
)
@click.option("--no-links", is_flag=True, help="Refuse links to pull requests and branches: for the default branch.")
@click.option(
    "--manifests",
    type=_FOLDER,
    help="Also check that this folder, manifests in what Argo CD renders, has the overlays that a catalog names, and "
    "that the catalog has the seeds that they need.",
)
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "github"]),
    default="text",
    show_default=True,
    help="github: mark the lines of a pull request, for a workflow of GitHub Actions.",
)
def command(  # noqa: PLR0913  one for each option
    files: tuple[Path, ...],
    catalog: Path | None,
    repository: str | None,
    manifests: Path | None,
    output: str,
    *,
    no_links: bool,
) -> None:
    """Find mistakes in catalogs and .preview.yaml.

    Each FILE that is named .preview.yaml is a repository config, any other one a catalog. "-" is a .preview.yaml on
    standard input.
    """
    show = _mark if output == "github" else _print
    names, repositories = None, list[str]()
    if catalog and any(map(_is_config, files)):
        try:
            names = load_catalog(_read(catalog), str(catalog))
        except InvalidFile as error:
            show(error.problems)
            raise SystemExit(1) from None
        repositories = _repositories(names, repository)
    checks = _Checks(names, repositories, Manifests(manifests) if manifests else None, no_links=no_links)
    valid = True
    for file in files:
        try:
            checks.check(file)
        except InvalidFile as error:
            valid = False
            show(error.problems)
        else:
            click.echo(f"{_name(file)}: valid")
    if not valid:
        raise SystemExit(1)


@dataclass(frozen=True, slots=True)
class _Checks:
    """What each file is checked against."""

    catalog: Catalog | None
    repositories: list[str]  # of the catalog, those that a repository config may belong to
    manifests: Manifests | None
    no_links: bool = field(kw_only=True)

    def check(self, file: Path) -> None:
        """Check one file. Raises InvalidFile with every mistake in it."""
        if _is_config(file):
            self._check_config(file)
        else:
            self._check_catalog(file)

    def _check_catalog(self, file: Path) -> None:
        text = _read(file)
        catalog = load_catalog(text, str(file))
        if self.manifests:
            self.manifests.check(catalog, text, str(file))

    def _check_config(self, file: Path) -> None:
        problems = list(_wrong_file(file))
        try:
            self._check_text(_read(file), _name(file))
        except InvalidFile as error:
            problems += error.problems
        if problems:
            raise invalid_file(problems)

    def _check_text(self, text: str, name: str) -> None:
        problems: list[Problem] = []
        content = read_file(text, name)
        if self.no_links and content:
            config, document = content
            message = "must not reach the default branch: it links to a pull request or a branch"
            problems += [problem_at(document, name, path, message) for path in links(config)]
        if self.catalog:
            problems += self._wrong_names(text, name, self.catalog)
        if problems:
            raise invalid_file(problems)

    def _wrong_names(self, text: str, name: str, catalog: Catalog) -> tuple[Problem, ...]:
        """Accept what is valid for one of the repositories, else return the mistakes of the one that fits best."""
        mistakes: list[tuple[Problem, ...]] = []
        for repository in self.repositories:
            try:
                read_config(text, catalog, repository, name)
            except InvalidFile as error:
                mistakes.append(error.problems)
            else:
                return ()
        return min(mistakes, key=len)


def _is_config(file: Path) -> bool:
    return file == STANDARD_INPUT or file.name.lower() in MEANT


def _name(file: Path) -> str:
    return FILE_NAME if file == STANDARD_INPUT else str(file)


def _wrong_file(file: Path) -> Iterator[Problem]:
    if file == STANDARD_INPUT:
        return
    if file.name != FILE_NAME:
        yield Problem(str(file), 1, "", f"is never read under this name; rename it to {FILE_NAME}")
    if file.is_symlink():
        yield Problem(str(file), 1, "", "is a symbolic link, which the server does not follow; commit a regular file")


def _repositories(catalog: Catalog, repository: str | None) -> list[str]:
    if repository is None:
        return list(catalog.repositories)
    found = [name for name in catalog.repositories if folded(name) == folded(repository)]
    if not found:
        raise click.UsageError(f"the catalog has no service in the repository {repository}")
    return found


def _read(file: Path) -> str:
    try:
        content = sys.stdin.buffer.read() if file == STANDARD_INPUT else file.read_bytes()
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidFile([Problem(_name(file), 1, "", "is not UTF-8 text")]) from None
    except OSError as error:
        raise InvalidFile([Problem(_name(file), 1, "", f"cannot be read: {error.strerror}")]) from None


def _print(problems: Iterable[Problem]) -> None:
    for problem in problems:
        click.echo(str(problem), err=True)


def _mark(problems: Iterable[Problem]) -> None:
    """Print workflow commands, which GitHub shows beside the lines of a pull request.

    Source, also for what is escaped: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
    """
    for problem in problems:
        what = f"{problem.field}: {problem.message}" if problem.field else problem.message
        click.echo(f"::error file={escaped(problem.file, ':,')},line={problem.line}::{escaped(what)}")


def escaped(text: str, more: str = "") -> str:
    """Escape a text for a workflow command; `more` are further characters that must not be in it."""
    for character in "%\r\n" + more:  # the percent sign comes first
        text = text.replace(character, f"%{ord(character):02X}")
    return text
