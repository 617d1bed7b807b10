"""Builds the cluster's programs from the Go modules beside this folder, outside of the namespaces without a network.

All share Go's caches in .cache with `make conformance`: what both need is compiled once.
"""

import os
import subprocess
import time

from tests.e2e.layout import KUBERNETES_VERSION, PROGRAMS
from tools.rendering import ROOT, tool

MAJOR, MINOR, _ = KUBERNETES_VERSION.split(".")  # clients refuse a server that does not know its version
PROJECTS = {  # module: {program: its package}
    "programs": {
        "kubernetes": "./kubernetes",
        "coredns": "./coredns",
        "ingress": "./ingress",
        "volumes": "./volumes",
        "kube-router": "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router",
        "argocd": "github.com/argoproj/argo-cd/v3/cmd",
    },
    "containerd": {
        name: f"github.com/containerd/containerd/v2/cmd/{name}" for name in ("containerd", "containerd-shim-runc-v2")
    },
}
TAGS = "providerless,no_btrfs,no_devmapper,no_zfs,no_nri,no_tracing"  # what this cluster does not use
VARIABLES = {
    "k8s.io/component-base/version.gitVersion": f"v{KUBERNETES_VERSION}",
    "k8s.io/component-base/version.gitMajor": MAJOR,
    "k8s.io/component-base/version.gitMinor": MINOR,
    "k8s.io/client-go/pkg/version.gitVersion": f"v{KUBERNETES_VERSION}",
}


def build() -> None:
    """Build all programs, and print how long each took. Go sees by itself what has not changed."""
    go = str(tool("get-go"))
    cache = ROOT / ".cache"
    environment = os.environ | {
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-buildvcs=false -trimpath -modcacherw -mod=readonly",
        "GOPATH": str(cache / "gopath"),
        "GOCACHE": str(cache / "go-build"),
    }
    variables = " ".join(f"-X {name}={value}" for name, value in VARIABLES.items())
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    for module, packages in PROJECTS.items():
        for name, package in packages.items():
            began = time.monotonic()
            command = [go, "-C", str(ROOT / "tests/e2e" / module), "build", "-tags", TAGS]
            subprocess.run(
                [*command, "-ldflags", f"-s -w {variables}", "-o", str(PROGRAMS / name), package],
                env=environment,
                check=True,
            )
            print(f"{time.monotonic() - began:6.1f} s  built {name}", flush=True)
