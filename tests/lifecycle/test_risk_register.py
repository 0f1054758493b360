import datetime as dt

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from ledger.models import Entry
from lifecycle.errors import Invalid, Refused
from lifecycle.models import Notice, Phase, Risk
from lifecycle.queries.risk_register import picked_from, risk_register
from lifecycle.rules import MOST_LOOPS
from lifecycle.services.escalations import decide_escalated
from lifecycle.services.measures import choose_measure, finish_measure, start_measure
from lifecycle.services.risks import escalate_risk, refuse_risk
from tests import make

pytestmark = pytest.mark.django_db

LONG = "\u200fمخاطرة 🚕 " * 30


@pytest.fixture
def task():
    return make.task(state="mitigating")


def project_of(task):
    return task.phase.iteration.project


def get(client, user, project, query=""):
    client.force_login(user)
    return client.get(reverse("lifecycle:project-risks", args=[project.slug]) + query)


def post(client, user, name, *args, **values):
    client.force_login(user)
    return client.post(reverse(f"lifecycle:{name}", args=args), values)


def decide(risk, choice, actor=None, **given):
    actor = actor or risk.task.phase.iteration.project.created_by
    return decide_escalated(risk=risk, choice=choice, actor=actor, reason="No method helps", **given)


def actions():
    return list(Entry.objects.order_by("index").values_list("action", flat=True))


def found(project, **asked):
    register = risk_register(project, project.iterations.last(), picked_from(asked))
    return {risk.pk for risk in register.found}


# ---- the limit of loops, and what follows (F13, F30) ----


def test_after_three_loops_above_the_appetite_no_further_measure_is_chosen(task):
    worker, proof = task.owner, make.evidence(task)
    risk = make.risk(task, "assessed")
    for _loop in range(MOST_LOOPS):
        risk = refuse_risk(risk=risk, actor=worker)
        action = choose_measure(risk=risk, method="Q1-01", name="Look again", actor=worker)
        start_measure(action=action, performer=worker, actor=worker)
        finish_measure(action=action, result="failed", evidence=proof, actor=worker)
        risk.refresh_from_db()

    with pytest.raises(Refused) as no:
        refuse_risk(risk=risk, actor=worker)

    assert (no.value.code, risk.loops) == ("loop_limit", 3)
    assert escalate_risk(risk=risk, actor=worker, reason="Three in vain").state == "escalated"


@pytest.mark.parametrize(("loops", "severity"), [(2, 4), (3, 1)])
def test_before_the_limit_and_within_the_appetite_the_loop_goes_on(task, loops, severity):
    risk = make.risk(task, "reassessed", loops=loops, severity=severity)
    assert refuse_risk(risk=risk, actor=task.owner).state == "unacceptable"


def test_at_the_limit_the_page_of_the_task_offers_to_hand_it_on_and_not_another_loop(client, task):
    risk = make.risk(task, "reassessed", loops=3)
    client.force_login(task.owner)
    text = client.get(reverse("lifecycle:task", args=[task.pk])).content.decode()
    assert reverse("lifecycle:risk-act", args=[risk.pk, "escalate"]) in text
    assert reverse("lifecycle:risk-act", args=[risk.pk, "refuse"]) not in text
    assert "lowered 3 times" in text


def test_managers_are_told_of_an_escalated_risk_once(task):
    risk = make.risk(task, "reassessed", loops=3)
    manager = project_of(task).created_by

    escalate_risk(risk=risk, actor=task.owner, reason="Three in vain")

    notice = Notice.objects.get(kind="risk_escalated")
    assert (notice.person, notice.text) == (manager, "Three in vain")
    assert notice.url == reverse("lifecycle:project-risks", args=[project_of(task).slug])


def test_a_manager_bears_an_escalated_risk_until_a_date(task):
    risk = make.risk(task, "escalated")
    with pytest.raises(Invalid) as no:
        decide(risk, "accept")
    assert no.value.where == "until"

    borne = decide(risk, "accept", until=make.tomorrow())

    assert (borne.state, borne.accepted_until) == ("accepted", make.tomorrow())
    assert actions()[-1:] == ["risk.accepted"]


@pytest.mark.parametrize(("choice", "state"), [("hold", "on_hold"), ("stop", "stopped")])
def test_a_manager_halts_the_phase_and_the_risk_waits_on(task, choice, state):
    risk = make.risk(task, "escalated", key="X7")

    assert decide(risk, choice).state == "escalated"

    assert Phase.objects.get(pk=task.phase_id).state == state
    entry = Entry.objects.get(action="phase.decided")
    assert entry.payload.content["detail"]["reason"] == "Risk X7: No method helps"


def test_a_manager_goes_back_to_an_earlier_phase_and_the_risk_is_assessed_anew():
    trip = make.iteration()
    first = make.phase(trip, "P1", "passed")
    task = make.task(make.phase(trip, "P2"), "2.1", "mitigating")
    risk = make.risk(task, "escalated", loops=3)

    again = decide(risk, "reopen", phase=first)

    assert (again.state, again.loops) == ("reopened", 0)
    assert Phase.objects.get(pk=first.pk).state == "reopened"
    assert actions()[-2:] == ["phase.reopened", "risk.reopened"]


@pytest.mark.parametrize("which", ["none", "own", "foreign"])
def test_going_back_needs_an_earlier_phase_of_the_same_iteration(task, which):
    risk = make.risk(task, "escalated")
    phase = {"none": None, "own": task.phase, "foreign": make.phase(make.iteration(), "P1", "passed")}[which]
    before = Entry.objects.count()
    with pytest.raises(Invalid) as no:
        decide(risk, "reopen", phase=phase)
    assert (no.value.where, Entry.objects.count()) == ("phase", before)


def test_only_managers_decide_and_only_about_what_is_escalated(task):
    risk = make.risk(task, "escalated")
    for person in (
        task.owner,
        make.member(project_of(task), "reviewer"),
        make.user(),
        make.user(org_role="auditor"),
    ):
        with pytest.raises(PermissionDenied):
            decide(risk, "hold", actor=person)
    with pytest.raises(Refused) as no:
        decide(make.risk(task, "reassessed"), "hold")
    assert no.value.code == "not_escalated"
    with pytest.raises(Invalid):
        decide(risk, "pray")


# ---- the register ----


def test_the_map_counts_what_was_and_what_is_without_closed_and_unassessed_ones(task):
    project = project_of(task)
    make.risk(task, "reassessed", severity=2, occurrence=2)
    make.risk(task, "accepted", severity=2, occurrence=2)
    make.risk(task, "assessed")
    make.risk(task, "closed", severity=2, occurrence=2)

    register = risk_register(project, task.phase.iteration, picked_from({}))

    cells = {(cell.severity, cell.occurrence): cell for row in register.cells for cell in row}
    assert (cells[2, 2].now, cells[2, 2].before, cells[2, 2].above) == (2, 0, False)
    assert (cells[4, 3].now, cells[4, 3].before, cells[4, 3].harm, cells[4, 3].above) == (1, 3, 1, True)
    assert len(cells) == 25


def test_the_register_is_narrowed_by_the_address(task):
    project, other = project_of(task), make.user()
    soon = timezone.localdate() + dt.timedelta(days=3)
    risks = {
        "open": make.risk(task, "assessed", category="legal", text="A law"),
        "escalated": make.risk(task, "escalated"),
        "ending": make.risk(task, "accepted", severity=2, accepted_by=other, accepted_until=soon),
        "closed": make.risk(task, "closed"),
    }
    given = set(Risk.objects.filter(key="R1-01").values_list("pk", flat=True))
    pk = {name: risk.pk for name, risk in risks.items()}

    assert found(project, show="escalated") == {pk["escalated"]}
    assert found(project, show="above") == {pk["open"], pk["escalated"]}
    assert found(project, show="ending") == found(project, show="accepted") == {pk["ending"]}
    assert found(project, show="closed") == {pk["closed"]}
    assert found(project, show="nonsense") == found(project) == {*pk.values(), *given}
    assert found(project, category="legal") == {pk["open"]}
    assert found(project, q="a LAW") == {pk["open"]}
    assert found(project, now="2x3") == {pk["ending"]}
    assert found(project, before="4x3", show="escalated") == {pk["escalated"]}
    assert found(project, now="9x3") == found(project)
    assert found(project, owner=str(task.owner_id)) >= set(pk.values())
    assert found(project, owner="none") == set()
    assert found(project, phase="P2") == set()


def test_escalated_risks_stand_on_top_with_the_ways_out(client, task):
    risk = make.risk(task, "escalated", text="It falls over")
    text = get(client, project_of(task).created_by, project_of(task)).content.decode()
    assert "1 risk waits for a manager" in text
    assert text.index("It falls over") < text.index("risk-map")
    assert reverse("lifecycle:risk-register-act", args=[project_of(task).slug, risk.pk, "decide"]) in text
    for words in ("Accept it until a date", "earlier phase", "Hold the phase", "Stop the phase"):
        assert words in text


def test_a_manager_accepts_above_the_appetite_with_reason_and_date(client, task):
    project, risk = project_of(task), make.risk(task, "assessed")
    manager = project.created_by
    args = (project.slug, risk.pk, "accept")
    bare = post(client, manager, "risk-register-act", *args, reason="Borne for now")
    assert bare.status_code == 422
    assert "Borne for now" in bare.content.decode()
    sent = {"reason": "Borne for now", "until": make.tomorrow().isoformat()}
    assert post(client, task.owner, "risk-register-act", *args, **sent).status_code == 403
    assert post(client, manager, "risk-register-act", *args, **sent).status_code == 302
    risk.refresh_from_db()
    assert (risk.state, risk.accepted_by, risk.accepted_reason) == ("accepted", manager, "Borne for now")


def test_a_decision_is_sent_from_the_page(client, task):
    project, risk = project_of(task), make.risk(task, "escalated")
    args = (project.slug, risk.pk, "decide")
    assert post(client, project.created_by, "risk-register-act", *args, choice="hold").status_code == 422
    sent = {"choice": "hold", "reason": "Wait for data"}
    assert post(client, project.created_by, "risk-register-act", *args, **sent).status_code == 302
    assert Phase.objects.get(pk=task.phase_id).state == "on_hold"


def test_an_own_risk_gets_the_next_key(client, task):
    project = project_of(task)
    sent = {"task": task.pk, "text": LONG.strip(), "category": "technical"}
    for _again in range(2):
        assert post(client, task.owner, "risk-add", project.slug, **sent).status_code == 302
    assert list(task.risks.filter(key__startswith="X").values_list("key", flat=True)) == ["X1", "X2"]
    text = get(client, task.owner, project).content.decode()
    assert LONG.strip() in text
    bad = post(client, task.owner, "risk-add", project.slug, **{**sent, "text": "tab\x07", "task": 0})
    assert bad.status_code == 422


def test_strangers_find_nothing_and_auditors_read_only(client, task):
    project, risk = project_of(task), make.risk(task, "escalated")
    stranger, auditor = make.user(), make.user(org_role="auditor")
    for person, read, write in ((stranger, 404, 404), (auditor, 200, 403)):
        assert get(client, person, project).status_code == read
        assert post(client, person, "risk-add", project.slug).status_code == write
        for act in ("accept", "decide"):
            answer = post(client, person, "risk-register-act", project.slug, risk.pk, act, choice="hold")
            assert answer.status_code == write
    text = get(client, auditor, project).content.decode().split("<main")[1]
    assert 'method="post"' not in text


def test_a_risk_of_another_project_is_not_reached_through_this_one(client, task):
    other = make.risk(state="escalated")
    manager = project_of(task).created_by
    make.member(other.task.phase.iteration.project, "manager", user=manager)
    answer = post(
        client, manager, "risk-register-act", project_of(task).slug, other.pk, "decide", choice="hold"
    )
    assert answer.status_code == 404
    assert (
        post(
            client, manager, "risk-register-act", project_of(task).slug, make.risk(task).pk, "eat"
        ).status_code
        == 404
    )


def test_a_project_without_an_iteration_has_an_empty_register(client):
    project = make.small_project()
    assert "No risks yet" in get(client, project.created_by, project).content.decode()


def test_the_register_costs_the_same_for_one_risk_and_for_many(client, task, django_assert_max_num_queries):
    counts = []
    for number in (1, 3):
        for state in ("escalated", "assessed", "accepted") * number:
            make.quality_action(make.risk(task, state), performer=make.member(project_of(task)))
        get(client, project_of(task).created_by, project_of(task))
        with django_assert_max_num_queries(25) as seen:
            client.get(reverse("lifecycle:project-risks", args=[project_of(task).slug]))
        counts.append(len(seen))
    assert counts[0] == counts[1], counts
