"""Images for a cluster that reaches no public registry: made here from the project's Dockerfiles, without an engine.

    images = build_all()  # what has changed since the last time: {"backend": Image(...), ...}
    with Registry(port=15000) as registry:  # Debian's docker-registry, where the caller runs
        publish_fixed(registry, images)  # what manifests and catalog name with a fixed tag
        registry.publish("ghcr.io/acme/orders:0a4be4a1", images["backend"])
        registry.publish("ghcr.io/acme/orders:15c0ffee", images["backend"], HANGING_MIGRATION)

- `build_all` needs root, and installs Debian's packages that are missing (`packages.py`). It builds the project's
  Dockerfiles unchanged; their base images are stand-ins made of Debian, PyPI and Go (`stand_ins/`, one folder each).
- Layers stay in `.cache/e2e/images/registry`, the registry's own storage. An image is built again only if its
  Dockerfile, its files, its arguments or its base have changed. `Registry` starts without the tags of the last run.
- `publish` takes milliseconds: it uploads a configuration and a manifest. The container's variable VERSION is the tag.
  Files become one more layer; the authorities that an image trusts are the file CERTIFICATES.
- containerd needs one mirror for all registries: `_default/hosts.toml` with http://127.0.0.1:15000.
- Proxies, indexes and authorities are those of the caller's environment (`settings.py`); no image contains them.
"""

from tests.e2e.images.build import build_all
from tests.e2e.images.migrations import FAILING_MIGRATION, HANGING_MIGRATION
from tests.e2e.images.names import publish_fixed
from tests.e2e.images.registry import Image, Registry
from tests.e2e.images.variant import CERTIFICATES

__all__ = [
    "CERTIFICATES",
    "FAILING_MIGRATION",
    "HANGING_MIGRATION",
    "Image",
    "Registry",
    "build_all",
    "publish_fixed",
]
