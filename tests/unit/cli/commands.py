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
    """Let the breaker hold what a new catalog no longer has, and return its fingerprint."""
    stage.source.listed["acme/orders"] = [make_pull_request(number) for number in range(1, 8)]
    stage.mirror.refresh()
    stage.answer()
    stage.write_catalog({"payments": {}})
    stage.mirror.refresh()
    return stage.mirror.current()[0].fingerprint
