"""The risk register as documents: one row for each risk of the process, as the latest iteration sees it."""

from django.utils.translation import gettext as _

from lifecycle.models import QualityAction, Risk
from reports.documents import Mark, State
from reports.documents import Risk as RiskDocument
from reports.queries.moment import Moment, mark, name_of
from reports.queries.pasts import Pasts

ACCEPTED = (Risk.State.ACCEPTED, Risk.State.CLOSED)


def risks_of(project_id: int, moment: Moment, appetite: int, pasts: Pasts) -> tuple[RiskDocument, ...]:
    """Every rated risk once; one that several tasks share is shown where it is gravest. 2 queries."""
    rated = (
        Risk.objects.filter(
            task__phase__iteration__project=project_id,
            task__phase__iteration__opened_at__lte=moment.at,
            severity__isnull=False,
        )
        .exclude(state=Risk.State.IDENTIFIED)  # has the process's usual rating, and nobody's own
        .select_related("task__owner", "task__phase__iteration", "accepted_by")
        .prefetch_related("actions")
        .order_by("key", "pk")
    )
    shown: dict[str, Risk] = {}
    for each in rated:
        risk = pasts.rate(each)
        if risk is None or risk.state == Risk.State.IDENTIFIED:
            continue
        known = shown.get(risk.key)
        if known is None or _rank(risk) > _rank(known):
            shown[risk.key] = risk
    return tuple(_risk(each, appetite, pasts) for _key, each in sorted(shown.items()))


def _rank(risk: Risk) -> tuple[int, int]:
    """Later iterations know better; within one, the graver rating counts."""
    return risk.task.phase.iteration.number, (risk.severity or 0) * (risk.occurrence or 0)


def _risk(risk: Risk, appetite: int, pasts: Pasts) -> RiskDocument:
    severity, occurrence = risk.severity or 1, risk.occurrence or 1
    states = [(action.name, pasts.measure_state(action)) for action in risk.actions.all()]
    measures = [
        f"{name} ({str(QualityAction.State(state).label).lower()})"
        for name, state in states
        if state not in (None, QualityAction.State.CANCELLED)
    ]
    return RiskDocument(
        code=risk.key,
        text=risk.text,
        measure="; ".join(measures),
        owner=name_of(risk.task.owner),
        severity=risk.inherent_severity or severity,
        occurrence=risk.inherent_occurrence or occurrence,
        residual_severity=severity,
        residual_occurrence=occurrence,
        mark=_mark(risk, severity * occurrence, appetite, pasts),
    )


def _mark(risk: Risk, score: int, appetite: int, pasts: Pasts) -> Mark:
    if risk.state in ACCEPTED and score > appetite:
        then = pasts.risks.get(risk.pk)
        by = (then.accepted_by if then else "") or name_of(risk.accepted_by, _("somebody"))
        return mark(State.WAIVED, _("above the limit, accepted by %(name)s") % {"name": by})
    if risk.state in ACCEPTED:
        return mark(State.OK, risk.get_state_display())
    if score > appetite:
        return mark(State.BAD, risk.get_state_display())
    return mark(State.IDLE, risk.get_state_display())
