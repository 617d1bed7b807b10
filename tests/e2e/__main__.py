"""`make cluster`: a cluster for a person, until Ctrl-C, with the demo organisation's pull requests on a fake GitHub.

Commands come in over a socket: tests/e2e/github says which there are.
"""

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from tests.e2e import staging
from tests.e2e.cluster import argocd
from tests.e2e.cluster.cluster import Cluster, start
from tests.e2e.commits import build, commit
from tests.e2e.layout import API, DOMAIN, LOGS, RUN
from tools.rendering import ROOT

SOCKET = RUN / "github.sock"
PULL_REQUESTS = {"acme/payments": 123, "acme/orders": 15, "acme/users": 7, "acme/shop": 31}
CONFIG = {"acme/orders": "version: 1\ndependencies:\n  payments: pr:123\n"}
HELP = f"""\

The cluster is up. In another terminal:

    tests/e2e/github label acme/users 7 preview   # a preview appears
    tests/e2e/github push acme/users 7            # a new commit, with its image
    tests/e2e/github close acme/users 7           # everything is removed
    tests/e2e/inside kubectl get applications --namespace argocd --watch
    tests/e2e/inside curl --silent https://users-7.{DOMAIN}/

The cluster has a network of its own. `tests/e2e/inside` runs a command there, with these names and addresses:

    previews      https://<service>-<number>.{DOMAIN}
    Argo CD       https://argocd-server.{argocd.NAMESPACE}.svc.cluster.local
    API server    {API}
    kubeconfig    {RUN.relative_to(ROOT)}/control-plane/admin.kubeconfig
    logs          {LOGS.relative_to(ROOT)}

acme/orders#15 asks in its .preview.yaml for the preview of acme/payments#123: label both, and
https://orders-15.{DOMAIN}/call/payments answers with that preview's data.
Ctrl-C ends the cluster.
"""


def main() -> None:
    with start(lambda step, seconds: print(f"{seconds:6.1f} s  {step}", flush=True)) as cluster:
        staging.deploy(cluster)
        argocd.wait(cluster.kubernetes)
        for repository, number in PULL_REQUESTS.items():
            head = build(cluster, repository.removeprefix("acme/"), commit())
            cluster.developers.open(repository, number, head_sha=head, config=CONFIG.get(repository))
        print(HELP, flush=True)
        try:
            listen(lambda *words: answer(cluster, *words))
        except KeyboardInterrupt:
            print("ending the cluster")


def answer(cluster: Cluster, verb: str, repository: str, number: str, *labels: str) -> str:
    """Do what a developer would do on GitHub, and say what it was."""
    if PULL_REQUESTS.get(repository) != int(number):
        known = ", ".join(f"{name}#{one}" for name, one in PULL_REQUESTS.items())
        return f"there is no pull request {repository}#{number}; there are {known}"
    developers, service = cluster.developers, repository.removeprefix("acme/")
    match verb:
        case "label":
            developers.label(repository, int(number), *labels)
        case "push":
            developers.push(repository, int(number), build(cluster, service, commit()))
        case "close" | "merge":
            developers.close(repository, int(number), "merged" if verb == "merge" else "closed")
        case _:
            return f"no such command: {verb} (label, push, close, merge)"
    return f"{verb}: {repository}#{number} {' '.join(labels)}"


def listen(handle: Callable[..., str]) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(SOCKET.relative_to(Path.cwd())))  # a short path: the kernel allows 107 bytes
        server.listen()
        while True:
            connection, _ = server.accept()
            with connection, connection.makefile("rw") as stream:
                try:
                    said = handle(*json.loads(stream.readline()))
                except (OSError, TypeError, ValueError) as error:
                    said = f"{error}"
                print(said, file=stream)
                print(said, file=sys.stderr)


if __name__ == "__main__":
    main()
