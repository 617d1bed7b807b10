"""Debian's packages that build and serve images."""

import os
import shutil
import subprocess

PACKAGES = {
    "buildah": "buildah",
    "docker-registry": "docker-registry",
    "mmdebstrap": "mmdebstrap",
    "unshare": "util-linux",
}
"""Program to package."""


def install() -> None:
    """Install what is missing; raises SystemExit, with the command to type, for anybody but root on Debian."""
    missing = sorted({package for program, package in PACKAGES.items() if shutil.which(program) is None})
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SystemExit(f"Images are built as root on Debian; first run: apt-get install {' '.join(missing)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-q"], check=True, env=environment)
    subprocess.run(["apt-get", "install", "-qy", "--no-install-recommends", *missing], check=True, env=environment)
    # Debian's package starts a registry of its own, where there is an init system.
    if shutil.which("systemctl") is not None:
        subprocess.run(["systemctl", "disable", "--now", "docker-registry"], check=False, capture_output=True)
