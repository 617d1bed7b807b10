import os
from pathlib import Path

import pytest
from hypothesis import settings

# Machines are noisy: how long one example takes says nothing. CI tries the same examples each time.
settings.register_profile("project", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("project")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave tests/conformance to those who ask for it: the first time it compiles Argo CD's controller."""
    asked = any("conformance" in argument for argument in config.invocation_params.args)
    return True if collection_path.name == "conformance" and not asked else None
