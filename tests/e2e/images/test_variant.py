import io
import json
import tarfile

from tests.e2e.images.variant import LAYER, digest, variant

CONFIG = {
    "config": {"Env": ["PATH=/bin", "VERSION=unknown"], "User": "10001:10001"},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:a"]},
    "history": [{"created_by": "ADD"}],
}
MANIFEST = {
    "schemaVersion": 2,
    "config": {"mediaType": "config", "digest": "sha256:c", "size": 1},
    "layers": [{"mediaType": "layer", "digest": "sha256:a", "size": 1}],
}


def test_a_variable_takes_the_place_of_the_one_in_the_image() -> None:
    made = variant(MANIFEST, CONFIG, {"VERSION": "0a4be4a1"}, {})

    manifest = json.loads(made.manifest)
    config = json.loads(made.blobs[manifest["config"]["digest"]])
    assert config["config"] == {"Env": ["PATH=/bin", "VERSION=0a4be4a1"], "User": "10001:10001"}
    assert manifest["config"]["size"] == len(made.blobs[manifest["config"]["digest"]])
    assert manifest["layers"] == MANIFEST["layers"]


def test_files_become_the_last_layer() -> None:
    made = variant(MANIFEST, CONFIG, {}, {"/app/b.py": b"b", "/app/a.py": b"a"})

    manifest = json.loads(made.manifest)
    last = manifest["layers"][-1]
    layer = made.blobs[last["digest"]]
    assert last == {"mediaType": LAYER, "digest": digest(layer), "size": len(layer)}
    assert json.loads(made.blobs[manifest["config"]["digest"]])["rootfs"]["diff_ids"] == ["sha256:a", digest(layer)]
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        assert archive.getnames() == ["app/a.py", "app/b.py"]


def test_the_same_content_is_the_same_image() -> None:
    once, again = (variant(MANIFEST, CONFIG, {"VERSION": "1"}, {"/x": b"x"}) for _ in range(2))

    assert once == again
