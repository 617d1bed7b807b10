"""Texts that anybody on GitHub can write reach annotations unchanged, and nothing interprets them on the way."""

import json
from datetime import timedelta

import pytest
import yaml

from plugin.sources.file import LONG_AGO, Organisation
from tests.acme import organisation as acme
from tests.conformance.argocd import Object
from tests.conformance.conftest import MakeStage
from tests.conformance.stage import Stage, differences
from tests.contract.conftest import pull_request, with_pull_requests

TEXTS = {
    "quotes": "it's \"odd\" `x` \\ \\\" '''",
    "newlines": "one\ntwo\r\n\tthree\n---\nfour",
    "template": '{{ .name }} {{ fail "no" }} }} {{ "{{" }} {{- range .labels }}{{ end }} {{/* c */}} {{',
    "old template": "{{name}} {{ branch }}",
    "variables": "$HOME ${HOME} $(HOME) $$HOME %HOME% $ARGOCD_APP_NAME $IMAGE",
    "yaml": "a: {b: [c, d]} # e\n- &x !!python/object:os.system\n*x | > ? : @",
    "json": '"}, "kind": "ClusterRole", "x": {"y": "',
    "shell": "$(touch /tmp/x) `id` ; rm -rf / && true | cat > /etc/passwd",
    "html": "<script>alert(1)</script> & <b>",
    "emoji": "🚀 👩‍👩‍👧 é ẞ 日本語 \u202e right to left \u200b",
    "long": "long " * 2048,
    "numbers": "1e3",
    "null": "null",
    "empty": "",
}
BRANCHES = {name: text.replace(" ", "/").replace("\n", "-") or "x" for name, text in TEXTS.items()}
FIRST = 900
NUMBERS = {name: FIRST + i for i, name in enumerate(TEXTS)}


def organisation(*, hostile: bool) -> Organisation:
    entries = [
        pull_request(
            NUMBERS[name],
            title=text if hostile else "harmless",
            branch=BRANCHES[name] if hostile else f"harmless-{name}",
            labels=("preview", text, f"kind/{text}") if hostile and text else ("preview",),
            author="dependabot[bot]" if hostile else "ada",
            body=f"Depends-On: {text}\n{text}" if hostile else "",
            updated_at=LONG_AGO + timedelta(hours=hostile),
        )
        for name, text in TEXTS.items()
    ]
    return with_pull_requests(acme(), "acme/orders", *entries)


def texts_set() -> Object:
    """Return a set with every text in an annotation, as a platform team might add them and the docs recommend."""
    names = ("title", "branch", "labels", "author", "state_reason", "config_error")
    content: Object = yaml.safe_load("""
        apiVersion: argoproj.io/v1alpha1
        kind: ApplicationSet
        metadata: {name: texts, namespace: argocd}
        spec:
          goTemplate: true
          goTemplateOptions: [missingkey=error]
          generators:
            - plugin: {configMapRef: {name: preview-plugin}, input: {parameters: {services: [orders]}}}
          template:
            metadata: {name: 'texts-{{ .number }}', labels: {author: '{{ .author_slug }}'}}
            spec:
              project: previews
              source: {repoURL: https://github.com/acme/previews.git, path: manifests}
              destination: {server: https://kubernetes.default.svc, namespace: '{{ .name }}'}
    """)
    content["spec"]["template"]["metadata"]["annotations"] = {name: f"{{{{ .{name} | toJson }}}}" for name in names}
    return content


@pytest.fixture(name="staged")
def _staged(make_stage: MakeStage) -> Stage:
    return make_stage(organisation(hostile=False))


def test_hostile_texts_change_only_one_annotation(staged: Stage) -> None:
    assert staged.settle().fine
    before = staged.argocd.applications()
    objects = {name: staged.rendered(before[f"preview-orders-{NUMBERS[name]}"]) for name in ("template", "variables")}
    staged.github.organisation = organisation(hostile=True)
    reconciled = staged.settle()
    after = staged.argocd.applications()

    assert reconciled.fine
    assert (
        reconciled.updated.keys() == {f"preview-orders-{number}" for number in NUMBERS.values()} == reconciled.touched
    )
    for name, text in TEXTS.items():
        number = NUMBERS[name]
        changed = differences(before[f"preview-orders-{number}"], after[f"preview-orders-{number}"])
        assert changed.keys() == {"metadata.annotations.preview.example.com/title"}
        annotation = after[f"preview-orders-{number}"]["metadata"]["annotations"]["preview.example.com/title"]
        assert json.loads(annotation) == text
    for name, harmless in objects.items():
        assert staged.rendered(after[f"preview-orders-{NUMBERS[name]}"]) == harmless
    assert staged.settle().touched == set()


def test_every_text_survives_toJson_in_an_annotation(staged: Stage) -> None:  # noqa: N802  the template's function
    staged.github.organisation = organisation(hostile=True)
    staged.argocd.apply(texts_set())
    reconciled = staged.settle("texts")

    assert reconciled.fine
    assert reconciled.created.keys() == {f"texts-{number}" for number in NUMBERS.values()}
    for name, text in TEXTS.items():
        metadata = reconciled.created[f"texts-{NUMBERS[name]}"]["metadata"]
        found = {key: json.loads(value) for key, value in metadata["annotations"].items()}
        assert found["title"] == text
        assert found["branch"] == BRANCHES[name]
        assert found["labels"] == (["preview", text, f"kind/{text}"] if text else ["preview"])
        assert found["author"] == "dependabot[bot]"
        assert metadata["labels"] == {"author": "dependabot-bot"}


def hostile_configs() -> list[str]:
    """Return configs with a text in each place of .preview.yaml that takes one, and as the whole file."""
    quoted = [json.dumps(text) for text in TEXTS.values() if text]
    return [
        *(f"version: 1\ndependencies: {{{text}: staging}}\n" for text in quoted),
        *(f"version: 1\ndependencies: {{payments: {text}}}\n" for text in quoted),
        *(f"version: 1\ndataset: {text}\n" for text in quoted),
        *(text for name, text in TEXTS.items() if name not in {"empty", "null"}),  # these count as an empty file
    ]


def test_hostile_repository_configs_are_errors_of_their_previews_only(make_stage: MakeStage) -> None:
    configs = hostile_configs()
    entries = [pull_request(FIRST + i, config=config) for i, config in enumerate(configs)]
    staged = make_stage(with_pull_requests(acme(), "acme/orders", *entries, pull_request(FIRST - 1)))
    reconciled = staged.settle()
    harmless = reconciled.created[f"preview-orders-{FIRST - 1}"]

    assert reconciled.fine
    for i, config in enumerate(configs):
        application = reconciled.created[f"preview-orders-{FIRST + i}"]
        message = json.loads(application["metadata"]["annotations"]["preview.example.com/config-error"])
        assert message, config
        assert len(message) <= 300
        assert "\n" not in message
        assert {*_unlike(harmless, application)} <= {"patch", "config-error", "content", "severity"}


def _unlike(harmless: Object, application: Object) -> set[str]:
    """Return the templated texts that differ once both have the same number and commit."""
    old, new = harmless["metadata"]["name"].rpartition("-")[2], application["metadata"]["name"].rpartition("-")[2]
    text = json.dumps(application).replace(f"{int(new):040x}", f"{int(old):040x}").replace(new, old)
    places = differences(harmless, json.loads(text))
    return {place.rpartition("/")[2].rpartition(".")[2] for place in places}


def test_a_hostile_url_reaches_the_pods_unchanged(make_stage: MakeStage) -> None:
    url = "https://users.dev.example.com/$HOME/$(id)/%7B%7B.name%7D%7D?a=$$b&c='d'"
    config = f"version: 1\ndependencies: {{users: {json.dumps('url:' + url)}}}\n"
    staged = make_stage(with_pull_requests(acme(), "acme/orders", pull_request(FIRST, config=config)))
    application = staged.settle().created[f"preview-orders-{FIRST}"]
    annotation: str = application["metadata"]["annotations"]["preview.example.com/config-error"]
    (environment,) = (
        found
        for found in staged.rendered(application)
        if found["kind"] == "ConfigMap" and "environment" in found["metadata"]["name"]
    )

    assert json.loads(annotation) == ""
    assert environment["data"]["USERS_URL"] == url
