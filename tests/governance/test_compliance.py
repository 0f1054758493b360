"""Compliance: computed from records, told from which, and changed by nothing but them."""

import datetime as dt

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from governance.compliance.catalogue import checks, frameworks
from governance.compliance.documents import parse_framework
from governance.compliance.questions import QUESTIONS, classify
from governance.compliance.statuses import Status, of_checks
from governance.errors import Invalid, Refused
from governance.models import ControlStanding, Deployment, Framework, Incident
from governance.queries.compliance import projects_to_look_at
from governance.queries.compliance_kinds import known_kinds
from governance.queries.pages_compliance import controls_served
from governance.services.assurances import assure_control, end_assurance, exclude_control, include_control
from governance.services.authorizations import withdraw_authorization
from governance.services.classifications import sign_classification
from governance.services.compliance import look_at, look_at_changed
from governance.services.frameworks import add_framework, begin_use, load_frameworks
from governance.services.incidents import close_incident, open_incident, report_incident
from governance.services.inventory import record_review, set_inventory
from ledger.models import Entry
from tests import make, make_gates

pytestmark = pytest.mark.django_db

POLICY = {
    "key": "own-policy", "title": "Our policy", "version": "1", "kind": "policy", "as_of": "2026-11-28",
    "source": "The board, 2026",
    "groups": [
        {
            "id": "one", "title": "One",
            "controls": [
                {"id": "p-1", "label": "1", "title": "Live is authorized", "checks": ["K45"]},
                {"id": "p-2", "label": "2", "title": "People are trained", "checks": ["K44"]},
                {
                    "id": "p-3", "label": "3", "title": "Nothing waits",
                    "judges": {"about": "findings", "holds": "it.settled", "empty": "met"},
                },
            ],
        }
    ],
}  # fmt: skip


def policy(**changes):
    return {**POLICY, **changes}


def with_control(**fields):
    control = {"id": "p-9", "label": "9", "title": "Nine", **fields}
    return policy(groups=[{"id": "one", "title": "One", "controls": [control]}])


@pytest.fixture
def live():
    """A project with an authorized model in production, measured by the policy."""
    given = make_gates.authorization()
    deployment = make_gates.deployment(given)
    owner = make.user(org_role="process_owner")
    framework = add_framework(data=policy(), actor=owner)
    use = begin_use(
        project=given.project, framework=framework, actor=given.project.created_by, reason="The board"
    )
    look_at(project=given.project)
    return given, deployment, use


def stand(use):
    return dict(ControlStanding.objects.filter(use=use).values_list("control", "status"))


def test_every_shipped_check_reads_records_that_there_are():
    about = {each.judges.about for each in checks().values() if each.judges is not None}

    assert about <= known_kinds()
    assert sum(each.judges is None for each in checks().values()) == 7
    assert [each.key for each in frameworks()] == sorted(each.key for each in frameworks())
    assert {"crisp-ml-q": 61, "ml-test-score": 28}.items() <= {
        each.key: len(list(each.controls)) for each in frameworks()
    }.items()


def test_a_control_stands_where_its_records_put_it(live):
    _given, _deployment, use = live

    assert stand(use) == {"p-1": Status.MET, "p-2": Status.NOT_STARTED, "p-3": Status.MET}


def test_breaking_one_record_turns_exactly_the_controls_that_rest_on_it(live):
    given, _deployment, use = live
    withdraw_authorization(authorization=given, actor=given.project.created_by, reason="Not good")

    assert look_at_changed() == 1

    assert stand(use) == {"p-1": Status.BROKEN, "p-2": Status.NOT_STARTED, "p-3": Status.MET}
    told = Entry.objects.filter(action="compliance.looked").order_by("-index").first()
    assert told.payload.content["detail"]["changes"] == [["own-policy", "p-1", "met", "broken"]]


def test_nothing_new_is_not_looked_at_again(live):
    given, _deployment, _use = live
    entries = Entry.objects.count()

    assert look_at_changed() == 0
    assert look_at(project=given.project) == []
    assert Entry.objects.count() == entries


def test_what_ends_by_the_clock_is_seen_the_next_day(live):
    given, _deployment, use = live
    later = given.valid_until + dt.timedelta(days=1)

    assert given.project in projects_to_look_at(later)
    look_at_changed(later)

    assert stand(use)["p-1"] == Status.BROKEN


def test_looking_at_everything_anew_gives_the_same(live):
    given, _deployment, use = live
    before = stand(use), list(given.project.check_standings.values_list("check_key", "digest"))
    given.project.check_standings.all().delete()
    ControlStanding.objects.all().delete()

    look_at(project=given.project)

    assert (stand(use), list(given.project.check_standings.values_list("check_key", "digest"))) == before


def test_a_record_names_every_control_that_it_serves(live):
    given, deployment, _use = live

    served = controls_served(given.project.created_by, "deployment", deployment.pk)

    assert [(each.control.id, each.check, each.says) for each in served] == [("p-1", "K45", "holds")]
    assert controls_served(make.user(), "deployment", deployment.pk) == []


def test_an_assurance_stands_in_where_no_record_can_tell(live):
    given, _deployment, use = live
    signer = make.member(given.project, "reviewer")
    assurance = assure(use, signer)
    look_at(project=given.project)
    assert stand(use)["p-2"] == Status.MET

    look_at(project=given.project, moment=timezone.now() + dt.timedelta(days=40))
    assert stand(use)["p-2"] == Status.REVIEW_DUE

    end_assurance(assurance=assurance, actor=signer, reason="They left")
    look_at(project=given.project)
    assert stand(use)["p-2"] == Status.NOT_STARTED


def assure(use, signer, **changes):
    given = {
        "control": "p-2", "password": make.PASSWORD, "statement": "All were trained in May",
        "expires_on": timezone.now().date() + dt.timedelta(days=30),
    }  # fmt: skip
    return assure_control(use=use, actor=signer, **{**given, **changes})


def test_an_assurance_never_mends_what_records_contradict():
    assert of_checks([Status.BROKEN], assured=True, assurance_over=False) == Status.BROKEN
    assert of_checks([Status.NOT_STARTED], assured=True, assurance_over=False) == Status.MET
    assert of_checks([Status.WAIVED, Status.MET], assured=False, assurance_over=False) == Status.WAIVED
    assert of_checks([], assured=False, assurance_over=False) == Status.NOT_STARTED


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"password": "wrong"}, Refused),
        ({"control": "p-77"}, Invalid),
        ({"statement": " "}, Invalid),
        ({"link": "javascript:alert(1)"}, Invalid),
        ({"expires_on": dt.date(2000, 1, 1)}, Invalid),
        ({"expires_on": dt.date(2100, 1, 1)}, Invalid),
    ],
)
def test_a_bad_assurance_changes_nothing(live, changes, error):
    given, _deployment, use = live
    with pytest.raises(error):
        assure(use, make.member(given.project, "reviewer"), **changes)

    assert not given.project.assurances.exists()


def test_only_those_who_judge_vouch(live):
    given, _deployment, use = live
    for role in ("contributor", "auditor"):
        with pytest.raises(PermissionDenied):
            assure(use, make.member(given.project, role))


def test_what_has_no_bearing_counts_no_longer_and_can_count_again(live):
    given, _deployment, use = live
    manager = given.project.created_by
    exclusion = exclude_control(use=use, control="p-1", actor=manager, reason="Nothing is deployed")
    look_at(project=given.project)
    assert stand(use)["p-1"] == Status.NOT_APPLICABLE

    include_control(exclusion=exclusion, actor=manager)
    look_at(project=given.project)
    assert stand(use)["p-1"] == Status.MET


def test_a_version_that_is_replaced_keeps_its_results(live):
    given, _deployment, use = live
    second = add_framework(data=policy(version="2"), actor=make.user(org_role="administrator"))

    assert stand(use)["p-1"] == Status.MET
    begin_use(project=given.project, framework=second, actor=given.project.created_by, reason="Newer")
    look_at(project=given.project)
    use.refresh_from_db()

    assert use.ended_at is not None
    assert stand(use)["p-1"] == Status.MET
    assert not Framework.objects.get(key="own-policy", version="1").current


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (None, "framework"),
        (with_control(checks=["K99"]), "controls.p-9.checks"),
        (with_control(judges={"about": "findings", "holds": "it.("}), "controls.p-9.judges.holds"),
        (with_control(judges={"about": "findings", "holds": "nobody.knows"}), "controls.p-9.judges.holds"),
        (with_control(judges={"about": "unicorns", "holds": "true"}), "controls.p-9.judges.about"),
        (with_control(timeline="never"), "controls.p-9.timeline"),
        (policy(colour="red"), "colour"),
        (policy(groups=POLICY["groups"] * 2), "controls.p-1"),
    ],
)
def test_a_bad_framework_is_refused_with_its_place(data, where):
    entries = Entry.objects.count()
    with pytest.raises(Invalid) as no:
        add_framework(data=data, actor=make.user(org_role="process_owner"))

    assert no.value.where == where
    assert (Framework.objects.count(), Entry.objects.count()) == (0, entries)


def test_a_version_is_added_once_and_by_those_who_may(live):
    with pytest.raises(Refused):
        add_framework(data=policy(), actor=make.user(org_role="process_owner"))
    with pytest.raises(PermissionDenied):
        add_framework(data=policy(version="3"), actor=make.user())


def test_a_check_that_raises_breaks_its_control_and_stops_no_other(live):
    given, _deployment, _use = live
    make_gates.finding(given.project)
    data = with_control(judges={"about": "findings", "holds": "it.no_such_field == 1"})
    other = add_framework(data={**data, "key": "odd"}, actor=make.user(org_role="process_owner"))
    use = begin_use(project=given.project, framework=other, actor=given.project.created_by, reason="Odd")

    look_at(project=given.project)

    assert stand(use) == {"p-9": Status.BROKEN}
    assert (
        "could not be carried out"
        in given.project.check_standings.get(check_key="odd@1:p-9").records.get().why
    )


def answers(**changes):
    plain = {each.key: each.options[0][0] if each.options else "Nothing known" for each in QUESTIONS}
    return {**plain, **changes}


@pytest.mark.parametrize(
    ("changes", "risk_class", "route"),
    [
        ({}, "minimal", "none"),
        ({"talks": "yes"}, "limited", "none"),
        ({"eu_role": "provider", "product": "yes"}, "high", "annex-i"),
        ({"eu_role": "provider", "area": "4"}, "high", "annex-iii"),
        ({"eu_role": "provider", "area": "4", "derogation": "narrow"}, "minimal", "derogated"),
        (
            {"eu_role": "provider", "area": "4", "derogation": "narrow", "profiling": "yes"},
            "high",
            "annex-iii",
        ),
        ({"prohibited_scoring": "yes"}, "high", "none"),
    ],
)
def test_the_risk_class_follows_from_the_answers(changes, risk_class, route):
    found = classify(answers(**changes))

    assert (found.risk_class, found.route) == (risk_class, route)


def test_a_signed_classification_sets_the_risk_class_and_the_frameworks():
    load_frameworks()
    home = make.project()
    given = answers(eu_role="deployer", area="4", bank="us")
    entries = Entry.objects.count()

    signed = sign_classification(project=home, answers=given, actor=home.created_by, password=make.PASSWORD)
    home.refresh_from_db()

    assert home.risk_class == "high"
    assert Entry.objects.count() == entries + 1
    assert set(home.framework_uses.values_list("framework__key", flat=True)) == {
        "crisp-ml-q", "ml-test-score", "nist-ai-rmf", "eu-ai-act", "us-model-risk",
    }  # fmt: skip
    look_at(project=home)
    act = home.framework_uses.get(framework__key="eu-ai-act")
    assert stand(act)["aia-9.1"] == Status.NOT_APPLICABLE  # a provider's duty
    assert signed.number == 1


@pytest.mark.parametrize(
    ("changes", "where"), [({"area": "9"}, "area"), ({"misuse": ""}, "misuse"), ({"colour": "red"}, "colour")]
)
def test_a_bad_answer_is_refused_with_its_question(changes, where):
    home = make.project()
    with pytest.raises(Invalid) as no:
        sign_classification(
            project=home, answers=answers(**changes), actor=home.created_by, password=make.PASSWORD
        )

    assert no.value.where == where
    assert not home.classifications.exists()


def test_an_incident_counts_down_from_when_it_was_known():
    home = make.project()
    reviewer, manager = make.member(home, "reviewer"), home.created_by
    known = timezone.now() - dt.timedelta(days=1)
    incident = open_incident(
        project=home, actor=manager, title="Wrong advice", severity="serious", aware_at=known
    )
    assert incident.due_at == known + dt.timedelta(days=15)
    said = {"root_cause": "Drift", "action": "Retrained", "risks_seen": "R4-05 assessed anew"}
    with pytest.raises(Refused):
        close_incident(incident=incident, actor=reviewer, **said)
    report_incident(incident=incident, actor=reviewer, report="Authority, number 12")
    with pytest.raises(PermissionDenied):
        close_incident(incident=incident, actor=manager, **said)

    closed = close_incident(incident=incident, actor=reviewer, **said)

    assert closed.state == Incident.State.CLOSED
    assert closed.left is None


def test_a_review_moves_the_next_one():
    home = make.project()
    owner = home.created_by
    entry = set_inventory(
        project=home, actor=owner, owner=owner, deputy=None, overseer=None, approved_uses=["Promotions"],
        review_every_days=30,
    )  # fmt: skip
    record_review(project=home, actor=owner, kind="system", result="All is well", every_days=90)
    entry.refresh_from_db()

    assert entry.next_review_on == timezone.now().astimezone(dt.UTC).date() + dt.timedelta(days=90)
    with pytest.raises(Invalid):
        set_inventory(
            project=home, actor=owner, owner=owner, deputy=owner, overseer=None, approved_uses=["x"],
            review_every_days=30,
        )  # fmt: skip


def test_the_matrix_takes_the_same_queries_for_three_projects_as_for_one(
    client, live, django_assert_max_num_queries
):
    given, _deployment, use = live
    administrator = make.user(org_role="administrator")
    client.force_login(administrator)
    with django_assert_max_num_queries(12):
        assert client.get("/compliance/").status_code == 200
    for _number in range(2):
        home = make.project()
        begin_use(project=home, framework=use.framework, actor=home.created_by, reason="Also")
        look_at(project=home)
    with django_assert_max_num_queries(12):
        assert b"Our policy" in client.get("/compliance/").content
    assert Deployment.objects.count() == 1
    del given


def test_the_pages_show_what_stands(client, live):
    given, deployment, _use = live
    client.force_login(given.project.created_by)
    base = f"/projects/{given.project.slug}/compliance/"

    assert b"Our policy" in client.get(base).content
    assert b"Live is authorized" in client.get(f"{base}own-policy/").content
    assert str(deployment).encode() in client.get(f"{base}own-policy/p-1/").content
    assert client.get(f"{base}own-policy/p-77/").status_code == 404
    assert b"serves 1 control" in client.get(f"/compliance/records/deployment/{deployment.pk}/").content
    for place in ("classify", "inventory", "incidents"):
        assert client.get(f"/projects/{given.project.slug}/{place}/").status_code == 200
    assert client.get("/inventory/").status_code == 200
    assert client.get("/inventory.csv").content.startswith(b"system,purpose")
    with pytest.raises(Invalid):
        parse_framework([], checks())
