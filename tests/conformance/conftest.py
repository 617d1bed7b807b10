from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import argocd
from tests.conformance.argocd import ArgoCD
from tests.conformance.stage import Stage, stage

MakeStage = Callable[..., Stage]


@pytest.fixture(name="make_stage")
def _make_stage(tmp_path: Path) -> Iterator[MakeStage]:
    """Return a function that starts GitHub, the plugin and Argo CD; see `stage`."""
    with ExitStack() as running:
        yield lambda *arguments, **settings: running.enter_context(_stage(tmp_path, *arguments, **settings))


def _stage(*arguments: Any, **settings: Any) -> AbstractContextManager[Stage]:
    return stage(*arguments, **settings)


@pytest.fixture(name="controller")
def _controller() -> Iterator[ArgoCD]:
    """Argo CD alone."""
    with argocd.start() as controller:
        yield controller
