"""The rules that judge one preview by itself, one per file. The first rule that applies decides."""

from collections.abc import Callable

from plugin.core.decision.rules.active import active
from plugin.core.decision.rules.base_branch import base_branch
from plugin.core.decision.rules.case import Case
from plugin.core.decision.rules.draft import draft
from plugin.core.decision.rules.fork import fork
from plugin.core.decision.rules.number import number
from plugin.core.decision.rules.skip_label import skip_label
from plugin.core.decision.verdicts import Verdict

RULES: tuple[Callable[[Case], Verdict | None], ...] = (number, fork, draft, base_branch, skip_label, active)
