"""Handoffs: the list of an iteration, one of them, and what its two people do with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from lifecycle.forms.fields import PlainForm, ReasonForm
from lifecycle.forms.handoffs import OfferForm, PartiesForm
from lifecycle.models import HANDOFF_STATES, AcceptanceCriterion, Handoff, Iteration, User
from lifecycle.queries.handoffs import handoff_detail, handoffs_of_iteration, handoffs_visible_to
from lifecycle.queries.history import history_of
from lifecycle.queries.iterations import iterations_of
from lifecycle.queries.pages import people_of, snapshots_of
from lifecycle.services import handoffs as services
from lifecycle.sorting import Sorting
from lifecycle.views.acting import (
    Offer,
    Offers,
    Rights,
    Tried,
    carry_out,
    project_for,
    reader,
    rights_of,
    seen,
)

_S = Handoff.State
SORTS: Mapping[str, Callable[[Handoff], Any]] = {
    "handoff": lambda handoff: handoff.title,
    "from": lambda handoff: handoff.giver.name if handoff.giver else None,
    "to": lambda handoff: handoff.taker.name if handoff.taker else None,
    "due": lambda handoff: handoff.due_on,
}
_GROUPS = (_S.OFFERED, _S.RETURNED, _S.PLANNED, _S.ACCEPTED, _S.CANCELLED)


@login_required
@require_safe
def project_handoffs(request: HttpRequest, slug: str) -> HttpResponse:
    """The handoffs of one iteration by state. 5 queries."""
    user = reader(request)
    project = project_for(user, slug)
    found = list(iterations_of(project))
    wanted = request.GET.get("iteration", "")
    iteration = next((each for each in found if str(each.number) == wanted), None) if wanted else None
    if wanted and iteration is None:
        raise Http404
    iteration = iteration or (found[0] if found else None)
    sorting = Sorting(request.GET, SORTS)
    handoffs = sorting.rows(handoffs_of_iteration(iteration)) if iteration else []
    waiting = sum(each.state in (_S.OFFERED, _S.RETURNED) for each in handoffs)
    context = {
        "project": project,
        "iteration": iteration,
        "iterations": found,
        "sorting": sorting,
        "groups": [
            (state, [each for each in handoffs if each.state == state])
            for state in _GROUPS
            if any(each.state == state for each in handoffs)
        ],
        "title": ngettext("%d handoff waits for an answer", "%d handoffs wait for an answer", waiting)
        % waiting
        if waiting
        else _("No handoff waits for an answer"),
    }
    return render(request, "lifecycle/handoffs.html", context)


@login_required
@require_safe
def handoff(request: HttpRequest, pk: int) -> HttpResponse:
    """One handoff. 9 queries."""
    user = reader(request)
    return _page(request, user, seen(handoffs_visible_to(user), pk))


@login_required
@require_POST
def tick(request: HttpRequest, pk: int, order: int) -> HttpResponse:
    """Tick a criterion, or take its tick back."""
    user = reader(request)
    found = seen(handoffs_visible_to(user), pk)
    criterion = get_object_or_404(AcceptanceCriterion, handoff=found, order=order)
    form = PlainForm(request.POST)
    ticked = request.POST.get("ticked") == "1"
    return carry_out(
        request, form,
        lambda _given: services.tick_criterion(criterion=criterion, actor=user, ticked=ticked),
        done=_("Ticked.") if ticked else _("The tick is taken back."),
        to=_address(found), again=lambda: _page(request, user, found, Tried(f"tick-{order}", form)),
    )  # fmt: skip


@login_required
@require_POST
def act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Offer, accept, return, withdraw, cancel, or name the parties."""
    user = reader(request)
    found = seen(handoffs_visible_to(user), pk)
    if act not in _FORMS:
        raise Http404
    rights = rights_of(user, found.iteration.project)
    form = _FORMS[act](request.POST, auto_id=f"id_{act}_%s", **_given(act, found))

    def service(given: dict[str, Any]) -> object:
        if isinstance(form, OfferForm):
            given = form.tied
        return _SERVICES[act](handoff=found, actor=user, **given)

    return carry_out(
        request, form, service, done=str(_DONE[act]()), to=_address(found),
        may=_may(act, found, user, rights), again=lambda: _page(request, user, found, Tried(act, form)),
    )  # fmt: skip


_FORMS: dict[str, Any] = {
    "offer": OfferForm, "accept": PlainForm, "return": ReasonForm, "withdraw": PlainForm,
    "cancel": ReasonForm, "parties": PartiesForm,
}  # fmt: skip
_SERVICES: dict[str, Any] = {
    "offer": services.offer_handoff, "accept": services.accept_handoff, "return": services.return_handoff,
    "withdraw": services.withdraw_handoff, "cancel": services.cancel_handoff,
    "parties": services.set_parties,
}  # fmt: skip
_DONE: dict[str, Any] = {
    "offer": lambda: _("The handoff is on offer."),
    "accept": lambda: _("The handoff is accepted."),
    "return": lambda: _("The handoff is returned."),
    "withdraw": lambda: _("The offer is withdrawn."),
    "cancel": lambda: _("The handoff is cancelled."),
    "parties": lambda: _("The parties are named."),
}


def _may(act: str, handoff: Handoff, user: User, rights: Rights) -> bool:
    """Whether this person could take the step at all."""
    gives = rights.takes_part and handoff.giver_id == user.pk
    takes = rights.takes_part and handoff.taker_id == user.pk
    return {
        "offer": gives, "withdraw": gives, "accept": takes, "return": takes,
        "cancel": gives or rights.manages, "parties": rights.manages,
    }[act]  # fmt: skip


def _given(act: str, handoff: Handoff) -> dict[str, Any]:
    project = handoff.iteration.project
    if act == "offer":
        return {
            "deliverables": list(handoff.deliverables.order_by("order")),
            "snapshots": snapshots_of(project),
        }
    return {"people": people_of(project)} if act == "parties" else {}


def _address(handoff: Handoff) -> str:
    return reverse("lifecycle:handoff", args=[handoff.pk])


def _page(request: HttpRequest, user: User, handoff: Handoff, tried: Tried | None = None) -> HttpResponse:
    found = handoff_detail(handoff)
    rights, offers = rights_of(user, found.iteration.project), Offers(tried)
    main, more = _offers(offers, found, user, rights)
    criteria = list(found.criteria.all())
    context = {
        "project": found.iteration.project,
        "iteration": found.iteration,
        "handoff": found,
        "deliverables": list(found.deliverables.all()),
        "criteria": criteria,
        "ticked": sum(each.ticked_at is not None for each in criteria),
        "may_tick": found.state == _S.OFFERED and _may("accept", found, user, rights) and _open(found),
        "main": main,
        "more": more,
        "offers": offers,
        "words": _words(found, user),
        "history": history_of(found),
    }
    return render(request, "lifecycle/handoff.html", context)


def _open(handoff: Handoff) -> bool:
    return handoff.iteration.state == Iteration.State.OPEN


def _offers(offers: Offers, handoff: Handoff, user: User, rights: Rights) -> tuple[list[Offer], list[Offer]]:
    main: list[Offer] = []
    more: list[Offer] = []
    if not _open(handoff):
        return main, more

    def add(to: list[Offer], act: str, verb: str, **extra: Any) -> None:
        if _may(act, handoff, user, rights):
            url = reverse("lifecycle:handoff-act", args=[handoff.pk, act])
            to.append(offers.add(act, url, verb, _FORMS[act], **_given(act, handoff), **extra))

    if HANDOFF_STATES.can(handoff.state, "offer") and handoff.taker_id:
        add(main, "offer", _("Offer it"), main=True, hint=_("The versions named here are then fixed."))
    if handoff.state == _S.OFFERED:
        add(main, "accept", _("Accept"), main=True, hint=_("Every criterion has to be ticked first."))
        add(main, "return", _("Return it"), folded=True)
        add(more, "withdraw", _("Withdraw the offer"), folded=True)
    if handoff.state in (_S.PLANNED, _S.RETURNED):
        start = {"giver": handoff.giver_id, "taker": handoff.taker_id, "due_on": handoff.due_on}
        bare = handoff.giver_id is None or handoff.taker_id is None
        add(
            main if bare else more,
            "parties",
            _("Name the parties"),
            folded=not bare,
            main=bare,
            initial=start,
        )
    if HANDOFF_STATES.can(handoff.state, "cancel"):
        add(more, "cancel", _("Cancel the handoff"), folded=True)
    return main, more


def _words(handoff: Handoff, user: User) -> str:
    """Whose turn it is, in a sentence."""
    if handoff.state == _S.OFFERED:
        mine = handoff.taker_id == user.pk
        return (
            _("Check each criterion, then accept or return.")
            if mine
            else _("It waits for %s.") % handoff.taker
        )
    if handoff.state == _S.RETURNED:
        return _("It was returned to %s.") % handoff.giver
    if handoff.state == _S.PLANNED:
        if handoff.giver is None or handoff.taker is None:
            return _("It has no two parties yet.")
        mine = handoff.giver_id == user.pk
        return (
            _("Tie each deliverable to its version, then offer.")
            if mine
            else (_("%s offers it.") % handoff.giver)
        )
    return handoff.get_state_display()
