"""The README's path from an empty cluster to a first preview: what it names exists and matches."""

import re
import shlex
import subprocess
from itertools import pairwise

import pytest
import yaml

from plugin.settings import Settings, load_settings
from plugin.sources.github.deliveries import ACTIONS
from tests.keys import PRIVATE_KEY
from tests.manifests.installed import deployment, one, references, variables
from tools.rendering import ROOT, Objects, build

README = (ROOT / "README.md").read_text("utf-8")
SECTION = README.partition("\n## Install\n")[2].partition("\n## ")[0]
SCRIPTS = re.findall(r"^```sh\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """Return every command as a list of words, including the alternatives in comments."""
    lines = [line.removeprefix("# or: ") for script in SCRIPTS for line in script.splitlines()]
    return [shlex.split(line, comments=True) for line in lines]


def values(option: str) -> list[str]:
    """Return the values of an option in all commands."""
    return [value for command in commands() for word, value in pairwise(command) if word == option]


@pytest.fixture(name="plugin", scope="module")
def _plugin() -> Objects:
    return build(ROOT / "manifests/plugin/base")


def test_the_commands_are_shell() -> None:
    assert len(SCRIPTS) == 7
    for script in SCRIPTS:
        result = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert (result.returncode, result.stderr) == (0, ""), script


def test_every_kustomization_is_applied_by_the_installation() -> None:
    applied = set(values("--kustomize"))
    to_install = {
        str(file.parent.relative_to(ROOT))
        for file in ROOT.glob("manifests/*/**/kustomization.yaml")
        if yaml.safe_load(file.read_text("utf-8"))["kind"] == "Kustomization" and "apps" not in file.parts
    }

    assert applied == to_install
    assert values("--filename") == [
        "manifests/plugin/base/namespace.yaml",
        "manifests/login/namespace.yaml",
        "applicationsets/previews.yaml",
    ]
    assert all((ROOT / file).is_file() for file in values("--filename"))


def test_the_two_configmaps_of_argocd_are_patched_and_never_applied() -> None:
    patched = [command for command in commands() if command[:3] == ["kubectl", "patch", "configmap"]]

    assert [(command[3], command[-1]) for command in patched] == [
        (name, f"manifests/argocd/settings/{name}.yaml") for name in ("argocd-cm", "argocd-cmd-params-cm")
    ]
    for command in patched:
        assert command[4:-1] == ["--namespace", "argocd", "--type", "merge", "--patch-file"]
    applied = [found["metadata"]["name"] for folder in values("--kustomize") for found in build(ROOT / folder)]
    assert not {"argocd-cm", "argocd-cmd-params-cm"} & set(applied)
    assert "--server-side" not in README


def test_every_file_in_the_installation_guide_exists() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", SECTION)
    named = re.findall(r"`((?:manifests|applicationsets|examples)/[\w./-]+)`", SECTION)

    assert len(links) >= 6
    assert len(named) >= 5
    assert [file for file in links + named if not (ROOT / file).exists()] == []


def test_placeholders_to_replace_are_where_the_table_says() -> None:
    rows = [line.split("|")[1:3] for line in SECTION.splitlines() if line.startswith("|")][2:]

    assert len(rows) == 3
    for what, where in rows:
        files = {file for pattern in re.findall("`([^`]+)`", where) for file in ROOT.glob(pattern)}
        for text in re.findall("`([^`]+)`", what):
            assert all(text in file.read_text("utf-8") for file in files), text
            if text.startswith("https://"):
                others = [
                    file for folder in ("applicationsets", "manifests") for file in (ROOT / folder).rglob("*.yaml")
                ]
                assert {file for file in others if text in file.read_text("utf-8")} == files


def secrets(namespace: str) -> dict[str, list[set[str]]]:
    """Return the keys of each Secret that is created in a namespace, by its name; several if there are alternatives."""
    found: dict[str, list[set[str]]] = {}
    for command in commands():
        if command[:4] == ["kubectl", "create", "secret", "generic"]:
            options = [word.split("=")[:2] for word in command[7:]]
            assert {option for option, _ in options} <= {"--from-literal", "--from-file"}
            if command[5:7] == ["--namespace", namespace]:
                found.setdefault(command[4], []).append({key for _, key in options})
    return found


def test_argocd_sends_the_token_that_the_plugin_expects() -> None:
    generator = yaml.safe_load((ROOT / "manifests/argocd/generator-configmap.yaml").read_text("utf-8"))["data"]
    name, key = generator["token"].removeprefix("$").split(":")
    created = [command for command in commands() if command[:5] == ["kubectl", "create", "secret", "generic", name]]
    labels = [command for command in commands() if command[:4] == ["kubectl", "label", "secret", name]]

    assert secrets("argocd") == {name: [{key}]}
    assert {command[6]: command[7:] for command in created} == {
        namespace: ["--from-literal=token=$token"] for namespace in ("previews-system", "argocd")
    }
    # Argo CD reads no other Secrets.
    assert [command[4:] for command in labels] == [["--namespace", "argocd", "app.kubernetes.io/part-of=argocd"]]


def test_the_login_gets_its_secret_by_name() -> None:
    _, container = deployment(build(ROOT / "manifests/login"), "oauth2-proxy")
    (name,) = (source["secretRef"]["name"] for source in container["envFrom"])

    (created,) = secrets("previews-login")[name]
    assert created == {f"OAUTH2_PROXY_{key}" for key in ("CLIENT_ID", "CLIENT_SECRET", "COOKIE_SECRET")}


@pytest.mark.parametrize("with_app", [True, False])
@pytest.mark.parametrize("folder", ["base", "overlays/ha"])
def test_the_secrets_hold_what_the_plugin_needs(folder: str, with_app: bool) -> None:  # noqa: FBT001
    created = secrets("previews-system")
    if folder == "base":
        del created["preview-plugin-redis"], created["preview-plugin-redis-tls"]
    github = created["preview-plugin-github"]
    given = {name: alternatives[0] for name, alternatives in created.items()}
    given["preview-plugin-github"] = github[0 if with_app else 1]
    values = {
        name: {key: PRIVATE_KEY if key == "private-key" else f"value-of-{name}-{key}" for key in keys_of_it}
        for name, keys_of_it in given.items()
    }
    _, container = deployment(build(ROOT / "manifests/plugin" / folder))
    environment = variables(container, values)
    settings = load_settings(Settings, environment)

    assert len(github) == 2
    written = {(name, key) for name, keys_of_it in given.items() for key in keys_of_it}
    files = {(name, key) for name, key in written if name == "preview-plugin-redis-tls"}
    assert written - files <= references(container).keys(), "a key that is never read"
    assert {key for _, key in files} == ({"tls.crt", "tls.key", "ca.crt"} if folder == "overlays/ha" else set())
    assert bool(settings.github_app_id) == with_app
    assert settings.webhook_secret


def test_the_webhook_leads_to_the_plugin(plugin: Objects) -> None:
    (rule,) = one(plugin, "Ingress")["spec"]["rules"]
    (path,) = rule["http"]["paths"]

    # Any name that leads to the ingress controller and belongs to no preview.
    (label,) = re.findall(rf"`https://([\w-]+)\.preview\.example\.com{path['path']}`", SECTION)
    assert "host" not in rule
    assert not re.search(r"-\d+$", label)


def test_the_webhook_subscribes_to_every_event_that_counts() -> None:
    (named,) = re.findall(r"the events (.*?);", SECTION, re.DOTALL)

    # An App receives events about its installations without subscribing: https://docs.github.com/en/webhooks/webhook-events-and-payloads
    assert {*re.findall(r"`(\w+)`", named), "installation", "installation_repositories"} == ACTIONS.keys()


def test_names_of_watched_and_labelled_objects_are_right(plugin: Objects) -> None:
    flat = [" ".join(command) for command in commands()]
    names = {(found["kind"].lower(), found["metadata"]["name"]) for found in plugin}
    applications = yaml.safe_load((ROOT / "applicationsets/previews.yaml").read_text("utf-8"))
    policies = "".join(file.read_text("utf-8") for file in ROOT.glob("manifests/components/network-*/*.yaml"))
    rolled = re.findall(r"kubectl rollout \w+ deployment/(\S+) --namespace (\S+)", SECTION.replace("`", " "))

    assert set(rolled) == {("preview-plugin", "previews-system")}
    assert {("deployment", "preview-plugin"), ("namespace", "previews-system")} <= names
    assert applications["metadata"]["name"] == "previews"
    (selector,) = values("--selector")
    assert selector.partition("=")[0] in applications["spec"]["template"]["metadata"]["labels"]
    labels = [line.split()[-1].split("=") for line in flat if line.startswith("kubectl label namespace")]
    assert len(labels) == 2
    for key, value in labels:
        assert re.search(rf'{key}: "?{value}\b', policies), key


def test_the_components_to_list_exist() -> None:
    listed = re.findall(r"list `([\w-]+)`", SECTION)

    assert listed == ["registry-credentials", "auth"]
    assert all((ROOT / "manifests/components" / name).is_dir() for name in listed)
