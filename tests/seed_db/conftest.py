from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.seed_db.host import Database, Host, make_host


@pytest.fixture(scope="session", name="host")
def _host() -> Iterator[Host]:
    with make_host() as host:
        yield host


def build(host: Host, dataset: str) -> Path:
    """Build what the image of this dataset has in /seed, with the command of the Dockerfile."""
    seed = host.folder("image")
    host.run(host.source / "build", dataset, seed)
    return seed


@pytest.fixture(scope="session", name="default")
def _default(host: Host) -> Path:
    return build(host, "default")


@pytest.fixture(scope="session", name="minimal")
def _minimal(host: Host) -> Path:
    return build(host, "minimal")


@pytest.fixture(name="volume")
def _volume(host: Host) -> Path:
    return host.folder("volume")


@pytest.fixture(scope="module", params=["default", "minimal"], name="database")
def _database(host: Host, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A preview's database after its first start; tests that write must roll back."""
    seed: Path = request.getfixturevalue(request.param)
    volume = host.folder("volume")
    copied = host.copy(seed, volume)
    assert copied.returncode == 0, copied.stderr
    with host.serve(seed, volume) as database:
        yield database
