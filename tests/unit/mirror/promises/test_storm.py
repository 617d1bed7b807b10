"""All promises at once: whatever happens in any order, a preview leaves only if it has ended or a catalog ends it."""

from collections.abc import Collection, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from plugin.core.config.catalog import Catalog
from plugin.core.config.references import Locator
from tests.builders import MONDAY, catalog_text, make_pull_request
from tests.stage import make_stage
from tests.strategies import EXAMPLES
from tests.unit.mirror.scenario import BOTH, TEN, confirm, confirm_open, names

SOME = st.sets(st.sampled_from(TEN), min_size=1)
FEW = st.sets(st.sampled_from(TEN), min_size=1, max_size=2)
THRESHOLD = 5  # of the stage's breaker: so many may leave because of an edit that nobody acknowledged
NO_FLIP: Mapping[str, Any] = {}
FLIPS: list[dict[str, Any]] = [{"draft": True}, {"labels": ("bug",)}, {"target_branch": "next"}, {"fork": True}]
EDITS: dict[str, tuple[dict[str, dict[str, Any]], str]] = {
    "both": (BOTH, "preview"),
    "port": ({"orders": {"port": 9}, "payments": {}}, "preview"),
    "without": ({"payments": {}}, "preview"),
    "prefix": (BOTH, "env"),
    "label": ({"orders": {"labels": {"require": ["env"]}}, "payments": {}}, "preview"),
    "drafts": ({"orders": {"drafts": False}, "payments": {}}, "preview"),
    "branches": ({"orders": {"target_branches": ["main"]}, "payments": {}}, "preview"),
    "profile": ({"orders": {"profile": "frontend"}, "payments": {}}, "preview"),
    "moved to an unread repository": ({"orders": {"repository": "acme/unread"}, "payments": {}}, "preview"),
    "with an unread repository": ({**BOTH, "users": {}}, "preview"),
}


def number(name: str) -> int:
    return int(name.rsplit("-", 1)[1])


def ends_drafts(catalog: Catalog) -> bool:
    return "orders" in catalog.services and not catalog.services["orders"].policy.drafts


class Storm(RuleBasedStateMachine):
    """Ten pull requests; the truth about them is in `open` and `drafts`, and the source does not always tell it."""

    @initialize()
    def start(self) -> None:
        self.folder = TemporaryDirectory()
        self.stage = make_stage(Path(self.folder.name))
        self.other = self.stage.restarted()
        self.open, self.drafts = set(TEN), set[int]()
        self.acknowledged: set[str] = set()
        self.catalog_is_edited("both")
        self.tell_the_truth()
        self.stage.refresh()
        assert self.stage.answer() == self.stage.answer(services=["orders"]) == names(*TEN)

    def teardown(self) -> None:
        self.folder.cleanup()

    # What the source says

    @rule(lost=SOME)
    def listing_loses(self, lost: set[int]) -> None:
        self.list_all(self.open - lost)

    @rule(numbers=SOME, flip=st.sampled_from(FLIPS))
    def listing_shows_other_facts(self, numbers: set[int], flip: dict[str, Any]) -> None:
        self.list_all(self.open, numbers, flip)

    @rule(numbers=SOME)
    def look_ups_fail(self, numbers: set[int]) -> None:
        for each in numbers:
            self.stage.source.elsewhere.pop(Locator("acme/orders", each), None)

    @rule(numbers=SOME, older=st.booleans())
    def look_ups_are_old_or_unsettled(self, numbers: set[int], *, older: bool) -> None:
        how: dict[str, Any] = {"updated_at": MONDAY.replace(hour=8)} if older else {"settled": False}
        confirm(self.stage, *numbers, **how)

    @rule(repository=st.sampled_from(["acme/orders", "acme/payments"]))
    def repository_is_doubtful(self, repository: str) -> None:
        self.stage.source.listed.pop(repository, None)

    @rule()
    def tell_the_truth(self) -> None:
        self.list_all(self.open)
        self.stage.source.listed["acme/payments"] = []
        self.stage.source.elsewhere = {}
        for each in self.open:
            confirm_open(self.stage, each, draft=each in self.drafts)
        confirm(self.stage, *(set(TEN) - self.open))

    def list_all(self, shown: set[int], flipped: Collection[int] = (), flip: Mapping[str, Any] = NO_FLIP) -> None:
        self.stage.source.listed["acme/orders"] = [
            make_pull_request(each, **{"draft": each in self.drafts, **(flip if each in flipped else {})})
            for each in sorted(shown)
        ]

    # What people do

    @rule(numbers=FEW)
    def are_closed(self, numbers: set[int]) -> None:
        self.open -= numbers

    @rule(numbers=FEW)
    def become_drafts(self, numbers: set[int]) -> None:
        self.drafts |= numbers

    @rule(which=st.sampled_from(sorted(EDITS)))
    def catalog_is_edited(self, which: str) -> None:
        services, prefix = EDITS[which]
        self.stage.path.write_text(catalog_text(services, prefix=prefix), "utf-8")

    @rule(which=st.sampled_from(sorted(EDITS)))
    def edited_catalog_is_read(self, which: str) -> None:
        self.catalog_is_edited(which)
        self.refresh()

    @rule()
    def edit_is_acknowledged(self) -> None:
        if hold := self.stage.known().hold:
            self.stage.acknowledge(hold.catalog)
            self.acknowledged.add(hold.catalog)

    # What the plugin does

    @rule()
    def process_starts_again(self) -> None:
        self.stage = self.stage.restarted()

    @rule()
    def other_replica_refreshes(self) -> None:
        self.stage, self.other = self.other, self.stage
        self.refresh()

    @rule()
    def refresh(self) -> None:
        before, old = self.stage.answer(), self.stage.catalog()
        self.stage.refresh()
        left = {*before} - {*self.stage.answer()}
        new = self.stage.catalog()
        drafts = self.drafts if ends_drafts(old) or ends_drafts(new) else set()
        ended = {*TEN} - self.open | drafts
        by_edit = {name for name in left if number(name) not in ended}
        if by_edit:
            assert new is not old
            assert len(by_edit) <= THRESHOLD or new.fingerprint in self.acknowledged

    @rule()
    def once_all_is_well_only_what_is_open_is_answered(self) -> None:
        self.catalog_is_edited("both")
        self.tell_the_truth()
        for _ in range(2):  # the way back from another catalog may have to be acknowledged too
            self.stage.refresh()
            self.edit_is_acknowledged()
        self.stage.refresh()

        assert self.stage.answer() == names(*sorted(self.open))
        assert self.stage.current().in_doubt == {}

    # What always holds

    @precondition(lambda self: hasattr(self, "stage"))
    @invariant()
    def replicas_and_inputs_agree(self) -> None:
        everything = self.stage.answer()
        assert self.other.answer() == everything
        by_service = [self.stage.answer(services=[name]) for name in self.stage.catalog().services]
        assert sorted(name for each in by_service for name in each) == sorted(everything)
        profiles = {service.profile for service in self.stage.catalog().services.values()}
        by_profile = [name for profile in profiles for name in self.stage.answer(profile=profile)]
        assert sorted(by_profile) == sorted(everything)  # none is named by two inputs

    @precondition(lambda self: hasattr(self, "stage"))
    @invariant()
    def the_live_record_is_what_is_answered(self) -> None:
        live = self.stage.known().live
        assert live
        remembered = sorted(each.name for previews in live.by_repository.values() for each in previews)
        assert remembered == sorted(self.stage.answer(origin="any"))


Storm.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=25)  # `make simulate` tries more
TestStorm = Storm.TestCase
