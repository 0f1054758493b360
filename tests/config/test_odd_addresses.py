"""Whatever stands behind the question mark of an address, no page breaks."""

import pytest
from django.urls import reverse

from tests import make, make_gates

pytestmark = pytest.mark.django_db

ODD = ["\0", "abc", "-1", "99999999999999999999", "'\"<", "²", "a:b", ""]
NAMES = (
    "iteration", "phase", "owner", "state", "kind", "page", "show", "run", "q", "category", "cursor", "days",
    "base", "old", "new", "to", "report", "model", "task", "now", "before", "person", "role", "gaps",
    "project", "action", "actor", "subject", "expression", "window", "params", "condition", "cron",
)  # fmt: skip
OF_PROJECT = (
    "governance:project", "governance:project-gates", "governance:project-models", "lifecycle:project-tasks",
    "lifecycle:project-ownership", "lifecycle:ownership-history", "lifecycle:project-handoffs",
    "lifecycle:project-handoff-board", "lifecycle:project-runs", "lifecycle:run-new",
    "lifecycle:project-monitoring", "lifecycle:project-triggers", "lifecycle:project-risks",
    "lifecycle:project-requirements", "lifecycle:project-people", "lifecycle:project-analytics",
    "reports:project-reports",
)  # fmt: skip
OF_SITE = (
    "governance:portfolio", "lifecycle:inbox", "lifecycle:notices", "lifecycle:process", "reports:ledger",
    "lifecycle:analytics", "lifecycle:connectors",
)  # fmt: skip


@pytest.mark.parametrize("name", [*OF_PROJECT, *OF_SITE])
def test_odd_words_in_an_address_break_no_page(client, name):
    given = make_gates.authorization()
    make.task(given.gate.iteration.phases.get(key="P2"), "2.1", owner=make.member(given.project))
    client.force_login(given.project.created_by)
    address = reverse(name, args=[given.project.slug] if name in OF_PROJECT else [])

    for odd in ODD:
        answer = client.get(address, dict.fromkeys(NAMES, odd))
        assert answer.status_code < 500, odd
