"""Decisions that wait for one person."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from governance.models import Evaluation, Gate, Signoff
from governance.rules.gates import fills_seat
from lifecycle.models import Evidence, Membership, Run, Task, User
from lifecycle.queries.inbox import InboxItem
from lifecycle.rules.people import can_change


def gates_to_sign(user: User) -> list[InboxItem]:
    """Open gates that have been evaluated, ask for this person's signature and do not have it. 1 query.

    Whoever owns, ran or proved something of the iteration, or asked for the decision, is left out, as the
    records say now. The page of the gate asks the ledger, and so also knows those who did so earlier.
    """
    if not can_change(user):
        return []
    return [_item(gate) for gate in _undecided(user) if fills_seat(_place(user, gate), gate)]


def _undecided(user: User) -> QuerySet[Gate]:
    places = Membership.objects.filter(
        user=user, left_at__isnull=True, project=OuterRef("iteration__project")
    ).exclude(role=Membership.Role.AUDITOR)
    last = Evaluation.objects.filter(gate=OuterRef("pk")).order_by("-evaluated_at", "-pk")
    found = Gate.objects.filter(state=Gate.State.OPEN).annotate(
        place_role=Subquery(places.values("role")[:1]),
        place_crisp_roles=Subquery(places.values("crisp_roles")[:1]),
        shown=Subquery(last.values("pk")[:1]),
        met=Subquery(last.values("verdict")[:1]),
    )
    signed = Signoff.objects.filter(evaluation=OuterRef("shown"), signer=user)
    found = found.filter(place_role__isnull=False, shown__isnull=False).exclude(requested_by=user)
    found = found.exclude(Exists(signed) | _took_part(user))
    return found.select_related("iteration__project").order_by("opened_at", "pk")


def _took_part(user: User) -> Q:
    """Work of the gate's iteration that this person owns, ran or proved."""
    here = Q(phase__iteration=OuterRef("iteration"))
    owned = Task.objects.filter(here, Q(owner=user) | Q(accountable=user))
    proven = Evidence.objects.filter(task__phase__iteration=OuterRef("iteration"), attached_by=user)
    run = Run.objects.filter(iteration=OuterRef("iteration"), started_by=user)
    return Q(Exists(owned)) | Q(Exists(proven)) | Q(Exists(run))


def _place(user: User, gate: Gate) -> Membership:
    """The person's place in the gate's project, from what the query brought along."""
    found = vars(gate)
    return Membership(
        project=gate.iteration.project,
        user=user,
        role=found["place_role"],
        crisp_roles=found["place_crisp_roles"] or [],
    )


def _item(gate: Gate) -> InboxItem:
    met = bool(vars(gate)["met"])
    why = _("Every blocking criterion is met: read it and sign.")
    if not met:
        why = _("A blocking criterion is not met: refuse it, or wait until it is mended.")
    return InboxItem(
        kind="sign", title=str(gate), why=why, project=gate.iteration.project, url_name="governance:gate",
        pk=gate.pk, urgency="waiting" if met else "later", since=gate.opened_at,
    )  # fmt: skip
