import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from plugin.cli import main
from plugin.cli.check import escaped
from plugin.core.config.references import FORMS
from tests.unit.cli.commands import run

LINKED = """\
version: 1
dependencies:
  payments: pr:123
  users: url:https://users.dev.example.com
services:
  orders: {dependencies: {users: same-branch}}
"""


def check(tmp_path: Path, text: str | bytes, *options: str, name: str = ".preview.yaml") -> tuple[int, str, str]:
    """Exit code, output and error output, with FILE for the file's path."""
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = run("check", str(file), *options)
    return result.exit_code, result.stdout.replace(str(file), "FILE"), result.stderr.replace(str(file), "FILE")


WITH_CATALOG = ("--catalog", "examples/acme/catalog.yaml", "--repository", "acme/orders")


@pytest.mark.parametrize("options", [(), WITH_CATALOG, (*WITH_CATALOG[:-1], "Acme/ORDERS")])
def test_a_valid_config(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert check(tmp_path, LINKED, *options) == (0, "FILE: valid\n", "")


@pytest.mark.parametrize("text", ["", "\ufeff# empty\n"])
def test_an_empty_config_is_valid(tmp_path: Path, text: str) -> None:
    assert check(tmp_path, text, "--no-links", *WITH_CATALOG) == (0, "FILE: valid\n", "")


def test_mistakes_are_printed_with_file_and_line(tmp_path: Path) -> None:
    broken = "version: 1\ndependencies:\n  payments: 123\nttl: 7d\n"

    assert check(tmp_path, broken) == (
        1,
        "",
        (
            'FILE:3: dependencies.payments: write "pr:123" for pull request 123\nFILE:4: ttl: is not a known key'
            "; there are dependencies, dataset, lifecycle, version, services\n"
        ),
    )


def test_names_are_checked_only_with_a_catalog(tmp_path: Path) -> None:
    misspelt = "version: 1\ndependencies: {paymints: staging}\n"

    assert check(tmp_path, misspelt)[0] == 0
    assert check(tmp_path, misspelt, *WITH_CATALOG) == (
        1,
        "",
        'FILE:2: dependencies.paymints: is not a dependency of orders; did you mean "payments"?\n',
    )


def test_links_must_not_reach_the_default_branch(tmp_path: Path) -> None:
    refused = "must not reach the default branch: it links to a pull request or a branch"

    assert check(tmp_path, LINKED, "--no-links") == (
        1,
        "",
        f"FILE:3: dependencies.payments: {refused}\nFILE:6: services.orders.dependencies.users: {refused}\n",
    )
    assert check(tmp_path, "version: 1\ndependencies: {users: staging}", "--no-links")[0] == 0


def test_any_other_file_is_a_catalog(tmp_path: Path) -> None:
    assert check(tmp_path, Path("examples/acme/catalog.yaml").read_bytes(), name="services.yml") == (
        0,
        "FILE: valid\n",
        "",
    )
    assert check(tmp_path, "version: 1\ndomain: a.example.com\nservices: {}\n", name="all.yaml") == (
        1,
        "",
        "FILE:3: services: must not be empty\n",
    )


LIFE = """\
version: 1
domain: a.example.com
defaults: {lifecycle: {hours: Mon-Fri 07:00-20:00 Europe/Berlin, expire_after: 7d}}
services: {orders: {repository: acme/orders, lifecycle: {hours: off}}}
"""


def test_the_life_of_previews_is_checked(tmp_path: Path) -> None:
    assert check(tmp_path, LIFE, name="catalog.yaml") == (0, "FILE: valid\n", "")
    assert check(tmp_path, LIFE.replace("Berlin", "berlin"), name="catalog.yaml") == (
        1,
        "",
        ('FILE:3: defaults.lifecycle.hours: "Europe/berlin" is not a time zone; did you mean "Europe/Berlin"?\n'),
    )
    assert check(tmp_path, "version: 1\nlifecycle: {expire_after: 1d}\n", *WITH_CATALOG) == (0, "FILE: valid\n", "")
    assert check(tmp_path, "version: 1\nlifecycle: {expire_after: 1s}\n") == (
        1,
        "",
        'FILE:2: lifecycle.expire_after: "1s" must be at least 10s and at most 365d\n',
    )


def test_the_repository_must_be_one_of_the_catalog(tmp_path: Path) -> None:
    status, _, error = check(tmp_path, LINKED, *WITH_CATALOG[:3], "acme/nobody")

    assert status == 2
    assert error.endswith("Error: the catalog has no service in the repository acme/nobody\n")


def test_without_a_repository_a_config_must_be_valid_for_any(tmp_path: Path) -> None:
    fits_best = "version: 1\ndataset: minimal\ndependencies:\n  payments: staging\n  paymints: staging\n"

    assert check(tmp_path, LINKED, *WITH_CATALOG[:2]) == (0, "FILE: valid\n", "")
    assert check(tmp_path, fits_best, *WITH_CATALOG[:2]) == (
        1,
        "",
        'FILE:5: dependencies.paymints: is not a dependency of orders; did you mean "payments"?\n',
    )


def test_a_broken_catalog_is_reported_before_the_config(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text("version: 1\n")
    status, _, error = check(tmp_path, LINKED, "--catalog", str(catalog), "--repository", "acme/orders")

    assert status == 1
    assert error == f"{catalog}:1: domain: is missing\n{catalog}:1: services: is missing\n"


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    status, _, error = check(tmp_path, b"\xff\xfe")

    assert status == 1
    assert error == "FILE:1: is not UTF-8 text\n"


@pytest.mark.parametrize("name", [".preview.yml", "preview.yaml", "preview.yml", ".Preview.yaml", ".PREVIEW.YML"])
def test_a_config_under_another_name_is_refused(tmp_path: Path, name: str) -> None:
    misnamed = "FILE:1: is never read under this name; rename it to .preview.yaml\n"

    assert check(tmp_path, LINKED, *WITH_CATALOG, name=name) == (1, "", misnamed)
    assert check(tmp_path, "version: 1\nttl: 7d\n", name=name) == (
        1,
        "",
        f"{misnamed}FILE:2: ttl: is not a known key; there are dependencies, dataset, lifecycle, version, services\n",
    )


def test_a_symbolic_link_is_refused_as_by_the_server(tmp_path: Path) -> None:
    (tmp_path / "shared.yaml").write_text(LINKED)
    (tmp_path / ".preview.yaml").symlink_to("shared.yaml")
    result = run("check", str(tmp_path / ".preview.yaml"))

    assert result.exit_code == 1
    assert result.stderr == (
        f"{tmp_path}/.preview.yaml:1: is a symbolic link, which the server does not follow; commit a regular file\n"
    )


def test_a_catalog_may_be_a_symbolic_link(tmp_path: Path) -> None:  # a mounted ConfigMap is one
    (tmp_path / "catalog.yaml").symlink_to(Path("examples/acme/catalog.yaml").resolve())

    assert run("check", str(tmp_path / "catalog.yaml")).exit_code == 0


def test_several_files_are_checked_at_once(tmp_path: Path) -> None:
    for name, text in {"a": LINKED, "b": "version: 2\n", "c": "[", "d": "version: 1\n"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / ".preview.yaml").write_text(text)
    files = [str(tmp_path / name / ".preview.yaml") for name in "abcd"]
    result = run("check", *files, "examples/acme/catalog.yaml", *WITH_CATALOG)

    assert result.exit_code == 1
    valid = [files[0], files[3], "examples/acme/catalog.yaml"]
    assert result.stdout.splitlines() == [f"{file}: valid" for file in valid]
    assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == [f"{files[1]}:1", f"{files[2]}:2"]


def test_without_a_file_there_is_nothing_to_check() -> None:
    result = run("check")

    assert result.exit_code == 2
    assert "Missing argument 'FILE...'" in result.stderr


def test_a_config_on_standard_input() -> None:
    for text, expected in {
        LINKED: (0, ".preview.yaml: valid\n", ""),
        "version: 2": (1, "", ".preview.yaml:1: version: must be 1, the only version there is\n"),
    }.items():
        result = CliRunner().invoke(main, ["check", "-", *WITH_CATALOG], input=text)

        assert (result.exit_code, result.stdout, result.stderr) == expected


def test_mistakes_as_workflow_commands(tmp_path: Path) -> None:
    broken = "version: 1\ndependencies:\n  payments: 50%\n  'a:b,c': 1\n[]"
    folder = tmp_path / "a,b:50%"
    folder.mkdir()
    status, output, error = check(folder, broken[:-3], "--format", "github")

    assert (status, error) == (1, "")
    escaped = str(folder).replace("a,b:50%", "a%2Cb%3A50%25")
    assert output.splitlines() == [
        f'::error file={escaped}/.preview.yaml,line=3::dependencies.payments: "50%25" is not a target: write {FORMS}',
        f'::error file={escaped}/.preview.yaml,line=4::dependencies.a:b,c: write "pr:1" for pull request 1',
    ]


def test_a_broken_catalog_as_a_workflow_command(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text("[")
    status, output, error = check(tmp_path, LINKED, "--catalog", str(catalog), "--format", "github")

    assert (status, error) == (1, "")
    assert output.startswith(f"::error file={catalog},line=")


def test_a_workflow_command_is_one_line() -> None:
    assert escaped("a\r\n::error::b") == "a%0D%0A::error::b"


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", fail)
    assert check(tmp_path, LINKED) == (1, "", "FILE:1: cannot be read: Permission denied\n")


def test_check_imports_nothing_of_the_server() -> None:
    """It runs before each commit; the server's libraries would make it take three times as long."""
    program = (
        "import sys; from plugin.cli import main; main(['check', 'examples/acme/catalog.yaml', '--manifests', "
        "'manifests'], standalone_mode=False); print(*sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    imported = {name.partition(".")[0] for name in result.stdout.split()}

    assert {"click", "pydantic", "yaml"} <= imported
    assert imported.isdisjoint(
        {"cachetools", "cryptography", "flask", "github", "gunicorn", "prometheus_client"}
        | {"redis", "requests", "sqlite3", "structlog", "urllib3"}
    )


def test_pre_commit_finds_and_checks_a_config(tmp_path: Path) -> None:
    """As pre-commit does: `files` is searched in each path, and those found are arguments of `entry`.

    https://pre-commit.com/#new-hooks
    """
    hooks = {hook["id"]: hook for hook in yaml.safe_load(Path(".pre-commit-hooks.yaml").read_text("utf-8"))}
    hook = hooks["preview-config"]
    names = [".preview.yaml", "preview.yml", "docs/preview.yaml", "xpreview.yaml", ".preview.yaml.orig"]
    found = [name for name in names if re.search(hook["files"], name)]
    (tmp_path / ".preview.yaml").write_text("version: 1\ndependencies: {payments: 123}\n")
    (tmp_path / "preview.yml").write_text("version: 1\n")
    command = [Path(sys.executable).parent / hook["entry"].split()[0], *hook["entry"].split()[1:], *found]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert found == [".preview.yaml", "preview.yml"]
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        '.preview.yaml:2: dependencies.payments: write "pr:123" for pull request 123\n'
        "preview.yml:1: is never read under this name; rename it to .preview.yaml\n"
    )


def test_pre_commit_checks_a_catalog() -> None:
    hooks = {hook["id"]: hook for hook in yaml.safe_load(Path(".pre-commit-hooks.yaml").read_text("utf-8"))}
    hook = hooks["preview-catalog"]
    names = ["catalog.yaml", "previews/catalog.yaml", "catalog.yml", "catalogue.yaml", "my-catalog.yaml"]

    assert [name for name in names if re.search(hook["files"], name)] == names[:3]
    command = [Path(sys.executable).parent / hook["entry"].split()[0], *hook["entry"].split()[1:]]
    result = subprocess.run([*command, "examples/acme/catalog.yaml"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "examples/acme/catalog.yaml: valid\n")
