"""The breaker: whatever would take many previews away at once waits until it is confirmed, by GitHub or by people."""

import re
from collections.abc import Callable, Iterator

import pytest

from tests.conformance.stage import DEMO, Stage, well

CLOSED = [
    ("orders", 12),
    ("orders", 15),
    ("orders", 17),
    ("orders", 18),
    ("payments", 123),
    ("payments", 125),
    ("users", 7),
]


def another_prefix(catalog: str) -> str:
    return catalog.replace("version: 1\n", "version: 1\nprefix: env\n")


def another_label(catalog: str) -> str:
    return catalog.replace("require: [preview]", "require: [environment]")


def fewer_services(catalog: str) -> str:
    """Eight of the previews are of services that nobody else calls."""
    return re.sub(r"  (shop|admin|reports|orders):\n(    .*\n|  #.*\n)+", "", catalog)


@pytest.fixture(name="staged")
def _staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with well(tmp_path_factory.mktemp("breaker")) as staged:
        yield staged


def held(staged: Stage) -> dict[str, str]:
    """See that nothing is touched, and return the previews that are held back."""
    reconciled = staged.settle()
    assert reconciled.fine
    assert reconciled.touched == set()
    found: dict[str, str] = staged.reported()["breaker"]["held_back"]
    assert len(found) == staged.server.metric("preview_held", by="breaker")
    return found


@pytest.mark.parametrize("edit", [another_prefix, another_label, fewer_services])
def test_an_edit_of_the_catalog_that_would_end_many_previews_ends_none_until_somebody_says_that_it_is_meant(
    staged: Stage, edit: Callable[[str], str]
) -> None:
    before = staged.argocd.applications()
    staged.catalog.write_text(edit(staged.catalog.read_text("utf-8")), "utf-8")
    leaving = held(staged)
    assert len(leaving) > DEMO / 2
    staged.start_plugin(remembers=True)
    assert held(staged) == leaving

    let_go = staged.reported()["breaker"]["to_let_go"]
    assert let_go in staged.server.log.read_text("utf-8")
    program, *arguments = let_go.split()
    assert program == "preview-plugin"
    assert staged.run(*arguments).returncode == 0
    meant = staged.settle()
    assert meant.fine
    assert meant.deleted.keys() == {f"preview-{name.replace('/', '-')}" for name in leaving}
    assert meant.created.keys() == staged.argocd.applications().keys() - before.keys()
    assert held(staged) == {}


def test_an_edit_that_was_a_mistake_is_taken_back_and_nothing_has_happened(staged: Stage) -> None:
    good = staged.catalog.read_text("utf-8")
    staged.catalog.write_text(another_prefix(good), "utf-8")
    assert len(held(staged)) == DEMO
    refusal = staged.run("acknowledge", "of-another-catalog")
    assert refusal.returncode == 1
    assert "the breaker waits for" in refusal.stderr
    assert len(held(staged)) == DEMO

    staged.catalog.write_text(good, "utf-8")
    staged.recovers()
    assert held(staged) == {}


def test_many_pull_requests_that_are_closed_at_once_leave_at_once_because_github_confirms_each(staged: Stage) -> None:
    for name, number in CLOSED:
        staged.change(f"acme/{name}", number, state="closed")
    assert staged.settle().deleted.keys() == {f"preview-{name}-{number}" for name, number in CLOSED}
