"""Commands, run as at a terminal."""

from click.testing import CliRunner, Result

from plugin.cli import main
from tests.builders import catalog_text, make_pull_request
from tests.lives import asked
from tests.stage import Stage

DEMO = {
    "PREVIEW_CATALOG": "tests/acme/catalog.yaml",
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


def plan_shorter_lives(stage: Stage) -> str:
    """Make the breaker hold back seven ends that a new catalog brings forward, and return its fingerprint."""
    stage.source.listed["acme/orders"] = [asked(number, at=stage.clock.now) for number in range(1, 8)]
    for plan in ("7d", "7h"):
        text = catalog_text({"orders": {}, "payments": {}}, defaults={"lifecycle": {"expire_after": plan}})
        stage.path.write_text(text, "utf-8")
        stage.refresh()
        stage.answer()
    ends = stage.known().ends
    assert ends
    return ends.catalog
