from pathlib import Path

import pytest

from tests.stage import Stage, make_stage


@pytest.fixture(name="stage")
def _stage(tmp_path: Path) -> Stage:
    return make_stage(tmp_path)
