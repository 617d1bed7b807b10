from pathlib import Path

import pytest

# Before a test module imports it, so that its asserts explain themselves.
pytest.register_assert_rewrite("tests.store_promises")


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    """Where a state's file is, or will be."""
    return tmp_path / "state.db"
