"""Argo CD tells the plugin: its notifications controller renders our templates and delivers to the running plugin."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance import notifications
from tests.conformance.conftest import MakeStage
from tests.conformance.notifications import Notifications, Outcome
from tests.conformance.operations import Object, broken, deleted, failed_hook, new, resource, result, synced
from tests.conformance.stage import PUSHED, Stage
from tests.contract.conftest import ACME
from tests.server import READ_TOKEN, Server, serve, wait_for
from tools.rendering import ROOT, render_without_argocd

TOKEN = "notifications-token"
SHA = "15c0ffee15c0ffee15c0ffee15c0ffee15c0ffee"
NUMBERS = range(1000, 1060)  # of the pull requests, one for each test


def state(name: str, message: str = "") -> Object:
    return {"state": name, "message": message}


def read(server: Server, number: int) -> Any:
    return server.ask("GET", f"/api/v1/previews/orders/{number}", None, READ_TOKEN).json


def shown(server: Server, number: int) -> Object:
    """Return what the read route says about the commit that a preview runs."""
    (found,) = read(server, number)["previews"]
    reported: Object = found["reported"]
    assert (reported["since"] == "") == (reported["state"] == "")
    return state(reported["state"], reported["message"])


def deployments(server: Server, number: int) -> list[tuple[str, str]]:
    """Return the commits that Argo CD has told of, with their states, the newest last."""
    (found,) = read(server, number)["previews"]
    return [(one["sha"], one["state"]) for one in found["deployments"]]


def received(server: Server, result: str) -> float:
    return server.metric("preview_notifications_total", result=result)


@dataclass
class World:
    """A running plugin, which reads an organisation from a file that tests may change."""

    folder: Path
    organisation: Object
    running: ExitStack
    numbers: Iterator[int] = field(default_factory=lambda: iter(NUMBERS))
    commits: Iterator[int] = field(default_factory=lambda: count(1))
    _server: Server | None = None

    @property
    def server(self) -> Server:
        assert self._server, "the plugin does not run"
        return self._server

    def write(self) -> None:
        (self.folder / "organisation.yaml").write_text(yaml.safe_dump(self.organisation), "utf-8")

    def stop(self) -> None:
        self.server.kill()
        self.running.close()

    def start(self) -> None:
        self._server = self.running.enter_context(
            serve(
                self.folder,
                PREVIEW_SOURCE=f"file:{self.folder / 'organisation.yaml'}",
                PREVIEW_REFRESH="1s",
                PREVIEW_STATE=f"sqlite:{self.folder / 'state.db'}",
                PREVIEW_NOTIFICATIONS_TOKEN=TOKEN,
            )
        )
        wait_for(lambda: self.server.ask("GET", "/readyz", None).status == 200)


@pytest.fixture(name="world", scope="module")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    organisation = yaml.safe_load((ACME / "organisation.yaml").read_text("utf-8"))
    organisation["repositories"]["acme/orders"]["pull_requests"] = [
        {"number": number, "branch": f"branch-{number}", "head_sha": f"{number:040x}", "labels": ["preview"]}
        for number in NUMBERS
    ]
    with ExitStack() as stack:
        world = World(folder, organisation, stack.enter_context(ExitStack()))
        world.write()
        world.start()
        yield world


@pytest.fixture(name="argocd", scope="module")
def _argocd(world: World) -> Iterator[Notifications]:
    """Argo CD's controller, configured as the guide says."""
    with notifications.start() as controller:
        configure(controller, world.server)
        yield controller


def configure(controller: Notifications, server: Server) -> None:
    controller.set_secrets(preview_plugin_token=TOKEN)
    controller.install()
    controller.point_at(server.port)


@dataclass
class Preview:
    """One preview, and the Argo CD that deploys it."""

    world: World
    argocd: Notifications
    number: int

    @property
    def head(self) -> str:
        return str(self._entry["head_sha"])

    @property
    def application(self) -> Object:
        """The Application that the ApplicationSet makes of what the plugin answers now."""
        answer = self.world.server.ask().json["output"]["parameters"]
        (given,) = (one for one in answer if one["name"] == f"preview-orders-{self.number}")
        (rendered,) = render_without_argocd("previews.yaml", [given])
        application: Object = rendered["application"]
        application["metadata"]["namespace"] = "argocd"
        return application

    def push(self) -> str:
        """Push a commit, and return it once the plugin deploys it."""
        self._entry["head_sha"] = f"{next(self.world.commits):08x}{self.number:032x}"
        self.world.write()
        wait_for(lambda: self.application["metadata"]["annotations"]["preview.example.com/deploy-sha"] == self.head)
        return self.head

    def told(self, application: Object) -> Outcome:
        """Let Argo CD's controller see what became of the Application."""
        outcome = self.argocd.process(application)
        assert (outcome.skipped, outcome.errors) == ("", [])
        return outcome

    @property
    def shown(self) -> Object:
        return shown(self.world.server, self.number)

    @property
    def deployments(self) -> list[tuple[str, str]]:
        return deployments(self.world.server, self.number)

    @property
    def _entry(self) -> Object:
        entries = self.world.organisation["repositories"]["acme/orders"]["pull_requests"]
        found: Object = next(one for one in entries if one["number"] == self.number)
        return found


@pytest.fixture(name="preview")
def _preview(world: World, argocd: Notifications) -> Preview:
    return Preview(world, argocd, next(world.numbers))


def test_from_the_label_to_the_end(make_stage: MakeStage) -> None:
    """With Argo CD's own ApplicationSet controller, which makes and deletes the Application."""
    staged = make_stage(PREVIEW_NOTIFICATIONS_TOKEN=TOKEN)
    staged.ready()
    staged.reconcile()
    with notifications.start() as controller:
        configure(controller, staged.server)
        _live(staged, controller)


def _live(staged: Stage, argocd: Notifications) -> None:
    server, first = staged.server, staged.argocd.applications()[PUSHED]
    argocd.process(new(first))
    assert shown(server, 12) == state("")

    argocd.process(synced(first, "Running", 0, health="Missing"))
    assert shown(server, 12) == state("deploying")
    argocd.process(synced(first, "Succeeded", 0, health="Progressing"))
    assert shown(server, 12) == state("deploying"), "the sync has ended, but nothing answers yet"
    ready = synced(first, "Succeeded", 0, health="Healthy", health_since=2)
    argocd.process(ready)
    assert shown(server, 12) == state("ready")

    head = staged.push()
    staged.settle()
    pushed = staged.argocd.applications()[PUSHED]
    argocd.process({**pushed, "status": ready["status"]})
    assert shown(server, 12) == state(""), "the annotation is new, but the operation is that of the commit before"
    argocd.process(synced(pushed, "Running", 10))
    assert shown(server, 12) == state("deploying")
    hook, end = "Job has reached the specified backoff limit", "one or more tasks completed unsuccessfully"
    argocd.process(synced(pushed, "Failed", 10, results=[failed_hook("smoke-test", hook)], message=end))
    assert shown(server, 12) == state("failed", f"Job/smoke-test: {hook}; {end}")
    old = first["metadata"]["annotations"]["preview.example.com/deploy-sha"]
    assert deployments(server, 12) == [(old, "ready"), (head, "failed")]

    staged.change("acme/orders", 12, state="closed")
    assert PUSHED in staged.settle().deleted
    accepted = received(server, "accepted")
    argocd.process(deleted(synced(pushed, "Failed", 10), 20))
    assert read(server, 12)["previews"] == []
    assert received(server, "accepted") > accepted, "the end is told after the preview has left"
    assert received(server, "refused") == 0


def test_what_is_ready_belongs_to_what_the_operation_synced(preview: Preview) -> None:
    old, before = preview.head, preview.application["spec"]["source"]
    preview.push()
    preview.told(synced(preview.application, "Succeeded", 0, source=before))

    assert preview.shown == state(""), "the new commit was never synced"
    assert preview.deployments == [(old, "ready")]


def test_an_operation_that_ended_before_anybody_looked_is_told(preview: Preview) -> None:
    preview.told(synced(preview.application, "Succeeded", 0))
    head = preview.push()
    preview.told(synced(preview.application, "Succeeded", 5))  # the same conditions hold as before

    assert preview.deployments[-1] == (head, "ready")


def test_a_failure_says_which_resource_and_which_image(preview: Preview) -> None:
    results = [
        result("Namespace", "preview-orders-12", "namespace/preview-orders-12 created", status="Synced"),
        result("Service", "app", 'Service "app" is invalid: spec.ports', status="SyncFailed"),
        result(
            "Deployment", "app", 'Deployment "app" exceeded its progress deadline', group="apps", status="Synced",
            hookPhase="Failed", images=["ghcr.io/acme/orders:1"],
        ),
    ]  # fmt: skip
    failed = synced(preview.application, "Failed", 0, results=results, message="it failed (retried 2 times).")
    failed["status"]["sync"]["status"] = "OutOfSync"  # the Service is not as it should be
    preview.told(failed)

    assert preview.shown == state(
        "failed",
        'Service/app: Service "app" is invalid: spec.ports; '
        'Deployment/app: Deployment "app" exceeded its progress deadline (ghcr.io/acme/orders:1); '
        "it failed (retried 2 times).",
    )


def test_a_degraded_preview_and_its_recovery_are_told(preview: Preview) -> None:
    app = preview.application
    preview.told(synced(app, "Succeeded", 0))
    sick = {"status": "Degraded", "message": 'Deployment "app" exceeded its progress deadline'}
    resources = [resource("Deployment", "app", health=sick), resource("Service", "app", health={"status": "Healthy"})]
    preview.told(synced(app, "Succeeded", 0, health="Degraded", health_since=60, resources=resources))
    assert preview.shown == state("degraded", 'Deployment/app: Deployment "app" exceeded its progress deadline')

    preview.told(synced(app, "Succeeded", 0, health_since=70))
    assert preview.shown == state("ready")
    preview.told(
        synced(app, "Succeeded", 0, health="Degraded", health_since=80, resources=[resource("Deployment", "app")])
    )
    assert preview.shown == state("degraded"), "Argo CD stores no reason unless it is told to"


def test_pods_that_come_up_after_the_sync_gave_up_are_ready(preview: Preview) -> None:
    app, late = preview.application, 'Deployment "app" exceeded its progress deadline'
    results = [result("Deployment", "app", late, group="apps", status="Synced", hookPhase="Failed")]
    preview.told(synced(app, "Failed", 0, health="Degraded", results=results, message="it failed"))
    assert preview.shown == state("failed", f"Deployment/app: {late}; it failed")
    preview.told(synced(app, "Failed", 0, health_since=20, results=results, message="it failed"))

    assert preview.shown == state("ready")


def test_a_failed_smoke_test_is_no_ready_preview_however_healthy_its_pods(preview: Preview) -> None:
    failure = failed_hook("smoke-test", "it got no answer")
    preview.told(synced(preview.application, "Failed", 0, results=[failure], message="it failed"))

    assert preview.shown == state("failed", "Job/smoke-test: it got no answer; it failed")


def test_a_failed_migration_is_no_ready_preview_while_older_pods_are_healthy(preview: Preview) -> None:
    app = synced(preview.application, "Failed", 0, message="it failed")
    app["status"]["sync"]["status"] = "OutOfSync"
    preview.told(app)

    assert preview.shown == state("failed", "it failed")


def test_a_paused_preview_is_ready_again_after_its_sync(preview: Preview) -> None:
    app = preview.application
    preview.told(synced(app, "Succeeded", 0))
    paused = new(app)
    paused["spec"]["source"]["kustomize"]["components"] = ["../../../../components/paused"]
    preview.told(synced(paused, "Running", 30))
    assert preview.shown == state("deploying")
    preview.told(synced(paused, "Succeeded", 30, health_since=0.6))  # it stayed Healthy

    assert preview.shown == state("ready")


def test_what_cannot_be_rendered_is_told_although_no_operation_begins(preview: Preview) -> None:
    error = "Failed to load target state: failed to generate manifest: accumulating resources: no such file"
    preview.told(broken(new(preview.application), 0, error))
    assert preview.shown == state("failed", error)

    preview.told(synced(preview.application, "Succeeded", 10))
    assert preview.shown == state("ready")


def test_what_its_project_refuses_is_told(preview: Preview) -> None:
    never_compared = broken(new(preview.application), 0, "application repo x is not permitted", "InvalidSpecError")
    never_compared["status"]["sync"]["comparedTo"]["source"] = {"repoURL": ""}
    preview.told(never_compared)

    assert preview.shown == state("failed", "application repo x is not permitted")


def test_an_unreachable_git_server_does_not_break_what_runs(preview: Preview) -> None:
    ready = synced(preview.application, "Succeeded", 0)
    preview.told(ready)
    preview.told(broken(ready, 30, "Failed to load target state: context deadline exceeded"))

    assert preview.shown == state("ready")


def test_a_push_that_cannot_be_rendered_is_told_and_the_older_commit_stays_ready(preview: Preview) -> None:
    old, ready = preview.head, synced(preview.application, "Succeeded", 0)
    preview.told(ready)
    head = preview.push()
    preview.told(broken({**preview.application, "status": ready["status"]}, 30, "Failed to load target state: none"))

    assert preview.shown == state("failed", "Failed to load target state: none")
    assert preview.deployments == [(old, "ready"), (head, "failed")]


def test_a_dry_run_deploys_nothing(preview: Preview) -> None:
    dry = synced(preview.application, "Succeeded", 0)
    dry["status"]["operationState"]["operation"]["sync"]["dryRun"] = True
    preview.told(dry)

    assert preview.shown == state("")


PATCH = f'{{"metadata":{{"annotations":{{"preview.example.com/deploy-sha":"{SHA}"}}}}}}'


@pytest.mark.parametrize(
    "source",
    [
        pytest.param({"targetRevision": SHA, "path": "manifests/preview"}, id="the commit's own manifests"),
        pytest.param({"kustomize": {"images": [f"app=ghcr.io/acme/orders:{SHA}"]}}, id="the image's tag"),
        pytest.param({"helm": {"values": f"image: {{tag: {SHA}}}"}}, id="Helm values"),
        pytest.param({"helm": {"values": f"chart: {'a' * 40}\ndeploySha: {SHA}"}}, id="Helm values that name it"),
        pytest.param(
            {"kustomize": {"images": [f"app=ghcr.io/acme/orders@sha256:{'b' * 64}"], "patches": [{"patch": PATCH}]}},
            id="a patch that names it, beside a digest",
        ),
        pytest.param(
            {"targetRevision": "f" * 40, "plugin": {"parameters": [{"name": "x", "string": f"DEPLOY_SHA={SHA}"}]}},
            id="a parameter of a config management plugin",
        ),
    ],
)
def test_the_commit_is_found_in_the_source_of_any_template(preview: Preview, source: Object) -> None:
    source = {"repoURL": "https://github.com/acme/orders"} | source
    preview.told(synced(preview.application, "Succeeded", 0, source=source))

    assert preview.deployments == [(SHA, "ready")]


def test_several_sources_are_searched_too(preview: Preview) -> None:
    sources = [{"repoURL": "https://charts.example.com", "chart": "app", "helm": {"values": f"tag: {SHA}"}}]
    several = synced(preview.application, "Succeeded", 0)
    several["spec"] = {key: value for key, value in several["spec"].items() if key != "source"} | {"sources": sources}
    operation = several["status"]["operationState"]
    for found in (operation["syncResult"], operation["operation"]["sync"]):
        del found["source"]
        found["sources"] = sources
    preview.told(several)

    assert preview.deployments == [(SHA, "ready")]


def test_where_no_source_names_a_commit_nothing_is_claimed(preview: Preview) -> None:
    ignored = received(preview.world.server, "ignored")
    source = {"repoURL": "https://github.com/acme/previews", "targetRevision": "main", "path": "x"}
    preview.told(synced(preview.application, "Succeeded", 0, source=source))

    assert preview.deployments == []
    assert received(preview.world.server, "ignored") > ignored


HOSTILE = '"}}\n{{ .app }} </script><img src=x onerror=alert(1)> @everyone `x` [a](javascript:b) \\ \u202e\x07 % $HOME'


def test_hostile_messages_arrive_as_one_bounded_line(preview: Preview) -> None:
    refused = received(preview.world.server, "refused")
    failure = failed_hook("smoke-test", HOSTILE + "ä" * 20_000)
    preview.told(synced(preview.application, "Failed", 0, results=[failure], message=HOSTILE))

    message = preview.shown["message"]
    assert message.startswith('Job/smoke-test: "}} {{ .app }} </script>')
    assert len(message) == 300
    assert message.isprintable()
    assert received(preview.world.server, "refused") == refused


def test_other_applications_are_not_told_of(preview: Preview) -> None:
    other = new(preview.application)
    other["metadata"] |= {"name": "guestbook", "labels": {"team": "checkout"}}

    assert preview.told(synced(other, "Succeeded", 0)).remembered == []


def test_nothing_is_sent_twice(preview: Preview) -> None:
    ready, before = synced(preview.application, "Succeeded", 0), received(preview.world.server, "accepted")
    for _ in range(4):
        preview.told(ready)

    assert received(preview.world.server, "accepted") - before == 2, "once with oncePer, and once without"


def test_a_restart_forgets_nothing_and_what_was_lost_comes_with_the_next_look(preview: Preview) -> None:
    world, app = preview.world, preview.application
    preview.told(synced(app, "Running", 0))
    ready = synced(app, "Succeeded", 0)
    world.stop()
    lost = preview.argocd.process(ready)
    assert any("connection refused" in error for error in lost.errors)
    assert [key for key in lost.remembered if "preview-ready" in key], "with oncePer, Argo CD never sends it again"
    assert not [key for key in lost.remembered if "preview-repeated:[1]" in key]

    world.start()
    assert preview.shown == state("deploying")
    preview.argocd.point_at(world.server.port)
    preview.told(ready)  # as its informer does every minute
    assert preview.shown == state("ready")


# What else can be wrong


@pytest.mark.parametrize("secret", [{"preview_plugin_token": "another"}, {}], ids=["wrong", "missing"])
def test_a_wrong_token_is_refused_and_argocd_says_so(preview: Preview, secret: dict[str, str]) -> None:
    with notifications.start() as argocd:
        argocd.set_secrets(**secret)
        argocd.install()
        argocd.point_at(preview.world.server.port)
        outcome = argocd.process(synced(preview.application, "Succeeded", 0))

    assert any("403" in error and "the bearer token is missing or wrong" in error for error in outcome.errors)
    assert preview.shown == state("")


def test_without_the_setting_there_is_no_route(preview: Preview, tmp_path: Path) -> None:
    application = preview.application
    with (
        serve(tmp_path, PREVIEW_SOURCE=f"file:{ACME / 'organisation.yaml'}") as server,
        notifications.start() as argocd,
    ):
        configure(argocd, server)
        assert any("404" in error for error in argocd.process(synced(application, "Succeeded", 0)).errors)


# What the user has in these ConfigMaps


@pytest.fixture(name="fresh")
def _fresh() -> Iterator[Notifications]:
    """Argo CD's controller before anything is configured."""
    with notifications.start() as controller:
        yield controller


def test_keys_of_the_user_stay_as_they_are(fresh: Notifications) -> None:
    own = {
        "service.slack": "token: $slack-token",
        "trigger.on-deployed": "- when: true\n  send: [x]",
        "context": "a: b",
    }
    fresh.merge(own)
    data = fresh.install()

    assert {key: data[key] for key in own} == own
    added = data.keys() - own.keys() - {"subscriptions"}
    assert all(key.split(".", 1)[1].startswith(("preview-", "webhook.preview-plugin")) for key in added)


@pytest.mark.parametrize("who", ["plugin", "slack", "teams", "mattermost"])
def test_subscriptions_of_the_user_are_never_replaced(fresh: Notifications, who: str) -> None:
    fresh.merge({"subscriptions": "- recipients: [slack:ops]"})
    with pytest.raises(RuntimeError, match="testing value /data/subscriptions failed"):
        fresh.install(who)

    assert fresh.merge({})["subscriptions"] == "- recipients: [slack:ops]"


def test_links_lead_from_a_preview_to_its_pull_request(preview: Preview, fresh: Notifications) -> None:
    fresh.merge({"url": "https://argocd.example.com"}, "argocd-cm")
    patch = yaml.safe_load((ROOT / "manifests/argocd/links/argocd-cm.yaml").read_text("utf-8"))
    fresh.add(patch, "argocd-cm")

    (link,) = fresh.links(preview.application)
    assert (link["title"], link["url"]) == ("Pull request", f"https://github.com/acme/orders/pull/{preview.number}")
    assert fresh.links({"metadata": {"name": "guestbook"}}) == []
    with pytest.raises(RuntimeError, match=r"testing value /data/application\.links failed"):
        fresh.add(patch, "argocd-cm")
