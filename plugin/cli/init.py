"""`init`: writes a first catalog and what installs the plugin."""

import os
import re
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from string import Template

import click

from plugin import __version__
from plugin.cli.failures import errors_for_people, fail
from plugin.core.config.catalog import load_catalog
from plugin.core.config.catalog_file import DEFAULT_PREFIX
from plugin.core.config.names import fits
from plugin.core.config.references import OWNER, REPOSITORY

PROJECT = "acme/previews"  # where this project is published, as in applicationsets/
FILES = (
    "catalog.yaml",
    "kustomization.yaml",
    "argocd/kustomization.yaml",
    "argocd/applicationset.yaml",
)
GUIDE = f"https://github.com/{PROJECT}/blob/v{__version__}/docs/install.md"


@click.command("init")
@click.option("--owner", prompt="GitHub organisation or user", help="The organisation or user that owns the services.")
@click.option(
    "--domain", prompt="Domain of the previews, for example preview.example.com", help="Public hosts are below it."
)
@click.option(
    "--repository",
    "repositories",
    multiple=True,
    metavar="NAME",
    help="Only this repository, without asking GitHub; may be repeated. By default, all that are neither archived nor "
    "forks.",
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="Where to write the files.",
)
def command(owner: str, domain: str, repositories: tuple[str, ...], directory: Path) -> None:
    """Write a first catalog and how to install it.

    Writes catalog.yaml, kustomization.yaml for the plugin, and argocd/ with the ApplicationSet. Asks
    for the owner and the domain if they are not given, and GitHub for the owner's repositories, with
    PREVIEW_GITHUB_TOKEN. Never overwrites a file.
    """
    if not re.fullmatch(OWNER, owner, re.ASCII):
        raise click.BadParameter(f'"{owner}" is not the name of an organisation or user', param_hint="--owner")
    with errors_for_people():
        names = [_full_name(owner, name) for name in repositories] or _owned(owner)
        texts = _texts(owner, domain, names)
        load_catalog(texts["catalog.yaml"], "catalog.yaml")
        _write(directory, texts)
    for file in FILES:
        click.echo(f"{directory / file}: written")
    click.echo(f"\nIn {directory}, preview-plugin list now shows which pull requests would get a preview.")
    click.echo(f"What to do next: {GUIDE}")


def _full_name(owner: str, name: str) -> str:
    full_name = name if "/" in name else f"{owner}/{name}"
    if not REPOSITORY.fullmatch(full_name):
        raise click.BadParameter(f'"{name}" is not the name of a repository', param_hint="--repository")
    return full_name


def _owned(owner: str) -> list[str]:
    # Imported only if GitHub is asked: PyGithub takes its time.
    from plugin.app import clock  # noqa: PLC0415
    from plugin.settings import SourceSettings, load_settings, trust_certificates  # noqa: PLC0415
    from plugin.sources.opening import owned_repositories  # noqa: PLC0415

    settings = load_settings(SourceSettings, os.environ)
    trust_certificates(os.environ)
    if settings.source != "github":
        fail("PREVIEW_SOURCE: init asks GitHub only; unset it, or name repositories with --repository")
    names = owned_repositories(settings, owner, clock)
    if not names:
        fail(f"{owner} has no repository that this token may read and that is neither archived nor a fork")
    return names


def _texts(owner: str, domain: str, repositories: Iterable[str]) -> dict[str, str]:
    """Return the text of each file."""
    values = {
        "owner": owner,
        "domain": domain,
        "project": PROJECT,
        "version": __version__,
        "web": _web_address(os.environ.get("PREVIEW_GITHUB_URL", "https://api.github.com")),
    }
    templates = files("plugin.cli") / "templates"
    texts = {name: Template((templates / name).read_text("utf-8")).substitute(values) for name in FILES}
    texts["catalog.yaml"] += "".join(f"{line}\n" for line in _services(repositories))
    return texts


def _web_address(api: str) -> str:
    """Return where repositories are, from the address of GitHub's API: github.com, ghe.com or an Enterprise Server."""
    return api.rstrip("/").removesuffix("/api/v3").replace("://api.", "://")


def _services(repositories: Iterable[str]) -> Iterator[str]:
    """Return a line of the catalog for each repository."""
    seen: set[str] = set()
    for repository in repositories:
        name = re.sub(r"[^a-z0-9]+", "-", repository.partition("/")[2].lower(), flags=re.ASCII).strip("-")
        usable = name and name not in seen and fits(DEFAULT_PREFIX, name)
        seen.add(name)
        # A name that is taken or too long stays for people to choose.
        yield f"  {name}: {{repository: {repository}}}" if usable else f"  # ...: {{repository: {repository}}}"


def _write(directory: Path, texts: dict[str, str]) -> None:
    """Write all files, or none. Raises OSError."""
    existing = [str(directory / name) for name in texts if (directory / name).exists()]
    if existing:
        fail(f"nothing was written, because there is {', '.join(existing)} already")
    for name, text in texts.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        with (directory / name).open("x", encoding="utf-8") as file:
            file.write(text)
