"""What Argo CD tells the plugin and chats: patches that add keys of their own, and that fit together.

What they do is shown by tests/conformance/test_notifications.py, with Argo CD's own controller.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugin.settings import Settings, load_settings
from tests.docs.pages import read
from tests.manifests.conftest import BASE, Acme
from tests.manifests.installed import deployment, names, one, references, variables
from tools.rendering import ROOT, Objects, build, render_without_argocd

FOLDER = ROOT / "manifests/argocd/notifications"
CONFIG = "argocd-notifications-cm"
FILES = sorted([FOLDER / "service.yaml", *FOLDER.glob("triggers/*.yaml"), *FOLDER.glob("templates/*.yaml")])
WHO = ("plugin", "slack", "teams", "mattermost")
SERVICES = {"plugin": "webhook.preview-plugin", "teams": "teams-workflows"}
LABEL = "preview.example.com/service"


def content(file: Path) -> Any:
    return yaml.safe_load(file.read_text("utf-8"))


def data(file: Path) -> tuple[str, Any]:
    """Return the key that a file sets, and its value as Argo CD reads it."""
    ((key, value),) = content(file)["data"].items()
    return key, yaml.safe_load(value)


def added(who: str) -> dict[str, Any]:
    """Return what a folder adds to the ConfigMap; checks that nothing is replaced."""
    tests, adds = [], {}
    for operation in content(FOLDER / who / "subscriptions.yaml"):
        if operation["op"] == "test":
            assert operation["value"] is None, "the key must not be there yet"
            tests.append(operation["path"])
        else:
            assert operation["op"] == "add"
            assert operation["path"] in tests, "a patch must fail rather than replace what somebody has"
            adds[operation["path"].removeprefix("/data/")] = yaml.safe_load(operation["value"])
    return adds


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_a_file_adds_one_key_that_is_called_like_the_file(file: Path) -> None:
    found = content(file)
    key, _ = data(file)

    # A merge patch removes what it sets to null: https://datatracker.ietf.org/doc/html/rfc7386
    assert found == {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CONFIG}, "data": {key: found["data"][key]}
    }  # fmt: skip
    assert isinstance(found["data"][key], str)
    kind = file.parent.name.removesuffix("s")
    assert key == (f"{kind}.{file.stem}" if file.stem != "service" else "service.webhook.preview-plugin")


def test_every_trigger_sends_templates_that_exist_and_every_template_is_sent() -> None:
    triggers = dict(data(file) for file in FILES if file.parent.name == "triggers")
    sent = {name for conditions in triggers.values() for one in conditions for name in one["send"]}

    assert sent == {file.stem for file in FILES if file.parent.name == "templates"}


def test_what_is_repeated_is_what_the_other_triggers_say_without_once_per() -> None:
    triggers = {key: value for key, value in (data(file) for file in FILES) if key.startswith("trigger.")}
    repeated = triggers.pop("trigger.preview-repeated")
    others = [condition for conditions in triggers.values() for condition in conditions]

    assert all(condition["oncePer"] for condition in others)
    assert not [condition for condition in repeated if "oncePer" in condition]
    assert sorted(one["when"] for one in repeated) == sorted(one["when"] for one in others)
    for condition in repeated:
        (other,) = (one for one in others if one["when"] == condition["when"])
        assert condition["send"] == other["send"][:1], "the template with the webhook"


@pytest.mark.parametrize("who", WHO)
def test_everybody_is_told_by_triggers_that_exist_of_applications_with_the_label(who: str) -> None:
    triggers = {file.stem for file in FILES if file.parent.name == "triggers"}
    subscriptions = added(who)["subscriptions"]

    assert subscriptions[0] == added("plugin")["subscriptions"][0]
    assert {*subscriptions[0]["triggers"]} == triggers
    assert all({*one["triggers"]} == triggers - {"preview-repeated"} for one in subscriptions[1:])
    assert {one["selector"] for one in subscriptions} == {LABEL}
    recipients = [recipient.partition(":")[0] for one in subscriptions for recipient in one["recipients"]]
    assert recipients == ["preview-plugin", *([] if who == "plugin" else [SERVICES.get(who, who)])]


@pytest.mark.parametrize("who", WHO)
def test_no_secret_is_in_a_file_and_all_are_named_in_a_comment(who: str) -> None:
    text = json.dumps(added(who)) if who != "plugin" else (FOLDER / "service.yaml").read_text("utf-8")
    (secret,) = re.findall(r"\$([\w-]+)", text)
    comment = (FOLDER / ("service.yaml" if who == "plugin" else f"{who}/kustomization.yaml")).read_text("utf-8")

    assert re.search(rf"\bkey\s+(#\s+)?{secret}\b", comment)


def test_applications_of_every_applicationset_have_the_label() -> None:
    sets = [*ROOT.glob("applicationsets/*.yaml"), ROOT / "plugin/cli/templates/argocd/applicationset.yaml"]
    templates = [found["spec"]["template"] for found in map(content, sets) if found["kind"] == "ApplicationSet"]

    assert len(templates) == 4
    assert {template["metadata"]["labels"][LABEL] for template in templates} == {"{{ .service }}"}


@pytest.mark.parametrize("who", WHO)
def test_the_components_keep_the_keys_of_an_argocd_that_kustomize_installs(tmp_path: Path, who: str) -> None:
    shutil.copytree(FOLDER, tmp_path / "notifications")
    theirs = {"service.email": "{}", "context": "argocdUrl: https://argocd.example.com"}
    install(tmp_path, theirs, who)

    (found,) = build(tmp_path)

    assert {key: found["data"][key] for key in theirs} == theirs
    assert found["metadata"] == {"name": CONFIG, "namespace": "argocd"}
    assert found["data"].keys() - theirs.keys() == {key for key, _ in map(data, FILES)} | added(who).keys()


@pytest.mark.parametrize("theirs", [{"subscriptions": "- recipients: [slack:ops]"}, {"service.slack": "token: x"}])
def test_the_components_refuse_to_replace_keys(tmp_path: Path, theirs: dict[str, str]) -> None:
    shutil.copytree(FOLDER, tmp_path / "notifications")
    install(tmp_path, theirs, "slack")

    with pytest.raises(RuntimeError, match=r"testing value /data/.* failed"):
        build(tmp_path)


def install(folder: Path, theirs: dict[str, str], who: str) -> None:
    metadata = {"name": CONFIG, "namespace": "argocd"}
    found = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": theirs}
    (folder / "install.yaml").write_text(yaml.safe_dump(found), "utf-8")
    components = ["notifications", f"notifications/{who}"]
    (folder / "kustomization.yaml").write_text(
        yaml.safe_dump({"resources": ["install.yaml"], "components": components}), "utf-8"
    )


# The way to the plugin


@pytest.fixture(name="plugin", scope="module")
def _plugin() -> Objects:
    return build(ROOT / BASE)


def test_the_webhook_leads_to_the_plugins_service(plugin: Objects) -> None:
    _, service = data(FOLDER / "service.yaml")
    metadata = one(plugin, "Service")["metadata"]
    (port,) = one(plugin, "Service")["spec"]["ports"]

    assert service["url"] == f"http://{metadata['name']}.{metadata['namespace']}.svc.cluster.local"
    assert port["port"] == 80
    assert service["retryMax"] > 0
    paths = {
        template["webhook"]["preview-plugin"]["path"]
        for key, template in map(data, FILES)
        if key.startswith("template.") and "webhook" in template
    }
    assert paths == {"/webhooks/argocd"}


def test_the_token_is_optional_and_both_sides_get_the_same_one(plugin: Objects) -> None:
    _, container = deployment(plugin)
    assert references(container)["preview-plugin", "notifications-token"] is False
    _, service = data(FOLDER / "service.yaml")
    (key,) = re.findall(r"Bearer \$([\w-]+)", json.dumps(service))
    guide = read("docs/install.md")

    for namespace, secret, name in (
        ("previews-system", "preview-plugin", "notifications-token"),
        ("argocd", "argocd-notifications-secret", key),
    ):
        patch = r"{\"stringData\": {\"NAME\": \"$notifications\"}}".replace("NAME", name)
        assert f'kubectl patch secret {secret} --namespace {namespace} --patch "{patch}"' in guide
    secrets = {"preview-plugin": {"token": "t", "notifications-token": "n"}, "preview-plugin-github": {"token": "g"}}
    assert load_settings(Settings, variables(container, secrets)).notifications_token


def test_only_argocds_notifications_controller_is_let_in_for_them(plugin: Objects) -> None:
    (argocd, _) = one(plugin, "NetworkPolicy", "preview-plugin")["spec"]["ingress"]
    (peer,) = argocd["from"]

    assert "argocd-notifications-controller" in names(peer)
    (ingress,) = (found for found in plugin if found["kind"] == "Ingress")
    assert "/webhooks/argocd" not in json.dumps(ingress), "nobody outside the cluster has anything to tell"


# Argo CD's own UI


def annotations(acme: Acme, name: str, **changes: Any) -> dict[str, str]:
    """Return the annotations of a preview's Application, with some parameters changed."""
    (given,) = (given for given in acme.live() if given["name"] == name)
    (rendered,) = render_without_argocd("previews.yaml", [given | changes])
    assert rendered["error"] == ""
    found: dict[str, str] = rendered["application"]["metadata"]["annotations"]
    return found


def notice(acme: Acme, name: str, **changes: Any) -> tuple[str, str]:
    """Return severity and text of the notice that Argo CD shows, as its UI reads them."""
    found = annotations(acme, name, **changes)
    return found["notice.argocd.argoproj.io/severity"], " ".join(found["notice.argocd.argoproj.io/content"].split())


def test_a_preview_without_a_problem_has_no_notice(acme: Acme) -> None:
    # Without content there is none: ui/src/app/applications/components/application-notice/notice.ts
    assert notice(acme, "preview-orders-15") == ("info", "")


def test_a_notice_tells_of_a_mistake_in_the_file(acme: Acme) -> None:
    severity, text = notice(acme, "preview-orders-18")

    assert severity == "warning"
    assert text.startswith(
        "The .preview.yaml of this pull request is broken, so what it asked for before stays in force: "
        '".preview.yaml:3: dependencies.paymints'
    )


def test_a_notice_tells_of_a_call_that_fell_back_but_not_of_one_that_asked_for_staging(acme: Acme) -> None:
    fallen = 'Calls to users go to staging: "acme/users#5 was merged"'
    assert notice(acme, "preview-payments-125") == ("info", fallen)

    (given,) = (given for given in acme.live() if given["name"] == "preview-payments-125")
    wished = [one | {"reason": "staging was asked for"} for one in given["dependencies"]]
    assert notice(acme, "preview-payments-125", dependencies=wished) == ("info", "")


def test_a_notice_tells_of_a_pause_and_of_an_end(acme: Acme) -> None:
    asleep = {"state": "paused", "state_reason": "nobody used it", "expires_at": "2026-12-06T10:00:00Z"}
    awake = {"expires_at": "2026-12-06T10:00:00Z"}

    assert notice(acme, "preview-orders-15", **asleep) == ("info", 'Paused: "nobody used it"')
    assert notice(acme, "preview-orders-15", **awake) == ("info", "Ends at 2026-12-06T10:00:00Z")


def test_links_lead_to_the_preview_its_pull_request_and_its_commit(acme: Acme) -> None:
    found = annotations(acme, "preview-orders-15")
    links = sorted(value for key, value in found.items() if key.startswith("link.argocd.argoproj.io/"))

    assert links == [  # in the order of Argo CD's UI, which opens the first at a click
        "Preview|https://orders-15.preview.example.com",
        "Pull request|https://github.com/acme/orders/pull/15",
        "Running commit|https://github.com/acme/orders/commit/15c0ffee15c0ffee15c0ffee15c0ffee15c0ffee",
    ]


def test_what_is_synced_names_its_commit_whatever_the_tag_of_the_image(acme: Acme) -> None:
    (given,) = (given for given in acme.live() if given["name"] == "preview-orders-15")
    (rendered,) = render_without_argocd("previews.yaml", [given | {"image": "ghcr.io/acme/orders:pr-15"}])
    source = json.dumps(rendered["application"]["spec"]["source"])
    (app,) = (it for it in rendered["objects"] if (it["kind"], it["metadata"]["name"]) == ("Deployment", "app"))

    assert re.search(rf"deploy-sha\W{{1,9}}{given['deploy_sha']}\b", source)
    assert app["metadata"]["annotations"]["preview.example.com/deploy-sha"] == given["deploy_sha"]
    pods = app["spec"]["template"]["metadata"]
    assert "preview.example.com/deploy-sha" not in pods.get("annotations", {}), "or every push would restart them"
