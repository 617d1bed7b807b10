"""The way from an empty cluster to a first preview (docs/install.md): what it names exists and matches."""

import re
import shlex
import subprocess
from itertools import pairwise

import pytest
import yaml

from plugin.settings import Settings, load_settings
from plugin.sources.github.deliveries import ACTIONS
from tests.docs.pages import examples, read
from tests.keys import PRIVATE_KEY
from tests.manifests.installed import deployment, one, references, variables
from tools.rendering import ROOT, Objects, build

GUIDE = read("docs/install.md")
OPERATIONS = read("docs/operations.md")
WRAPPER = ROOT / "examples/wrapper"
SCRIPTS = [example.text for page in ("install", "operations") for example in examples("sh", f"docs/{page}.md")]


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


def test_every_kustomization_is_applied_by_itself_or_through_the_wrapper() -> None:
    applied = {*values("--kustomize")}
    instead_of_the_base = {"manifests/plugin/overlays/ha"}
    through_the_wrapper = {
        folder
        for name in (".", "argocd")
        for folder in re.findall(r"//([\w/-]+)\?ref=", (WRAPPER / name / "kustomization.yaml").read_text("utf-8"))
    }
    to_install = {
        str(file.parent.relative_to(ROOT))
        for file in ROOT.glob("manifests/*/**/kustomization.yaml")
        if yaml.safe_load(file.read_text("utf-8"))["kind"] == "Kustomization" and "apps" not in file.parts
    }

    assert {".", "argocd"} <= applied
    assert to_install <= applied | through_the_wrapper | instead_of_the_base
    assert all(f"`{folder}`" in OPERATIONS for folder in instead_of_the_base)
    assert applied - {".", "argocd"} <= to_install


def test_argocds_own_configmaps_are_patched_and_never_applied() -> None:
    patches = [command for command in commands() if command[:3] == ["kubectl", "patch", "configmap"]]
    of_notifications = [command for command in patches if command[3] == "argocd-notifications-cm"]
    files = set((ROOT / "manifests/argocd/settings").glob("argocd-*.yaml"))
    settings = [command for command in patches if command not in of_notifications]

    assert {ROOT / word for command in settings for word in command if word.endswith(".yaml")} == files
    for command in settings:
        (file,) = (word for word in command if word.endswith(".yaml"))
        assert yaml.safe_load(read(file))["metadata"]["name"] == command[3]
        assert command[4:8] == ["--namespace", "argocd", "--type", "merge"]
    merged, added = of_notifications
    assert merged[4:] == ["--namespace", "argocd", "--type", "merge", "--patch-file", "$file"]
    assert added[4:7] == ["--namespace", "argocd", "--type"]
    assert added[7:] == ["json", "--patch-file", "manifests/argocd/notifications/plugin/subscriptions.yaml"]
    assert "--server-side" not in "".join(SCRIPTS)


def test_the_guide_patches_every_file_of_the_notifications_once() -> None:
    (pattern,) = re.findall(r"for file in (.+); do", "".join(SCRIPTS))
    expanded = subprocess.run(
        ["bash", "-c", f"echo {pattern}"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    kustomization = yaml.safe_load(read("manifests/argocd/notifications/kustomization.yaml"))

    assert sorted(expanded) == sorted(
        f"manifests/argocd/notifications/{patch['path']}" for patch in kustomization["patches"]
    )


def test_the_files_of_the_guide_are_those_of_init_and_of_the_wrapper() -> None:
    (table,) = re.findall(r"^\| file \| what it is \|\n\|.*\n((?:\|.*\n)+)", GUIDE, re.MULTILINE)
    named = set(re.findall(r"^\| `([\w.]+)/?`", table, re.MULTILINE))

    assert {path.name for path in WRAPPER.iterdir()} == named
    assert {path.name for path in (ROOT / "plugin/cli/templates").iterdir()} == named - {"manifests"}


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
    generator = yaml.safe_load(read("manifests/argocd/generator-configmap.yaml"))["data"]
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

    assert "host" not in rule  # any name of the wildcard
    assert f"`https://hooks.preview.example.com{path['path']}`" in GUIDE


def test_the_webhook_subscribes_to_every_event_that_counts() -> None:
    (named,) = re.findall(r"the events (.*?);", GUIDE, re.DOTALL)

    # An App receives events about its installations without subscribing: https://docs.github.com/en/webhooks/webhook-events-and-payloads
    assert {*re.findall(r"`(\w+)`", named), "installation", "installation_repositories"} == ACTIONS.keys()


def test_names_of_watched_labelled_and_deleted_objects_are_right(plugin: Objects) -> None:
    names = {(found["kind"].lower(), found["metadata"]["name"]) for found in plugin}
    once = build(ROOT / "manifests/argocd")
    names |= {(found["kind"].lower(), found["metadata"]["name"]) for found in once}
    names |= {("applicationset", "previews"), ("secret", "preview-plugin")}
    rolled = re.findall(
        r"kubectl rollout \w+ deployment/(\S+) --namespace (\S+)", (GUIDE + OPERATIONS).replace("`", " ")
    )
    deleted = [command for command in commands() if command[:2] == ["kubectl", "delete"]]
    policies = "".join(file.read_text("utf-8") for file in ROOT.glob("manifests/components/network-*/*.yaml"))
    labels = [command[-1].split("=") for command in commands() if command[:3] == ["kubectl", "label", "namespace"]]

    theirs = ("argocd-applicationset-controller", "argocd")  # in Argo CD's install.yaml
    assert set(rolled) == {("preview-plugin", "previews-system"), theirs}
    assert {("deployment", "preview-plugin"), ("namespace", "previews-system")} <= names
    assert yaml.safe_load(read("applicationsets/previews.yaml"))["metadata"]["name"] == "previews"
    assert len(deleted) == 5
    for _, _, kinds, *rest in deleted:
        objects = rest[: rest.index("--namespace")] if "--namespace" in rest else rest
        assert {(kind, name) for kind in kinds.split(",") for name in objects} <= names
    assert len(labels) == 2
    for key, value in labels:
        assert re.search(rf'{key}: "?{value}\b', policies), key


def test_the_components_to_list_exist() -> None:
    listed = re.findall(r"list\s+`([\w-]+)`", GUIDE)

    assert listed == ["registry-credentials", "auth"]
    assert all((ROOT / "manifests/components" / name).is_dir() for name in listed)


def test_the_profiles_of_the_kit_are_in_the_guide() -> None:
    (table,) = re.findall(r"^\| profile \| is for \|\n\|.*\n((?:\|.*\n)+)", GUIDE, re.MULTILINE)
    profiles = {path.parents[2].name for path in ROOT.glob("manifests/apps/*/overlays/preview/kustomization.yaml")}

    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == profiles
