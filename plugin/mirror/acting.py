"""Acting on previews: finds what somebody means in what is known, and decides what that does. Pure."""

from collections.abc import Iterator

from plugin.core.answers.wanted import Wanted
from plugin.core.config.names import folded
from plugin.core.decision.preview import Preview
from plugin.core.facts.acts import Act
from plugin.core.facts.lives import NO_LIVES
from plugin.core.life.acting import Refusal, Said, Seen, act_on
from plugin.core.life.case import Circumstances, latest
from plugin.core.life.cases import Inputs, case_of
from plugin.mirror.current import Current


def acts_on(current: Current, wanted: Wanted, said: Said) -> Iterator[tuple[Preview, Act | Refusal]]:
    """Find the previews that are meant, with the act to store for each, or why it would mean nothing.

    There are none if the pull request asks for no preview. Several services of one repository have one each.
    """
    for preview in current.previews:
        if folded(preview.locator) == folded(str(wanted.locator)) and wanted.admits(preview.service.name):
            yield preview, _act_on(current, preview, said)


def _act_on(current: Current, preview: Preview, said: Said) -> Act | Refusal:
    known, decision = current.known, current.decision
    assert decision  # noqa: S101  it has this preview
    name, stored = preview.repository.name, [act for act in known.acts.values() if act.subject == preview.key]
    inputs = Inputs(
        repository=preview.repository,
        wishes=decision.wishes.by_repository[name],
        lives=known.lives.get(name, NO_LIVES),
        live=(),
        part=None,
        acts={preview.key: {act.kind: act for act in stored}},
        circumstances=Circumstances(said.at, stamp=None),
    )
    case = case_of(preview.service, preview.pull_request, "", inputs)
    accepted = known.ends.accepted.get(preview.service.name) if known.ends else None
    acted_at = latest(*(act.at for act in stored))
    return act_on(Seen(case, preview.verdict.state, preview.verdict.reason, accepted, acted_at), said)
