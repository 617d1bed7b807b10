from collections.abc import Iterator

import pytest

from plugin.metrics import Metrics
from plugin.report import argocd as nudge
from plugin.report.argocd import Nudger
from tests.unit.report.webhook import SECRET, ArgoCD, listening


@pytest.fixture(name="argocd")
def _argocd() -> Iterator[ArgoCD]:
    with listening() as argocd:
        yield argocd


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SHORTEST": 0.02, "LONGEST": 0.02, "SPACING": 0.01, "STOPS_WITHIN": 0.01, "TRIES": 5}.items():
        monkeypatch.setattr(nudge, name, value)


@pytest.fixture(name="metrics")
def _metrics() -> Metrics:
    return Metrics()


@pytest.fixture(name="nudger")
def _nudger(argocd: ArgoCD, metrics: Metrics) -> Nudger:
    return Nudger(argocd.url, SECRET, argocd.newest_asked, metrics)
