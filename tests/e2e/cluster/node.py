"""The node: containerd, the kubelet, kube-proxy, and kube-router, which enforces network policies."""

import json
from pathlib import Path
from textwrap import dedent

from tests.e2e.cluster.control_plane import KUBERNETES, ControlPlane
from tests.e2e.cluster.processes import Processes, until
from tests.e2e.images.names import PAUSE
from tests.e2e.layout import DNS, NODE, PODS, PROGRAMS, REGISTRY_PORT, RUN, SERVICES

FOLDER = RUN / "node"
SOCKET = Path("/run/containerd/containerd.sock")
CGROUPS = "preview-e2e"
PLUGINS = "/usr/lib/cni"  # Debian's containernetworking-plugins


def start(processes: Processes, control_plane: ControlPlane) -> None:
    """Start the node's programs; it becomes Ready some seconds later."""
    FOLDER.mkdir(parents=True)
    _start_containerd(processes)
    _start_kubelet(processes, control_plane)
    _start_kube_proxy(processes, control_plane)


def _start_containerd(processes: Processes) -> None:
    network, mirrors = FOLDER / "network", FOLDER / "mirrors"
    # A link of its own for each pod, and not a bridge: each packet between two pods passes the node's policies.
    range_ = {"type": "host-local", "dataDir": str(FOLDER / "addresses"), "ranges": [[{"subnet": PODS}]]}
    link = {"type": "ptp", "ipMasq": True, "ipam": range_ | {"routes": [{"dst": "0.0.0.0/0"}]}}
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    _write(network / "10-e2e.conflist", json.dumps({"cniVersion": "1.0.0", "name": "e2e", "plugins": [link, ports]}))
    # Every registry is ours: an image's name stays as the manifests write it.
    _write(
        mirrors / "_default/hosts.toml",
        f"""\
        [host."http://127.0.0.1:{REGISTRY_PORT}"]
          capabilities = ["pull", "resolve"]
        """,
    )
    configuration = _write(
        FOLDER / "containerd.toml",
        f"""\
        version = 3
        root = "{FOLDER / "containerd"}"
        state = "/run/containerd"
        [grpc]
          address = "{SOCKET}"
        [plugins."io.containerd.cri.v1.images".pinned_images]
          sandbox = "{PAUSE}"
        [plugins."io.containerd.cri.v1.images".registry]
          config_path = "{mirrors}"
        [plugins."io.containerd.cri.v1.runtime"]
          disable_apparmor = true
          restrict_oom_score_adj = true # needs a capability that containers of machines often lack
        [plugins."io.containerd.cri.v1.runtime".cni]
          bin_dirs = ["{PLUGINS}"]
          conf_dir = "{network}"
        [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
          runtime_type = "io.containerd.runc.v2"
        """,
    )
    path = f"{PROGRAMS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # the shim is beside containerd
    processes.start("containerd", PROGRAMS / "containerd", "--config", configuration, environment={"PATH": path})
    until("containerd listens", SOCKET.exists, 30)


def _start_kubelet(processes: Processes, control_plane: ControlPlane) -> None:
    configuration = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{CGROUPS}",
        "failCgroupV1": False,
        "enforceNodeAllocatable": [],
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "clusterDNS": [DNS],
        "clusterDomain": "cluster.local",
        "resolvConf": str(RUN / "resolv.conf"),
        "podLogsDir": str(FOLDER / "pod-logs"),
        "failSwapOn": False,
        "maxPods": 200,
        "evictionHard": {},  # a full disk of the machine is no reason to end pods
        "imageGCHighThresholdPercent": 100,
        "makeIPTablesUtilChains": False,
        "serializeImagePulls": False,
        "syncFrequency": "10s",
        "featureGates": {"KubeletInUserNamespace": True},  # settings that it may not write are warnings
    }
    file = _write(FOLDER / "kubelet.yaml", json.dumps(configuration))
    processes.start(
        "kubelet",
        KUBERNETES,
        "kubelet",
        f"--config={file}",
        f"--kubeconfig={control_plane.kubeconfig('system:node:node')}",
        "--hostname-override=node",
        f"--node-ip={NODE}",
    )


def _start_kube_proxy(processes: Processes, control_plane: ControlPlane) -> None:
    configuration = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": PODS,
        "clientConnection": {"kubeconfig": str(control_plane.kubeconfig("system:kube-proxy"))},
        "hostnameOverride": "node",
        "conntrack": {"maxPerCore": 0, "min": 0},  # the table is the machine's
    }
    file = _write(FOLDER / "kube-proxy.yaml", json.dumps(configuration))
    processes.start("kube-proxy", KUBERNETES, "kube-proxy", f"--config={file}")


def enforce_policies(processes: Processes, control_plane: ControlPlane) -> None:
    """Start kube-router, which needs a node that has registered itself."""
    processes.start(
        "kube-router",
        PROGRAMS / "kube-router",
        f"--kubeconfig={control_plane.kubeconfig('network-policies')}",
        "--run-firewall=true",
        "--run-router=false",
        "--run-service-proxy=false",
        "--hostname-override=node",
        f"--service-cluster-ip-range={SERVICES}",
        environment={"NODE_NAME": "node"},
    )


def _write(file: Path, content: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(dedent(content), "utf-8")
    return file
