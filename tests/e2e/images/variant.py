"""Another image from one that exists: more variables, more files. Pure: bytes in, bytes out.

https://github.com/opencontainers/image-spec/blob/main/config.md and manifest.md
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
"""Where the images of Debian's family keep the authorities that they trust, one file with all of them."""


@dataclass(frozen=True)
class Variant:
    """What a registry needs: the manifest, and the blobs that it does not have yet, by digest."""

    manifest: bytes
    blobs: Mapping[str, bytes]


def variant(
    manifest: dict[str, Any], config: dict[str, Any], variables: Mapping[str, str], files: Mapping[str, bytes]
) -> Variant:
    """Return the image of `manifest` and `config` with these variables and, in one more layer, these files."""
    layers = list(manifest["layers"])
    diff_ids = list(config["rootfs"]["diff_ids"])
    blobs = {}
    if files:
        layer = _layer(files)
        blobs[digest(layer)] = layer
        layers.append({"mediaType": LAYER, "digest": digest(layer), "size": len(layer)})
        diff_ids.append(digest(layer))
    container = config.get("config", {})
    kept = [entry for entry in container.get("Env", []) if entry.partition("=")[0] not in variables]
    changed = {
        # The history is optional, but a layer that is missing in it is an error.
        **{key: value for key, value in config.items() if key != "history"},
        "config": container | {"Env": [*kept, *(f"{name}={value}" for name, value in variables.items())]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }
    written = json.dumps(changed, sort_keys=True).encode()
    blobs[digest(written)] = written
    described = manifest["config"] | {"digest": digest(written), "size": len(written)}
    return Variant(json.dumps(manifest | {"config": described, "layers": layers}, sort_keys=True).encode(), blobs)


def digest(content: bytes) -> str:
    """Return the name of a blob."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _layer(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()
