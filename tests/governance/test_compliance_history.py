"""What changed since an audit, and coverage over time: from the changes that were put down."""

import datetime as dt

import pytest
from django.utils import timezone

from governance.models import ControlChange
from governance.queries.compliance_history import coverage_then, history_page
from governance.services.authorizations import withdraw_authorization
from governance.services.compliance import look_at
from governance.services.frameworks import add_framework, begin_use
from governance.services.inventory import record_review
from tests import make, make_gates
from tests.governance.test_compliance import POLICY

pytestmark = pytest.mark.django_db


@pytest.fixture
def broken():
    """A project whose one control was met ten days ago and is broken since today."""
    given = make_gates.authorization()
    make_gates.deployment(given)
    framework = add_framework(data=POLICY, actor=make.user(org_role="process_owner"))
    project = given.project
    begin_use(project=project, framework=framework, actor=project.created_by, reason="The board")
    look_at(project=project)
    ControlChange.objects.update(changed_at=timezone.now() - dt.timedelta(days=10))
    withdraw_authorization(authorization=given, actor=project.created_by, reason="Not good")
    look_at(project=project)
    return project


def today():
    return timezone.now().astimezone(dt.UTC).date()


def test_what_got_worse_is_told_with_then_and_now(broken):
    page = history_page(broken, today(), today() - dt.timedelta(days=5))

    assert [(line.label, line.change.before, line.change.after) for line in page.lines] == [
        ("1", "met", "broken")
    ]
    assert (page.worse, page.better) == (1, 0)
    (line,) = page.frameworks
    assert (line.then.share, line.now.share, line.difference) == (66, 33, -33)
    assert page.chart.series[0].values[-2:] == [pytest.approx(66.7, abs=0.1), pytest.approx(33.3, abs=0.1)]


def test_the_day_comes_from_the_last_review_of_the_system(broken):
    before = history_page(broken, today())
    assert (before.audit, before.since) == (None, today() - dt.timedelta(days=90))
    record_review(project=broken, actor=broken.created_by, kind="system", result="Well", every_days=90)

    page = history_page(broken, today())

    assert page.since == page.audit.done_at.astimezone(dt.UTC).date()


def test_nothing_was_met_before_the_first_look(broken):
    use = broken.framework_uses.get()
    early = timezone.now() - dt.timedelta(days=30)

    assert coverage_then([use], use.changes.order_by("changed_at", "pk"), early) == {}


def test_the_page_shows_it_and_takes_a_day(client, broken, django_assert_max_num_queries):
    client.force_login(broken.created_by)
    address = f"/projects/{broken.slug}/compliance-history/"
    with django_assert_max_num_queries(16):
        page = client.get(address).content.decode()
    assert "1 control is worse than before" in page
    assert "better or worse" in client.get(f"{address}?since=2999-01-01").content.decode()
    assert client.get(f"{address}?since=yesterday").status_code == 200
    client.force_login(make.user())
    assert client.get(address).status_code == 404
