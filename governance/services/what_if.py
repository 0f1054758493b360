"""What another policy would have decided on past cases. Reads only, at most a few hundred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from governance.criteria import Check, Judgement, defined_check, judge, read_criterion
from governance.errors import Invalid
from governance.models import CriterionResult, Evaluation, Gate
from governance.queries.pages import gates_visible_to
from lifecycle.models import User

MOST_CASES = 200
MOST_CRITERIA = 40

Verdict = CriterionResult.Verdict


@dataclass(frozen=True)
class Case:
    """A past decision with what the draft says of it. `then` and `now`: whether it could be approved."""

    gate: Gate
    evaluation: Evaluation
    judgements: tuple[Judgement, ...]
    kept: tuple[CriterionResult, ...]
    then: bool
    now: bool

    @property
    def differs(self) -> bool:
        return self.then != self.now

    @property
    def reasons(self) -> list[Judgement]:
        """What the draft finds not met, the blocking ones; empty where it would let it pass."""
        return [given for given in self.judgements if given.check.blocking and not given.passes]

    @property
    def gone(self) -> list[CriterionResult]:
        """What was not met then and is no more asked, or holds by the draft."""
        met = {given.check.key for given in self.judgements if not given.passes and given.check.blocking}
        kept = {id(each) for each in self.kept}
        failed = [
            each for each in self.evaluation.results.all() if each.blocking and each.verdict not in _PASSING
        ]
        return [each for each in failed if each.key not in met and id(each) not in kept]


@dataclass(frozen=True)
class WhatIf:
    """All cases, the newest first; `untold` were evaluated before facts were kept."""

    cases: tuple[Case, ...]
    untold: int

    @property
    def differing(self) -> list[Case]:
        return [case for case in self.cases if case.differs]

    @property
    def stricter(self) -> int:
        """How many that could be approved could not be any more."""
        return sum(case.then and not case.now for case in self.cases)

    @property
    def looser(self) -> int:
        return sum(case.now and not case.then for case in self.cases)


_PASSING = (Verdict.MET, Verdict.WAIVED)


def what_if(*, user: User, key: str, criteria: Sequence[Mapping[str, Any]], process: str = "") -> WhatIf:
    """Judge the last 200 decided cases of a gate by other criteria, with the facts that were kept then.

    `criteria` are those of a definition (`key`, `expression`, `blocking`); the requirements of each project,
    and waivers of criteria that are still asked, count as they did. Only what the user may see. 3 queries.
    Raises `Invalid` with the place for a criterion that cannot be read, or for too many.
    """
    if not criteria or len(criteria) > MOST_CRITERIA:
        words = _("Between 1 and %(most)d criteria can be tried.") % {"most": MOST_CRITERIA}
        raise Invalid("criteria_unfit", words, "criteria")
    for number, item in enumerate(criteria):
        read_criterion(item["expression"], where=f"criteria[{number}].expression")
    checks = [defined_check(item) for item in criteria]
    evaluations = _evaluations(user, key, process)
    told = [each for each in evaluations if each.facts is not None]
    cases = tuple(_case(each, checks) for each in told)
    return WhatIf(cases, len(evaluations) - len(told))


def _evaluations(user: User, key: str, process: str) -> list[Evaluation]:
    """The last evaluation of each decided gate, with gate, project and results."""
    gates = gates_visible_to(user).filter(key=key).exclude(state__in=(Gate.State.OPEN, Gate.State.WITHDRAWN))
    if process:
        gates = gates.filter(iteration__process_version__process__key=process)
    newest = (
        Evaluation.objects.filter(gate=OuterRef("gate")).order_by("-evaluated_at", "-pk").values("pk")[:1]
    )
    found = Evaluation.objects.filter(Q(pk=Subquery(newest)), gate__in=gates.values("pk"))
    found = found.select_related("gate__iteration__project", "gate__model_version").prefetch_related(
        "results"
    )
    return list(found.order_by("-gate__decided_at", "-pk")[:MOST_CASES])


def _case(evaluation: Evaluation, checks: Sequence[Check]) -> Case:
    defined = {item["key"] for item in evaluation.gate.definition["criteria"]}
    results = list(evaluation.results.all())
    kept = tuple(each for each in results if each.key not in defined)
    waived = {each.key for each in results if each.verdict == Verdict.WAIVED}
    judgements = tuple(judge(check, evaluation.facts or {}) for check in checks)
    passes = all(
        given.passes or given.check.key in waived for given in judgements if given.check.blocking
    ) and all(each.verdict in _PASSING for each in kept if each.blocking)
    return Case(evaluation.gate, evaluation, judgements, kept, evaluation.verdict, passes)
