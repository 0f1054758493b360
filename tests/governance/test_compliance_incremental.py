"""Looking only at what is new gives what looking at everything anew gives, whatever has happened."""

import datetime as dt
import os

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from governance.errors import Invalid, Refused
from governance.models import (
    CheckRecord,
    CheckStanding,
    ControlStanding,
    Finding,
    Framework,
    GateAsk,
    Incident,
)
from governance.queries.compliance import projects_to_look_at
from governance.services.assurances import assure_control, end_assurance, exclude_control, include_control
from governance.services.authorizations import (
    resume_authorization,
    suspend_authorization,
    withdraw_authorization,
)
from governance.services.classifications import sign_classification
from governance.services.compliance import look_at, look_at_changed
from governance.services.deployments import withdraw_deployment
from governance.services.findings import assign_finding
from governance.services.frameworks import begin_use, end_use, load_frameworks
from governance.services.incidents import open_incident, report_incident
from governance.services.inventory import record_review, set_inventory
from ledger.publishing import publish_checkpoint
from tests import make, make_gates
from tests.governance.test_compliance import answers

pytestmark = pytest.mark.django_db

NO = (Refused, Invalid, PermissionDenied)


class World:
    """A project with a model in production, measured by three frameworks; each act is one small change."""

    def __init__(self):
        self.given = make_gates.authorization()
        self.project = self.given.project
        self.manager = self.project.created_by
        self.reviewer = make.member(self.project, "reviewer")
        self.deployment = make_gates.deployment(self.given)
        self.now = timezone.now()
        for key in ("change-and-access", "us-model-risk", "21-cfr-part-11"):
            self.use(key)

    def use(self, key):
        framework = Framework.objects.get(key=key, current=True)
        begin_use(project=self.project, framework=framework, actor=self.manager, reason="The board")

    def in_use(self, key):
        return self.project.framework_uses.get(framework__key=key, ended_at__isnull=True)

    def suspend(self):
        suspend_authorization(authorization=self.given, actor=self.reviewer, reason="A doubt")

    def resume(self):
        resume_authorization(authorization=self.given, actor=self.reviewer, reason="No doubt")

    def withdraw(self):
        withdraw_authorization(authorization=self.given, actor=self.manager, reason="Not good")

    def take_out(self):
        withdraw_deployment(deployment=self.deployment, actor=self.manager, reason="Enough")

    def find(self):
        make_gates.finding(self.project)

    def assign(self):
        found = Finding.objects.filter(project=self.project).first()
        if found is not None:
            due = self.now.date() + dt.timedelta(days=3)
            assign_finding(finding=found, actor=self.manager, owner=self.manager, due_on=due)

    def harm(self):
        known = timezone.now() - dt.timedelta(days=14, hours=23)
        open_incident(
            project=self.project, actor=self.manager, title="Odd", severity="serious", aware_at=known
        )

    def report(self):
        found = Incident.objects.filter(project=self.project, state="open").first()
        if found is not None:
            report_incident(incident=found, actor=self.reviewer, report="Number 12")

    def list_it(self):
        set_inventory(
            project=self.project, actor=self.manager, owner=self.manager, deputy=self.reviewer, overseer=None,
            approved_uses=["Promotions"], review_every_days=1,
        )  # fmt: skip

    def review(self):
        record_review(project=self.project, actor=self.reviewer, kind="access", result="Well", every_days=2)

    def classify(self):
        given = answers(eu_role="deployer", area="4")
        sign_classification(project=self.project, answers=given, actor=self.manager, password=make.PASSWORD)

    def vouch(self):
        assure_control(
            use=self.in_use("change-and-access"), control="change-competence", actor=self.reviewer,
            password=make.PASSWORD, statement="All were trained",
            expires_on=timezone.now().date() + dt.timedelta(days=1),
        )  # fmt: skip

    def take_back(self):
        for each in self.project.assurances.filter(ended_at__isnull=True):
            end_assurance(assurance=each, actor=self.reviewer, reason="They left")

    def exclude(self):
        exclude_control(use=self.in_use("us-model-risk"), control="mrm-v7", actor=self.manager, reason="None")

    def include(self):
        for each in self.project.control_exclusions.filter(ended_at__isnull=True):
            include_control(exclusion=each, actor=self.manager)

    def drop(self):
        end_use(use=self.in_use("21-cfr-part-11"), actor=self.manager, reason="Enough")

    def seal(self):
        # It is signed at the time of the clock on the wall, which may lie before the last look.
        if self.now <= timezone.now():
            publish_checkpoint()
            self.now = timezone.now()

    def ask(self):
        GateAsk.objects.create(
            asked_at=self.now, point="rest", model_digest=self.given.model_digest,
            environment="production", allow=True, reason="So",
        )  # fmt: skip

    def wait(self):
        """A part of a day: only what ends by the clock may be new."""
        self.now += dt.timedelta(hours=7)

    def wait_long(self):
        self.now += dt.timedelta(days=200)


ACTS = sorted(
    name
    for name, value in vars(World).items()
    if callable(value) and name not in ("__init__", "use", "in_use")
)


def stands(project):
    """Everything that is stored of a project, without keys and the times at which it was put down."""
    checks = CheckStanding.objects.filter(project=project).order_by("check_key")
    records = CheckRecord.objects.filter(standing__project=project)
    controls = ControlStanding.objects.filter(use__project=project, use__ended_at__isnull=True)
    return (
        list(checks.values_list("check_key", "status", "held", "total", "reason", "digest")),
        sorted(records.values_list("standing__check_key", "kind", "record_id", "label", "says", "why")),
        sorted(controls.values_list("use__framework__key", "control", "status")),
    )


@pytest.fixture(autouse=True)
def frameworks_are_there():
    load_frameworks()


# A few examples for each run of the suite; `COMPLIANCE_EXAMPLES=200` tries more.
@settings(
    max_examples=int(os.environ.get("COMPLIANCE_EXAMPLES", "4")), deadline=None,
    phases=[Phase.explicit, Phase.generate],
)  # fmt: skip
@given(acts=st.lists(st.sampled_from(ACTS), min_size=4, max_size=8, unique=True))
def test_looking_at_what_is_new_gives_what_looking_at_everything_gives(acts):
    with transaction.atomic():
        world, other = World(), make.project()
        for act in acts:
            try:
                with transaction.atomic():
                    getattr(world, act)()
            except NO:
                continue
            look_at_changed(world.now)
            assert not projects_to_look_at(world.now).exists(), act
        before = stands(world.project)
        look_at(project=world.project, moment=world.now)
        assert stands(world.project) == before
        CheckStanding.objects.filter(project=world.project).delete()
        ControlStanding.objects.filter(use__project=world.project, use__ended_at__isnull=True).delete()
        look_at(project=world.project, moment=world.now)
        assert stands(world.project) == before
        assert not other.check_standings.exists()
        transaction.set_rollback(True)
