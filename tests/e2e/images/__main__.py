"""Builds the images and lists what a cluster would pull: python -m tests.e2e.images"""

import time

from tests.e2e.images import Registry, build_all, publish_fixed

started = time.monotonic()
images = build_all()
print(f"{len(images)} images: {time.monotonic() - started:.1f} s")
started = time.monotonic()
with Registry() as registry:
    publish_fixed(registry, images)
    for repository, tags in registry.catalogue().items():
        print(repository, *tags)
print(f"started and published: {time.monotonic() - started:.1f} s")
