"""The lock files install with every Python that the project supports, not only with the one that made them."""

import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tools.rendering import ROOT

# Debian 12 has 3.11.2. What a package needs can change with a patch release: redis needs one more before 3.11.3.
PYTHONS = ["3.11.0", "3.11.2", "3.11.9", "3.12.0", "3.13.0", "3.14.0"]
INSTALLED: dict[str, metadata.Distribution] = {
    canonicalize_name(package.name): package for package in metadata.distributions()
}


def applies(requirement: Requirement, python: str) -> bool:
    environment = {"python_full_version": python, "python_version": python.rpartition(".")[0], "extra": ""}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def locked(file: str, python: str) -> set[str]:
    """The packages that a lock file installs with this Python."""
    lines = re.findall(r"^([a-z0-9-]+==[^\\]+)", (ROOT / "tools/lock" / file).read_text("utf-8"), re.MULTILINE)
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(requirement.name) for requirement in requirements if applies(requirement, python)}


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("file", ["runtime.txt", "dev.txt"])
def test_the_lock_holds_what_its_packages_need(file: str, python: str) -> None:
    names = locked(file, python)
    # A package for other Pythons only is not installed, so it cannot be asked.
    needs = [(name, Requirement(line)) for name in names & set(INSTALLED) for line in INSTALLED[name].requires or []]

    assert len(needs) > 20
    assert [
        f"{name} needs {needed}"
        for name, needed in needs
        if applies(needed, python) and canonicalize_name(needed.name) not in names
    ] == []


@pytest.mark.parametrize("python", PYTHONS)
def test_no_package_of_the_lock_refuses_the_python(python: str) -> None:
    needs = {name: INSTALLED[name].metadata["Requires-Python"] for name in locked("dev.txt", python) & set(INSTALLED)}

    assert [name for name, needed in needs.items() if python not in SpecifierSet(needed or "")] == []
