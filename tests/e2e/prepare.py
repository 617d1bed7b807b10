"""Gets everything that the cluster needs and that comes from the network: Debian's packages, programs and images."""

import os

from tests.e2e.cluster import programs
from tests.e2e.images import build_all, packages
from tools.rendering import tool


def main() -> None:
    """Raise SystemExit with what to do for anybody but root on Debian."""
    if os.geteuid() != 0:
        raise SystemExit("only root can make a cluster")
    packages.install(packages.OF_THE_CLUSTER | packages.OF_IMAGES)
    tool("get-kustomize")
    programs.build()
    build_all()


if __name__ == "__main__":
    main()
