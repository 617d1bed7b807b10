import os
from pathlib import Path

import pytest
from hypothesis import Phase, is_hypothesis_test, settings

from plugin.logs import configure_logs

# As in production: structlog by itself draws errors in boxes with all values in them, which takes seconds for each.
configure_logs()

# Machines are noisy: how long one example takes says nothing. CI tries the same examples each time.
settings.register_profile("project", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("project")
# `make unit` is for people who wait for it; `make test` tries more.
settings.register_profile("unit", deadline=None, max_examples=10)
# `make mutants` runs the tests thousands of times: each time the same examples, and none need be made smaller.
settings.register_profile(
    "mutants", deadline=None, derandomize=True, database=None, max_examples=15, phases=[Phase.explicit, Phase.generate]
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave these to those who ask for them: the first time they compile Argo CD, or a whole cluster."""
    name = collection_path.name
    asked = any(name in argument for argument in config.invocation_params.args)
    return True if name in {"conformance", "e2e"} and not asked else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Function]) -> None:
    """Let a mutant meet the tests with one example first: they take milliseconds, and most mutants end there."""
    if config.getoption("--hypothesis-profile") == "mutants":
        items.sort(key=lambda item: is_hypothesis_test(item.obj))
