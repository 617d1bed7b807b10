import json
import re
import shutil
from pathlib import Path

import pytest

from tests.e2e.images.names import fixed
from tests.e2e.images.recipes import RECIPES, Recipe
from tools.rendering import ROOT

BY_NAME = {recipe.name: recipe for recipe in RECIPES}


def test_each_base_is_built_before_what_needs_it() -> None:
    known = {"debian"}
    for recipe in RECIPES:
        assert set(recipe.bases().values()) <= known, recipe.name
        known.add(recipe.name)


def test_every_image_with_a_fixed_name_can_be_built() -> None:
    assert set(fixed().values()) <= set(BY_NAME)


@pytest.fixture
def app(tmp_path: Path) -> Recipe:
    shutil.copytree(BY_NAME["backend"].context, tmp_path / "app")
    return Recipe("backend", tmp_path / "app")


def test_what_is_copied_elsewhere_is_the_same_image(app: Recipe) -> None:
    assert app.key({"python": "1"}) == BY_NAME["backend"].key({"python": "1"})


def test_a_changed_file_base_or_argument_makes_another_image(app: Recipe) -> None:
    before = app.key({"python": "1"})

    assert app.key({"python": "2"}) != before
    assert Recipe(app.name, app.context, arguments=(("A", "B"),)).key({"python": "1"}) != before
    with (app.context / "app/settings.py").open("a") as file:
        file.write("#")
    assert app.key({"python": "1"}) != before


def test_the_apps_lock_files_have_hashes_and_no_addresses() -> None:
    backend = (ROOT / "examples/acme/apps/backend/requirements.txt").read_text("utf-8")
    packages = json.loads((ROOT / "examples/acme/apps/frontend/package-lock.json").read_text("utf-8"))["packages"]

    assert re.findall(r"^[\w-]+==.*[^\\]$", backend, re.MULTILINE) == [], "a package without a hash"
    assert "http" not in backend
    assert all("integrity" in package for path, package in packages.items() if path)
    assert not any("resolved" in package for package in packages.values())
