"""Gates can be commented on: `{% load comments %}{% comments gate project %}` on their page."""

from django.shortcuts import get_object_or_404
from django.urls import reverse

from governance.queries.pages import gates_visible_to
from lifecycle.comment_subjects import Place, register
from lifecycle.models import User


def _gate(user: User, pk: int) -> Place:
    gate = get_object_or_404(gates_visible_to(user), pk=pk)
    return Place(gate, gate.iteration.project, reverse("governance:gate", args=[pk]))


register("governance.gate", _gate)
