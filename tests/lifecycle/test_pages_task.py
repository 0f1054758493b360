import pytest
from django.urls import reverse

from ledger.models import Entry
from lifecycle.models import Evidence, Iteration, Phase, QualityAction, Risk, Task
from tests import make

pytestmark = pytest.mark.django_db


def given_project(**fields):
    """A small project at work, with one person in each role."""
    home = make.small_project(**fields)
    people = {role: make.member(home, role) for role in ("contributor", "reviewer", "auditor")}
    people |= {
        "manager": home.created_by,
        "stranger": make.user(),
        "org_auditor": make.user(org_role="auditor"),
    }
    trip = make.iteration(home)
    return home, trip, people


def given_task(state="planned", **fields):
    _home, trip, people = given_project()
    phase = make.phase(trip)
    task = make.task(phase, state=state, owner=people["contributor"], **fields)
    return task, people


def page(client, user, address):
    client.force_login(user)
    return client.get(address)


def act(client, user, name, *args, **values):
    client.force_login(user)
    return client.post(reverse(f"lifecycle:{name}", args=args), values)


def test_anonymous_people_are_sent_to_the_log_in(client):
    task, _people = given_task()
    for address in (reverse("lifecycle:task", args=[task.pk]), reverse("lifecycle:inbox")):
        answer = client.get(address)
        assert answer.status_code == 302
        assert answer.url.startswith(reverse("lifecycle:login"))


def test_a_stranger_finds_no_task(client):
    task, people = given_task()
    assert page(client, people["stranger"], reverse("lifecycle:task", args=[task.pk])).status_code == 404
    assert act(client, people["stranger"], "task-act", task.pk, "start").status_code == 404


def test_a_member_sees_what_is_asked_and_what_is_missing(client):
    task, people = given_task()
    answer = page(client, people["contributor"], reverse("lifecycle:task", args=[task.pk]))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Shows it" in text
    assert "It can be started." in text
    assert "It breaks" in text


def test_auditors_see_a_task_without_buttons_and_cannot_act(client):
    task, people = given_task()
    for who in ("auditor", "org_auditor"):
        answer = page(client, people[who], reverse("lifecycle:task", args=[task.pk]))
        assert answer.status_code == 200
        assert f"/tasks/{task.pk}/start/" not in answer.content.decode()
        for name in ("start", "assign", "verify", "document", "reopen"):
            assert act(client, people[who], "task-act", task.pk, name).status_code == 403


def test_getting_a_step_is_not_allowed(client):
    task, people = given_task()
    answer = page(client, people["manager"], reverse("lifecycle:task-act", args=[task.pk, "start"]))
    assert answer.status_code == 405


def test_an_unknown_step_is_not_found(client):
    task, people = given_task()
    assert act(client, people["manager"], "task-act", task.pk, "explode").status_code == 404


def test_starting_a_task_makes_one_ledger_entry(client):
    task, people = given_task()
    before = Entry.objects.count()
    answer = act(client, people["contributor"], "task-act", task.pk, "start")
    task.refresh_from_db()
    assert answer.status_code == 302
    assert task.state == Task.State.INSTANTIATED
    assert Entry.objects.count() == before + 1


def test_a_step_that_the_state_forbids_is_said_on_the_page(client):
    task, people = given_task(state="verified")
    answer = act(client, people["contributor"], "task-act", task.pk, "start")
    assert answer.status_code == 422
    assert "Not done." in answer.content.decode()


def test_what_was_typed_stays_when_a_service_refuses(client):
    task, people = given_task(state="instantiated")
    answer = act(
        client, people["contributor"], "task-act", task.pk, "document", kind="REV", title="Mine", text=""
    )
    text = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="Mine"' in text
    assert "<details" in text
    assert " open>" in text


def test_a_document_is_frozen_and_attached_together(client):
    task, people = given_task(state="instantiated")
    answer = act(
        client,
        people["contributor"],
        "task-act",
        task.pk,
        "document",
        kind="REV",
        title="Review",
        text="Fine.",
    )
    evidence = Evidence.objects.get(task=task)
    assert answer.status_code == 302
    assert evidence.snapshot.kind == "REV"
    assert '"text":"Fine."' in evidence.snapshot.content


def test_a_refused_attachment_freezes_nothing(client):
    task, people = given_task(state="planned")
    answer = act(
        client,
        people["contributor"],
        "task-act",
        task.pk,
        "document",
        kind="REV",
        title="Review",
        text="Fine.",
    )
    assert answer.status_code == 422
    assert not task.phase.iteration.project.snapshots.exists()


def test_a_finished_run_of_the_iteration_is_attached(client):
    task, people = given_task(state="risks_accepted", evidence_kinds=["TRN"])
    run = make.run(task.phase.iteration.project, iteration=task.phase.iteration)
    answer = act(client, people["contributor"], "task-act", task.pk, "attach", run=run.pk)
    task.refresh_from_db()
    assert answer.status_code == 302
    assert task.state == Task.State.EVIDENCE_ATTACHED


def test_a_run_of_another_project_cannot_be_chosen(client):
    task, people = given_task(state="risks_accepted")
    answer = act(client, people["contributor"], "task-act", task.pk, "attach", run=make.run().pk)
    assert answer.status_code == 422


def test_who_did_not_do_the_work_verifies_it(client):
    task, people = given_task(state="evidence_attached", evidence_kinds=["TRN"])
    make.evidence(task)
    own = page(client, people["contributor"], reverse("lifecycle:task", args=[task.pk])).content.decode()
    assert "/verify/" not in own
    assert "nobody verifies their own work" in own
    assert (
        "/verify/"
        in page(client, people["reviewer"], reverse("lifecycle:task", args=[task.pk])).content.decode()
    )
    assert act(client, people["contributor"], "task-act", task.pk, "verify").status_code == 403
    assert act(client, people["reviewer"], "task-act", task.pk, "verify").status_code == 302
    task.refresh_from_db()
    assert task.verified_by == people["reviewer"]


def test_rejecting_evidence_needs_a_reason(client):
    task, people = given_task(state="evidence_attached")
    make.evidence(task)
    assert act(client, people["reviewer"], "task-act", task.pk, "reject", reason=" ").status_code == 422
    assert (
        act(client, people["reviewer"], "task-act", task.pk, "reject", reason="Wrong data.").status_code
        == 302
    )
    assert Evidence.objects.get(task=task).state == Evidence.State.REJECTED


def test_a_risk_is_taken_through_its_loop_on_the_page(client):
    task, people = given_task(state="risks_identified", evidence_kinds=["TRN"])
    evidence, risk = make.evidence(task), task.risks.get()
    who = people["contributor"]
    assert act(client, who, "risk-act", risk.pk, "assess", severity=4, occurrence=3).status_code == 302
    assert act(client, who, "risk-act", risk.pk, "refuse").status_code == 302
    assert act(client, who, "risk-act", risk.pk, "measure", method="Q1-01").status_code == 302
    action = QualityAction.objects.get(risk=risk)
    assert action.name == "Look again"
    assert act(client, who, "measure-act", action.pk, "begin", performer=who.pk).status_code == 302
    done = act(
        client, who, "measure-act", action.pk, "finish", result="passed", severity=2, occurrence=2,
        evidence=evidence.pk,
    )  # fmt: skip
    assert done.status_code == 302
    assert act(client, who, "risk-act", risk.pk, "accept").status_code == 302
    assert act(client, who, "task-act", task.pk, "accept-risks").status_code == 302
    risk.refresh_from_db()
    task.refresh_from_db()
    assert (risk.state, risk.score, task.state) == (Risk.State.ACCEPTED, 4, Task.State.EVIDENCE_ATTACHED)


def test_a_wrong_score_is_said_at_its_field(client):
    task, people = given_task(state="risks_identified")
    risk = task.risks.get()
    answer = act(client, people["contributor"], "risk-act", risk.pk, "assess", severity=9, occurrence=3)
    assert answer.status_code == 422
    assert "field-error" in answer.content.decode()


def test_a_risk_above_the_appetite_asks_the_manager_for_a_date(client):
    task, people = given_task(state="risks_identified")
    risk = make.risk(task, "assessed")
    assert act(client, people["contributor"], "risk-act", risk.pk, "accept").status_code == 403
    refused = act(client, people["manager"], "risk-act", risk.pk, "accept", reason="We live with it.")
    assert refused.status_code == 422
    assert "until a date" in refused.content.decode()
    accepted = act(
        client,
        people["manager"],
        "risk-act",
        risk.pk,
        "accept",
        reason="Yes.",
        until=make.tomorrow().isoformat(),
    )
    assert accepted.status_code == 302


def test_a_stranger_finds_no_risk_and_no_measure(client):
    task, people = given_task(state="mitigating")
    action = make.quality_action(make.risk(task, "qa_selected"))
    assert act(client, people["stranger"], "risk-act", action.risk_id, "assess").status_code == 404
    assert act(client, people["stranger"], "measure-act", action.pk, "begin").status_code == 404
    assert act(client, people["org_auditor"], "measure-act", action.pk, "begin").status_code == 403


def test_the_manager_assigns_and_others_may_not(client):
    task, people = given_task()
    sent = {"owner": people["reviewer"].pk, "due_on": make.tomorrow().isoformat()}
    assert act(client, people["contributor"], "task-act", task.pk, "assign", **sent).status_code == 403
    assert act(client, people["manager"], "task-act", task.pk, "assign", **sent).status_code == 302
    task.refresh_from_db()
    assert (task.owner, task.due_on) == (people["reviewer"], make.tomorrow())


def test_the_number_of_queries_of_a_task_does_not_grow(client, django_assert_max_num_queries):
    task, people = given_task(state="mitigating")
    address = reverse("lifecycle:task", args=[task.pk])
    client.force_login(people["manager"])

    def count():
        with django_assert_max_num_queries(26) as found:
            assert client.get(address).status_code == 200
        return len(found)

    make.quality_action(make.risk(task, "qa_selected"))
    make.evidence(task)
    first = count()
    for _each in range(2):
        make.quality_action(make.risk(task, "qa_selected"))
        make.evidence(task)
        make.run(task.phase.iteration.project, iteration=task.phase.iteration)
    assert count() <= first


def test_tasks_are_listed_by_phase_and_narrowed_by_the_address(client):
    task, people = given_task(state="verified")
    home = task.phase.iteration.project
    address = reverse("lifecycle:project-tasks", args=[home.slug])
    everything = page(client, people["contributor"], address).content.decode()
    assert "Task 1.1" in everything
    assert "Task 2.1" in everything
    narrowed = page(client, people["contributor"], f"{address}?phase=P1&state=verified").content.decode()
    assert "Task 1.1" in narrowed
    assert "Task 1.2" not in narrowed
    assert "Task 2.1" not in narrowed
    unowned = page(client, people["contributor"], f"{address}?owner=none").content.decode()
    assert "Task 1.1" not in unowned
    assert page(client, people["contributor"], f"{address}?iteration=7").status_code == 404
    assert page(client, people["stranger"], address).status_code == 404


def test_the_number_of_queries_of_the_list_does_not_grow(client, django_assert_max_num_queries):
    task, people = given_task()
    home = task.phase.iteration.project
    client.force_login(people["manager"])
    with django_assert_max_num_queries(15):
        client.get(reverse("lifecycle:project-tasks", args=[home.slug]))


def test_a_manager_moves_a_phase_on(client):
    home, trip, people = given_project()
    args = (home.slug, 1, "P1")
    assert act(client, people["contributor"], "phase-act", *args, "start").status_code == 403
    assert act(client, people["manager"], "phase-act", *args, "start").status_code == 302
    assert act(client, people["manager"], "phase-act", *args, "agree").status_code == 302
    assert Phase.objects.get(iteration=trip, key="P1").state == Phase.State.IN_PROGRESS
    refused = act(client, people["contributor"], "phase-act", *args, "review")
    assert refused.status_code == 422
    assert "1.1" in refused.content.decode()
    assert act(client, people["stranger"], "phase-act", *args, "start").status_code == 404


def test_the_second_phase_waits_for_the_first(client):
    home, _trip, people = given_project()
    answer = act(client, people["manager"], "phase-act", home.slug, 1, "P2", "start")
    assert answer.status_code == 422
    assert "is not passed yet" in answer.content.decode()


def test_an_iteration_is_stopped_with_a_reason_and_the_next_one_opened(client):
    home, trip, people = given_project()
    assert act(client, people["manager"], "iteration-act", home.slug, 1, "stop").status_code == 422
    assert (
        act(client, people["manager"], "iteration-act", home.slug, 1, "stop", reason="No data.").status_code
        == 302
    )
    sent = {"title": "Again", "reason": "Now there is data", "start_phase": "P2"}
    assert act(client, people["auditor"], "iteration-open", home.slug, **sent).status_code == 403
    assert act(client, people["manager"], "iteration-open", home.slug, **sent).status_code == 302
    again = Iteration.objects.get(project=home, number=2)
    assert again.start_phase == "P2"
    assert act(client, people["manager"], "iteration-open", home.slug, **sent).status_code == 422
    trip.refresh_from_db()
    assert trip.state == Iteration.State.STOPPED


def test_long_and_foreign_names_are_shown_whole(client):
    name = "Ö" * 290 + "🍕 نص"
    task, people = given_task(name=name)
    assert (
        name
        in page(client, people["contributor"], reverse("lifecycle:task", args=[task.pk])).content.decode()
    )
