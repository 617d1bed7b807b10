"""Debian's packages that a cluster, and the building of its images, need."""

import os
import shutil
import subprocess
from collections.abc import Mapping

OF_IMAGES = {  # program: its package
    "buildah": "buildah",
    "docker-registry": "docker-registry",
    "mmdebstrap": "mmdebstrap",
    "unshare": "util-linux",
}
OF_THE_CLUSTER = {  # program or file: its package
    "/usr/lib/cni/ptp": "containernetworking-plugins",
    "conntrack": "conntrack",
    "flock": "util-linux",
    "ip": "iproute2",
    "ipset": "ipset",
    "iptables": "iptables",
    "nft": "nftables",
    "pkill": "procps",
    "runc": "runc",
}


def install(needed: Mapping[str, str]) -> None:
    """Install what is missing. Raises SystemExit, with the command to type, for anybody but root on Debian."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = sorted({package for program, package in needed.items() if shutil.which(program, path=path) is None})
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SystemExit(f"This needs root on Debian; first run: apt-get install {' '.join(missing)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-q"], check=True, env=environment)
    subprocess.run(["apt-get", "install", "-qy", "--no-install-recommends", *missing], check=True, env=environment)
    # Debian's package starts a registry of its own, where there is an init system.
    if "docker-registry" in missing and shutil.which("systemctl") is not None:
        subprocess.run(["systemctl", "disable", "--now", "docker-registry"], check=False, capture_output=True)
