"""Gets everything that the cluster needs and that comes from the network: Debian's packages, programs and images."""

import os
import shutil
import subprocess

from tests.e2e.cluster import programs
from tests.e2e.images import build_all
from tools.rendering import tool

PACKAGES = {  # program or file: Debian's package
    "/usr/lib/cni/ptp": "containernetworking-plugins",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "ipset": "ipset",
    "iptables": "iptables",
    "nft": "nftables",
    "runc": "runc",
    "unshare": "util-linux",
}


def main() -> None:
    """Raise SystemExit with what to type if packages are missing and cannot be installed."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = sorted({package for program, package in PACKAGES.items() if shutil.which(program, path=path) is None})
    if missing:
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            raise SystemExit(f"a cluster needs root, and Debian's packages {' '.join(missing)}")
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-q"], check=True, env=environment)
        subprocess.run(["apt-get", "install", "-qy", "--no-install-recommends", *missing], check=True, env=environment)
    tool("get-kustomize")
    programs.build()
    build_all()


if __name__ == "__main__":
    main()
