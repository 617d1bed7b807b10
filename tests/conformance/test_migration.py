"""From Argo CD's own Pull Request generator to the plugin, as the guide says: only the generator is swapped."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.conformance.argocd import Object, secret
from tests.conformance.stage import Stage, stage
from tests.docs.pages import examples

# Templates in the style of Argo CD's documentation, with all parameters that it documents:
# https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Generators-Pull-Request/#template
HELM: Object = {
    "helm": {
        "parameters": [
            {"name": "image.tag", "value": "pull-{{.author}}-{{.head_sha}}"},
            {"name": "host", "value": "{{.branch_slug}}.{{.target_branch_slug}}.example.com"},
        ]
    }
}
KUSTOMIZE: Object = {
    "kustomize": {
        "nameSuffix": "-{{.branch_slug}}",
        "commonLabels": {"app.kubernetes.io/instance": "{{.branch_slug}}-{{.number}}"},
        "images": ["ghcr.io/acme/orders:{{.head_short_sha_7}}-{{.head_short_sha}}"],
    }
}


def application_set(generators: list[Object], source: Object) -> Object:
    annotations = {
        "title": "{{ .title | toJson }}",
        "labels": "{{ .labels | toJson }}",
        "branches": "{{ .branch }} into {{ .target_branch }}",
    }
    template = {
        "metadata": {"name": "myapp-{{.branch_slug}}-{{.number}}", "annotations": annotations},
        "spec": {
            "project": "previews",
            "source": {
                "repoURL": "https://github.com/acme/previews.git",
                "targetRevision": "{{.head_sha}}",
                "path": "kubernetes/",
                **source,
            },
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "preview-{{.number}}"},
        },
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": "myapps", "namespace": "argocd"},
        "spec": {
            "goTemplate": True,
            "goTemplateOptions": ["missingkey=error"],
            "generators": generators,
            "template": template,
        },
    }


def shown(generator: str) -> list[Object]:
    """Return the generators that the guide shows, for a template that has this one."""
    guide = (yaml.safe_load(one.text) for one in examples("yaml", "docs/migrate-from-pr-generator.md"))
    found: list[list[Object]] = [one["generators"] for one in guide if "generators" in one]
    (generators,) = ([*one] for one in found if generator in one[0])
    return generators


@pytest.fixture(name="staged", scope="module")
def _staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("migration")) as staged:
        staged.argocd.apply(secret("github", token=staged.github.token))
        staged.ready()
        yield staged


@pytest.mark.parametrize("source", [HELM, KUSTOMIZE], ids=["helm", "kustomize"])
def test_swapping_the_generator_touches_no_application(staged: Stage, source: Any) -> None:
    theirs, ours = shown("pullRequest"), shown("plugin")
    theirs[0]["pullRequest"]["github"]["api"] = staged.github.url

    staged.argocd.apply(application_set(theirs, source))
    assert staged.reconcile("myapps").fine
    before = {name: one for name, one in staged.argocd.applications().items() if name.startswith("myapp-")}
    staged.argocd.apply(application_set(ours, source))
    swapped = staged.reconcile("myapps")
    after = {name: one for name, one in staged.argocd.applications().items() if name.startswith("myapp-")}

    assert before.keys() == {
        "myapp-faster-checkout-12",
        "myapp-refunds-15",
        "myapp-try-provider-17",
        "myapp-bulk-orders-18",
    }
    assert swapped.fine
    assert swapped.touched == set()
    assert after == before
    # It is the plugin that answers now, and its answers are used: a new commit arrives.
    head = staged.push()
    assert staged.settle("myapps").updated.keys() == {"myapp-faster-checkout-12"}
    revisions = {one["spec"]["source"]["targetRevision"] for one in staged.argocd.applications().values()}
    assert head in revisions


def test_swapping_it_back_touches_no_application_either(staged: Stage) -> None:
    theirs = shown("pullRequest")
    theirs[0]["pullRequest"]["github"]["api"] = staged.github.url
    staged.argocd.apply(application_set(shown("plugin"), HELM))
    assert staged.reconcile("myapps").fine

    staged.argocd.apply(application_set(theirs, HELM))
    back = staged.reconcile("myapps")

    assert back.fine
    assert back.touched == set()
