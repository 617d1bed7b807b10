"""`preview-plugin init` without GitHub; `contract/test_init.py` has the rest."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from plugin import __version__
from plugin.cli import main
from plugin.cli.init import FILES, PROJECT
from plugin.core.config.catalog import load_catalog
from tests.server import free_port
from tests.unit.cli.commands import run

ACME = ("--owner", "acme", "--domain", "preview.acme.io", "--repository", "orders")
IN_ACME = ACME[:4]


def init(directory: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Exit status and error output."""
    result = run("init", "--directory", str(directory), *arguments, **environment)
    return result.exit_code, result.stderr


def test_a_first_catalog_is_valid_and_names_the_repositories(tmp_path: Path) -> None:
    written = tmp_path / "new"
    result = run("init", "--directory", str(written), *ACME, "--repository", "acme/Pay.Ments")
    catalog = load_catalog((written / "catalog.yaml").read_text("utf-8"), "catalog.yaml")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[:4] == [f"{written / name}: written" for name in FILES]
    assert {str(path.relative_to(written)) for path in written.rglob("*.yaml")} == set(FILES)
    assert catalog.domain == "preview.acme.io"
    assert {name: service.repository for name, service in catalog.services.items()} == {
        "orders": "acme/orders",
        "pay-ments": "acme/Pay.Ments",
    }


def test_what_is_not_an_option_is_asked_for(tmp_path: Path) -> None:
    arguments = ["init", "--directory", str(tmp_path), "--repository", "orders"]
    result = CliRunner().invoke(main, arguments, input="acme\npreview.acme.io\n")

    assert result.exit_code == 0
    assert "  orders: {repository: acme/orders}\n" in (tmp_path / "catalog.yaml").read_text("utf-8")


def test_a_name_that_is_taken_or_too_long_is_left_to_people(tmp_path: Path) -> None:
    names = ["a.b", "a-b", "x" * 60, ".github"]
    assert init(tmp_path, *ACME, *(part for name in names for part in ("--repository", name))) == (0, "")

    assert (tmp_path / "catalog.yaml").read_text("utf-8").splitlines()[-5:] == [
        "  orders: {repository: acme/orders}",
        "  a-b: {repository: acme/a.b}",
        "  # ...: {repository: acme/a-b}",
        f"  # ...: {{repository: acme/{'x' * 60}}}",
        "  github: {repository: acme/.github}",
    ]


@pytest.mark.parametrize("existing", FILES)
def test_no_file_is_overwritten(tmp_path: Path, existing: str) -> None:
    (tmp_path / existing).parent.mkdir(exist_ok=True)
    (tmp_path / existing).write_text("mine")

    assert init(tmp_path, *ACME) == (1, f"nothing was written, because there is {tmp_path / existing} already\n")
    assert [path.read_text() for path in tmp_path.rglob("*.yaml")] == ["mine"]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--owner", "a/b"), 2, '"a/b" is not the name of an organisation or user'),
        (("--repository", "a b"), 2, '"a b" is not the name of a repository'),
        (("--domain", "A_B"), 1, 'domain: "A_B" is not a DNS name in lower case, for example preview.example.com'),
        (("--domain", "a\nb: c"), 1, "catalog.yaml:"),
    ],
)
def test_wrong_values_are_refused(tmp_path: Path, arguments: tuple[str, str], status: int, message: str) -> None:
    found, error = init(tmp_path, *ACME, *arguments)

    assert found == status
    assert message in error
    assert list(tmp_path.iterdir()) == []


def test_one_line_says_that_github_cannot_be_reached(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    status, error = init(tmp_path, *IN_ACME, PREVIEW_GITHUB_URL=url, PREVIEW_GITHUB_TOKEN="t")

    assert status == 1
    assert error == (
        "GitHub could not be reached or sent an invalid response (ConnectionError); "
        "check the network and PREVIEW_GITHUB_URL\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_without_a_token_repositories_cannot_be_listed(tmp_path: Path) -> None:
    status, error = init(tmp_path, *IN_ACME)

    assert status == 1
    assert "PREVIEW_GITHUB_TOKEN: is missing" in error


def test_another_source_than_github_cannot_be_listed(tmp_path: Path) -> None:
    assert init(tmp_path, *IN_ACME, PREVIEW_SOURCE="file:organisation.yaml") == (
        1,
        "PREVIEW_SOURCE: init asks GitHub only; unset it, or name repositories with --repository\n",
    )


@pytest.mark.parametrize(
    ("api", "web"),
    [
        (None, "https://github.com"),
        ("https://api.github.com/", "https://github.com"),
        ("https://api.acme.ghe.com", "https://acme.ghe.com"),
        ("https://ghe.example.com/api/v3", "https://ghe.example.com"),
    ],
)
def test_previews_come_from_the_owners_repositories_only(tmp_path: Path, api: str | None, web: str) -> None:
    assert init(tmp_path, *ACME, **({"PREVIEW_GITHUB_URL": api} if api else {})) == (0, "")

    (patch,) = yaml.safe_load((tmp_path / "argocd/kustomization.yaml").read_text("utf-8"))["patches"]
    assert yaml.safe_load(patch["patch"])[0]["value"] == f"{web}/acme/*"


def test_the_remote_base_is_this_version_of_this_project(tmp_path: Path) -> None:
    assert init(tmp_path, *ACME) == (0, "")
    (base,) = yaml.safe_load((tmp_path / "kustomization.yaml").read_text("utf-8"))["resources"]
    (image,) = yaml.safe_load(Path("manifests/plugin/base/kustomization.yaml").read_text("utf-8"))["images"]

    assert base == f"https://github.com/{PROJECT}//manifests/plugin/base?ref=v{__version__}"
    assert image["newTag"] == __version__
    assert f"https://github.com/{PROJECT}.git" in Path("applicationsets/previews.yaml").read_text("utf-8")
