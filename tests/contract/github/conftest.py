from collections.abc import Iterator

import pytest

from plugin.sources.file import Organisation
from tests.contract.github.reader import Reader
from tests.fakes.github import GitHub


@pytest.fixture(name="github")
def _github(organisation: Organisation) -> Iterator[GitHub]:
    with GitHub(organisation, inside=True) as github:
        yield github


@pytest.fixture(name="reader")
def _reader(github: GitHub) -> Reader:
    reader = Reader(github)
    reader.settle()
    github.log.clear()
    return reader
