"""Third-party images: where they are named, and what they are pinned to."""

import re
from pathlib import Path

import yaml

from tests.manifests.conftest import copy_of_the_tree
from tests.manifests.pods import containers, everywhere, owners
from tools.rendering import ROOT, Objects, build

PLACE = ROOT / "manifests/components/third-party-images/kustomization.yaml"
IMAGES = {image["name"]: image for image in yaml.safe_load(PLACE.read_text("utf-8"))["images"]}


def test_third_party_images_have_a_full_version_in_one_place(
    environments: dict[str, Objects], once: dict[str, Objects]
) -> None:
    used = {
        container["image"]
        for _, owner in everywhere(environments | once)
        for container in containers(owner)
        if "/acme/" not in container["image"] and "image-unset.invalid" not in container["image"]
    }

    assert used == {f"{image['newName']}:{image['newTag']}" for image in IMAGES.values()}
    for image in IMAGES.values():
        assert re.fullmatch(r"v?\d+\.\d+\.\d+(-[a-z]+)?", image["newTag"]), image
    for file in ROOT.glob("manifests/**/*.yaml"):
        for image in IMAGES.values():
            assert file == PLACE or image["newName"] not in file.read_text("utf-8"), file


def test_a_digest_is_set_where_the_comment_says() -> None:
    text = PLACE.read_text("utf-8")
    (example,) = re.findall(r"^#   - (\{.*\})$", text, re.MULTILINE)
    image = yaml.safe_load(example)

    assert image.pop("digest") == "sha256:..."
    assert image == IMAGES[image["name"]]


def test_a_pod_gets_the_tag_and_the_digest(tmp_path: Path) -> None:
    digest = f"sha256:{'0' * 64}"
    root = copy_of_the_tree(tmp_path)
    place = root / PLACE.relative_to(ROOT)
    place.write_text(place.read_text("utf-8").replace("noble}", f'noble, digest: "{digest}"}}'), "utf-8")

    images = {
        container["image"]
        for owner in owners(build(root / "manifests/apps/backend/overlays/preview"))
        for container in containers(owner)
    }
    assert f"{IMAGES['mongo']['newName']}:{IMAGES['mongo']['newTag']}@{digest}" in images
