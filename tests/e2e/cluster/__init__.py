"""A real Kubernetes cluster of one node, without a container engine, for the stories in tests/e2e.

Read in this order: programs (what is built beforehand, outside), isolate (a script: the namespaces that all of it runs
in), processes, certificates, control_plane, node, kubernetes (how tests talk to it), services (DNS, ingress controller,
volumes), argocd, github, world, product, cluster (all of it, in order). Addresses and folders: tests/e2e/layout.py.
"""
