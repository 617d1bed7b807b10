"""Where everything is, and which address is whose."""

import re

from tools.rendering import ROOT

CACHE = ROOT / ".cache/e2e"  # what survives a run: programs and images
PROGRAMS, IMAGES = CACHE / "bin", CACHE / "images"
AUTHORITY = CACHE / "authority"  # signs certificates for names of the world; images trust it
RUN = CACHE / "run"  # one run's files; the next run begins without them
LOGS = RUN / "logs"

GO_MODULES = ROOT / ".cache/gopath/pkg/mod"
_REQUIRED = (ROOT / "tests/e2e/programs/go.mod").read_text("utf-8")
(ARGOCD_VERSION,) = re.findall(r"github.com/argoproj/argo-cd/v3 v(\S+)", _REQUIRED)
(KUBERNETES_VERSION,) = re.findall(r"k8s.io/kubernetes v(\S+)", _REQUIRED)
ARGOCD = GO_MODULES / f"github.com/argoproj/argo-cd/v3@v{ARGOCD_VERSION}"  # its sources

NODE = "172.31.0.1"  # the node's address, the API server's too
WORLD = "172.31.0.2"  # what is outside the cluster: GitHub
INTERNET = "203.0.113.10"  # any other host outside the cluster (RFC 5737)
METADATA = "169.254.169.254"  # where clouds give credentials to whoever asks from a node
API = f"https://{NODE}:6443"
REGISTRY_PORT, GITHUB_PORT = 15000, 15001

PODS = "10.244.0.0/24"
SERVICES = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"  # what pods call the API server
DNS = "10.96.0.10"
INGRESS = "10.96.0.80"

DOMAIN = "preview.example.com"
