"""The demo organisation of examples/acme at rest: without what time changes, so that tests mean the same every day."""

from pathlib import Path

from plugin.sources.file import Organisation, load_organisation

CATALOG = Path("tests/acme/catalog.yaml")
TIMES = ("created_at", "labelled_at", "reopened_at", "commits", "succeeded")


def organisation() -> Organisation:
    """Return its pull requests, opened long ago, in the repositories of the tests' catalog."""
    found = load_organisation(Path("examples/acme/organisation.yaml"))
    content = found.model_dump(exclude={"repositories": {"__all__": {"pull_requests": {"__all__": {*TIMES}}}}})
    del content["repositories"]["acme/search"]
    return Organisation.model_validate(content)
