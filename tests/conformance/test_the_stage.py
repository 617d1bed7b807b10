"""The stage can show what must never happen; otherwise the other tests would prove nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.conformance.argocd import ArgoCD
from tests.conformance.canned import Canned, canned_plugin
from tools.rendering import ROOT, argocd_module, tool

GOOD = {"name": "preview-orders-1", "label": "good", "text": "any text"}


@pytest.fixture(name="plugin")
def _plugin(controller: ArgoCD) -> Iterator[Canned]:
    with canned_plugin() as plugin:
        controller.point_at(plugin.url)
        controller.apply(small_set())
        plugin.answer([GOOD, {**GOOD, "name": "preview-orders-2"}])
        assert controller.reconcile("small").created.keys() == {"preview-orders-1", "preview-orders-2"}
        yield plugin


def small_set(**input_parameters: Any) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load("""
        apiVersion: argoproj.io/v1alpha1
        kind: ApplicationSet
        metadata: {name: small, namespace: argocd}
        spec:
          goTemplate: true
          goTemplateOptions: [missingkey=error]
          generators: [{plugin: {configMapRef: {name: preview-plugin}, requeueAfterSeconds: 60}}]
          template:
            metadata: {name: '{{ .name }}', labels: {label: '{{ .label }}'}, annotations: {text: '{{ .text }}'}}
            spec:
              project: previews
              source: {repoURL: https://github.com/acme/previews.git, path: manifests}
              destination: {server: https://kubernetes.default.svc, namespace: '{{ .name }}'}
    """)
    if input_parameters:
        content["spec"]["generators"][0]["plugin"]["input"] = {"parameters": input_parameters}
    return content


@pytest.mark.parametrize("body", [b"", b"{}", b'{"output":{"parameters":[]}}', b'{"parameters":[{"name":"x"}]}'])
def test_argocd_deletes_everything_after_an_empty_success(controller: ArgoCD, plugin: Canned, body: bytes) -> None:
    plugin.succeed(body)

    assert controller.reconcile("small").deleted.keys() == {"preview-orders-1", "preview-orders-2"}
    assert controller.applications() == {}


def test_argocd_deletes_what_an_answer_leaves_out(controller: ArgoCD, plugin: Canned) -> None:
    plugin.answer([GOOD])

    assert controller.reconcile("small").deleted.keys() == {"preview-orders-2"}


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        ({"name": "preview_orders"}, "a lowercase RFC 1123 subdomain"),
        ({"label": "dependabot[bot]"}, "a valid label must be"),
        ({"label": "x" * 64}, "must be no more than 63"),
        ({"text": "x" * 300_000}, "may not be more than 262144 bytes"),
    ],
)
def test_the_api_server_refuses_what_a_real_one_refuses(
    controller: ArgoCD, plugin: Canned, spoilt: dict[str, str], message: str
) -> None:
    plugin.answer([GOOD | spoilt])
    reconciled = controller.reconcile("small")

    assert message in reconciled.error
    assert message in reconciled.problem
    assert len(reconciled.refused) == 1
    assert reconciled.deleted == {}


def test_the_schema_of_argocds_crd_is_applied(controller: ArgoCD) -> None:
    content = small_set()
    content["spec"]["syncPolicy"] = {"applicationsSync": "never-delete"}
    with pytest.raises(RuntimeError, match=r'applicationsSync: Unsupported value: "never-delete"'):
        controller.apply(content)


def test_kustomize_is_the_one_that_argocd_ships() -> None:
    modules = ROOT / ".cache/gopath/pkg/mod/github.com/argoproj/argo-cd"
    (line,) = (
        line
        for line in (ROOT / argocd_module() / "go.mod").read_text("utf-8").splitlines()
        if line.startswith("\tgithub.com/argoproj/argo-cd/v3 ")
    )
    versions = (modules / f"v3@{line.split()[1]}" / "hack/tool-versions.sh").read_text("utf-8")

    assert f"kustomize5_version={tool('get-kustomize').parent.name.removeprefix('kustomize-')}\n" in versions
