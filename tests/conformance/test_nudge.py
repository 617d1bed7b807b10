"""From GitHub's delivery to the new Application: a nudge to Argo CD's own webhook makes it ask at once.

The plugin polls once an hour here and Argo CD never, so only the delivery and the nudge cause changes.
"""

import time

import pytest

from tests.conformance.argocd import ArgoCD, Object, Reconciled
from tests.conformance.conftest import MakeStage
from tests.conformance.stage import SET, Stage
from tests.contract.conftest import pull_request
from tests.deliveries import WEBHOOK_SECRET, deliver
from tests.server import wait_for

ARGOCD_SECRET = "secret-of-argo-cd"
OURS = {"previews": "previews", "forks": "previews-forks", "helm-example": "previews-helm"}  # file: name
POLLED = 30 + 60  # seconds: PREVIEW_REFRESH and requeueAfterSeconds, without webhooks


def nudging(make_stage: MakeStage, argocd_secret: str, sets: tuple[str, ...] = (SET,), **settings: str) -> Stage:
    """Return a stage on which the plugin and Argo CD know the twelve previews."""
    settings = {"PREVIEW_REFRESH": "1h", "PREVIEW_WEBHOOK_SECRET": WEBHOOK_SECRET, **settings}
    staged = make_stage(sets=sets, argocd_secret=argocd_secret, **settings)
    staged.ready()
    wait_for(lambda: nudges(staged) > 0)  # the first answers are new, too
    assert len(staged.reconcile().created) == 12
    time.sleep(1)  # until a nudge on its way has arrived; there are no more once Argo CD has asked
    for name in sets:
        staged.argocd.apply_file(f"applicationsets/{name}.yaml")  # removes the marks
    assert staged.argocd.to_refresh() == set()
    return staged


def nudges(staged: Stage) -> float:
    return sum(staged.server.metric("preview_nudges_total", result=result) for result in ("sent", "failed"))


def open_and_deliver(staged: Stage, number: int) -> None:
    staged.open("acme/orders", pull_request(number))
    assert deliver(staged.server, "acme/orders") == 202


def created_alone(reconciled: Reconciled, number: int) -> bool:
    return reconciled.fine and reconciled.touched == {*reconciled.created} == {f"preview-orders-{number}"}


def foreign_sets(argocd: ArgoCD) -> None:
    """Return unrelated ApplicationSets, which Argo CD's webhook refreshes for other deliveries."""
    plugin = {"plugin": {"configMapRef": {"name": "preview-plugin"}}}
    generators: dict[str, Object] = {
        "list": {"list": {"elements": [{"name": "one"}]}},
        "git": {"git": {"repoURL": "https://github.com/acme/none.git", "revision": "HEAD", "directories": []}},
        "pull-requests": {"pullRequest": {"github": {"owner": "acme", "repo": "orders"}}},
        "plugin-first-in-a-matrix": {"matrix": {"generators": [plugin, {"list": {"elements": [{"k": "v"}]}}]}},
    }
    content = argocd.apply_file(f"applicationsets/{SET}.yaml")
    for name, generator in generators.items():
        metadata = {"name": name, "namespace": "argocd"}
        argocd.apply({**content, "metadata": metadata, "spec": {**content["spec"], "generators": [generator]}})


@pytest.mark.parametrize("secret", ["", ARGOCD_SECRET], ids=["no secret", "a secret"])
def test_a_new_pull_request_becomes_an_application_without_polling(
    make_stage: MakeStage, secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    staged = nudging(make_stage, secret, tuple(OURS))
    foreign_sets(staged.argocd)

    delivered = time.monotonic()
    open_and_deliver(staged, 20)
    wait_for(lambda: staged.argocd.to_refresh() >= {SET})
    reconciled = staged.reconcile()
    seconds = time.monotonic() - delivered

    assert created_alone(reconciled, 20)
    wait_for(lambda: staged.argocd.to_refresh() >= {*OURS.values()} - {SET})  # it marks one set after the other
    assert staged.argocd.to_refresh() == {*OURS.values()} - {SET}  # Argo CD removes the mark after a reconcile
    with capsys.disabled():
        print(f"\nfrom GitHub's delivery to the Application: {seconds:.1f} s; by polling up to {POLLED} s")


def test_a_lost_nudge_is_repeated_until_argocd_asks(make_stage: MakeStage) -> None:
    staged = nudging(make_stage, ARGOCD_SECRET)

    open_and_deliver(staged, 20)
    wait_for(lambda: staged.argocd.to_refresh() == {SET})
    staged.argocd.apply_file("applicationsets/previews.yaml")  # the nudge had no effect
    assert staged.argocd.to_refresh() == set()
    wait_for(lambda: staged.argocd.to_refresh() == {SET})
    assert created_alone(staged.reconcile(), 20)

    # A delivery without news causes no nudge; otherwise each nudge would cause the next.
    sent = staged.server.metric("preview_nudges_total", result="sent")
    assert sent >= 2
    assert deliver(staged.server, "acme/orders") == 202
    staged.server.refreshed()
    assert staged.server.metric("preview_nudges_total", result="sent") == sent
    assert staged.argocd.to_refresh() == set()


def test_a_nudge_with_a_wrong_signature_does_nothing_and_is_logged(make_stage: MakeStage) -> None:
    staged = nudging(make_stage, ARGOCD_SECRET, PREVIEW_ARGOCD_WEBHOOK_SECRET="secret-of-another")

    before = nudges(staged)
    open_and_deliver(staged, 20)
    wait_for(lambda: nudges(staged) > before)
    assert staged.argocd.to_refresh() == set()
    assert staged.server.metric("preview_nudges_total", result="sent") == 0
    assert "Argo CD could not be told of a change" in staged.server.log.read_text("utf-8")

    assert created_alone(staged.reconcile(), 20)  # when it polls
