"""The small renderer is built from the same libraries as the Argo CD that it stands for."""

import re

from tools.rendering import ROOT


def requirements(module: str, ending: str = "") -> dict[str, str]:
    """The versions in a go.mod, of what has this ending."""
    text = (ROOT / module / "go.mod").read_text("utf-8")
    return dict(re.findall(rf"^\t(\S+) (v\S+){ending}$", text, re.MULTILINE))


def test_its_libraries_have_the_versions_of_argocd() -> None:
    ours = requirements("tools/renderer")
    theirs = requirements("tests/conformance/argocd") | requirements("tests/conformance/argocd", " // indirect")

    assert "sigs.k8s.io/kustomize/api" in ours
    assert {name: theirs[name] for name in ours} == ours
