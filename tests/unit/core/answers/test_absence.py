"""Why a pull request has no preview."""

from plugin.core.answers.absence import absence
from plugin.core.config.references import Locator
from tests.builders import make_catalog, make_look_up

ONE = Locator("acme/orders", 1)
LABELS = make_catalog(
    {
        "usual": {},
        "orders": {"labels": {"require": ["preview", "big one"]}},
        "reports": {"repository": "acme/orders", "labels": {"require": ["reports"]}},
    }
)


def test_the_absence_of_a_preview_says_what_to_do() -> None:
    orders = [LABELS.services["usual"]]

    assert absence(ONE, [], None) == (
        "acme/orders#1 has no preview: no service of the catalog is in the repository acme/orders. Add one to it."
    )
    for found, archived, expected in (
        (None, False, "has no preview that is known of, and it could not be looked up. Ask again in a moment."),
        (make_look_up("missing"), False, "does not exist. Check the number."),
        (make_look_up("closed"), False, "has no preview: it is not open, because it was closed. Reopen it."),
        (make_look_up("merged"), True, "has no preview: it is not open, because it was merged. Open a new one."),
        (make_look_up(), True, "has no preview: its repository is archived. Unarchive it."),
        (
            make_look_up(labels=frozenset({"PREVIEW"})),
            False,
            "has no preview yet: its label is new. Ask again in a moment.",
        ),
        (
            make_look_up(labels=frozenset({"bug"})),
            False,
            (
                'has no preview: it lacks the label "preview". '
                "Add it: gh pr edit 1 --repo acme/orders --add-label preview"
            ),
        ),
    ):
        assert absence(ONE, orders, found, archived=archived) == f"acme/orders#1 {expected}"


def lacking(*services: str, labels: frozenset[str] = frozenset()) -> str:
    return absence(ONE, [LABELS.services[name] for name in services], make_look_up(labels=labels))


def test_every_label_that_is_lacking_is_named() -> None:
    assert lacking("orders") == (
        'acme/orders#1 has no preview: it lacks the labels "preview" and "big one". '
        "Add them: gh pr edit 1 --repo acme/orders --add-label preview --add-label 'big one'"
    )
    assert lacking("orders", labels=frozenset({"preview"})).endswith(" --add-label 'big one'")


def test_of_several_services_the_one_that_needs_the_least_is_explained() -> None:
    assert lacking("orders", "reports").endswith("--add-label reports")
    assert lacking("orders", "reports", labels=frozenset({"big one"})).endswith("--add-label preview")
    assert "its label is new" in lacking("orders", "reports", labels=frozenset({"reports"}))
