"""Commands, run as at a terminal."""

from click.testing import CliRunner, Result

from plugin.cli import main
from tests.builders import make_pull_request
from tests.stage import Stage

DEMO = {
    "PREVIEW_CATALOG": "examples/acme/catalog.yaml",
    "PREVIEW_SOURCE": "file:examples/acme/organisation.yaml",
}


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, arguments, env=environment, catch_exceptions=False)


def hold(stage: Stage) -> str:
    """Make the breaker hold back what a new catalog removes, and return that catalog's fingerprint."""
    stage.source.listed["acme/orders"] = [make_pull_request(number) for number in range(1, 8)]
    stage.refresh()
    stage.answer()
    stage.write_catalog({"payments": {}})
    stage.refresh()
    held = stage.known().hold
    assert held
    return held.catalog
