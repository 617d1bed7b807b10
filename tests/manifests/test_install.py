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
    assert values("--filename") == ["manifests/plugin/base/namespace.yaml", "applicationsets/previews.yaml"]
    assert all((ROOT / file).is_file() for file in values("--filename"))


def test_a_separate_field_manager_keeps_the_users_keys_of_argocd_cm() -> None:
    shown = [README, *(file.read_text("utf-8") for file in ROOT.glob("manifests/**/*") if file.is_file())]
    server_side = re.findall(r"kubectl apply .*--server-side.*", "\n".join(shown))

    # Argo CD's installation uses kubectl's default field manager; keys that are not applied again are removed.
    assert len(server_side) == 2
    for command in server_side:
        assert "--field-manager=preview-plugin " in command
    (managed,) = ([*command] for command in commands() if "manifests/argocd" in command)
    assert "--server-side" in managed, "argocd-cm holds keys of the user"


def test_every_file_in_the_installation_guide_exists() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", SECTION)
    named = re.findall(r"`((?:manifests|applicationsets|examples)/[\w./-]+)`", SECTION)
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()

    assert len(links) >= 6
    assert len(named) >= 6
    assert [file for file in links + named if not (ROOT / file).exists() and file not in ignored] == []
    written = re.findall(r"> (manifests/\S+)\)", "".join(SCRIPTS))
    assert len(written) == 1
    assert set(written) <= set(ignored), "this one must never get into Git"


def test_placeholders_to_replace_are_where_the_table_says() -> None:
    rows = [line.split("|")[1:3] for line in SECTION.splitlines() if line.startswith("|")][2:]

    assert len(rows) == 4
    for what, where in rows:
        files = {file for pattern in re.findall("`([^`]+)`", where) for file in ROOT.glob(pattern)}
        for text in re.findall("`([^`]+)`", what):
            assert all(text in file.read_text("utf-8") for file in files), text
            if text.startswith("https://"):
                others = [
                    file for folder in ("applicationsets", "manifests") for file in (ROOT / folder).rglob("*.yaml")
                ]
                assert {file for file in others if text in file.read_text("utf-8")} == files


def secrets() -> dict[str, list[set[str]]]:
    """Return the keys of each Secret that is created, by its name; several if there are alternatives."""
    found: dict[str, list[set[str]]] = {}
    for command in commands():
        if command[:4] == ["kubectl", "create", "secret", "generic"]:
            assert command[5:7] == ["--namespace", "previews-system"]
            options = {word.partition("=")[0] for word in command[7:]}
            assert options == {"--from-env-file"} or "--from-env-file" not in options, (
                "kubectl refuses it beside others"
            )
            found.setdefault(command[4], []).append({key for word in command[7:] for key in keys(word)})
    return found


def keys(word: str) -> list[str]:
    """Return the keys that one option puts into a Secret."""
    option, _, value = word.partition("=")
    if option == "--from-env-file":
        ((written,),) = (re.findall(r'echo "(\w+)=', script) for script in SCRIPTS if f"> {value}" in script)
        return [written]
    assert option in {"--from-literal", "--from-file"}
    return [value.partition("=")[0]]


@pytest.mark.parametrize("with_app", [True, False])
@pytest.mark.parametrize("folder", ["base", "overlays/ha"])
def test_the_secrets_hold_what_the_plugin_needs(folder: str, with_app: bool) -> None:  # noqa: FBT001
    created = secrets()
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

    assert f"`https://{rule['host']}{path['path']}`" in SECTION


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
    labels = [line.split()[-1].split("=") for line in flat if line.startswith("kubectl label")]
    assert len(labels) == 2
    for key, value in labels:
        assert re.search(rf'{key}: "?{value}\b', policies), key


def test_the_components_to_list_exist() -> None:
    listed = re.findall(r"list `([\w-]+)`", SECTION)

    assert listed == ["registry-credentials", "auth"]
    assert all((ROOT / "manifests/components" / name).is_dir() for name in listed)
