"""Two whole journeys in a real browser: a decision with its report, and a process from draft to firing."""

import json

import pikepdf
import pytest
from django.urls import reverse

import reports.tasks  # noqa: F401  # the handlers of the outbox, as a worker has them
from governance.models import Authorization
from ledger.models import Entry
from ledger.verification import verify
from lifecycle.models import Firing, Handoff, Job, ProcessVersion, Project, Task, Trigger
from lifecycle.services import outbox
from lifecycle.services.schedules import run_due_schedules
from tests import make, make_gates

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


def log_in(page, person, address="/inbox/"):
    page.context.clear_cookies()
    page.goto(address)
    page.get_by_label("Username").fill(person.username)
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**{address}")


def press(page, name, scope=None):
    (scope or page).get_by_role("button", name=name, exact=True).click()


def ledger_says(project):
    return list(Entry.objects.filter(project=project.slug).order_by("index").values_list("action", flat=True))


@pytest.mark.any_database
def test_a_reviewer_signs_a_gate_and_an_auditor_takes_the_report_along(page, tmp_path):
    home = make_gates.project()
    first, second = make.member(home, "reviewer"), make.member(home, "reviewer")
    auditor = make.member(home, "auditor")
    gate = make_gates.gate(home)
    make_gates.evaluation(gate)

    for reviewer in (first, second):
        log_in(page, reviewer)
        page.get_by_role("link", name="Read and sign").click()
        page.get_by_role("radio", name="Approve").check()
        page.get_by_label("Your password, again").fill(make.PASSWORD)
        press(page, "Sign with this decision")
        page.get_by_text("Your name stands under this gate").wait_for()
        page.goto("/inbox/")
        page.get_by_role("heading", name="Nothing waits for you").wait_for()
    gate.refresh_from_db()
    assert gate.state == "passed"
    assert Authorization.objects.get().gate == gate

    log_in(page, auditor, reverse("reports:project-reports", args=[home.slug]))
    press(page, "Make the report")
    page.get_by_role("table").wait_for()
    assert outbox.deliver(Job.objects.get(task="reports.render").pk)
    with page.expect_download() as taken:  # the page asks every two seconds whether it is done
        page.get_by_role("link", name="Download").click()
    file = tmp_path / taken.value.suggested_filename
    taken.value.save_as(file)

    assert file.read_bytes().startswith(b"%PDF")
    with pikepdf.open(file) as pdf:
        assert pdf.Root.MarkInfo.Marked
        assert "/StructTreeRoot" in pdf.Root
        facts = json.loads(pdf.attachments["evidence.json"].get_file().read_bytes())
    assert gate.signoffs.first().digest in json.dumps(facts)


def draft_a_process(page):
    """Begin with CRISP-ML(Q), change two triggers and publish."""
    page.goto(reverse("lifecycle:process"))
    page.get_by_role("link", name="New draft").first.click()
    page.get_by_label("Begin with").select_option("catalogue")
    press(page, "Begin the draft")
    page.wait_for_url("**/edit/")
    version = ProcessVersion.objects.latest("pk")
    for key, label, value in (("T-01", "Action", "notify"), ("T-02", "Starts by itself, or asks", "ask")):
        page.goto(reverse("lifecycle:process-draft-change", args=[version.pk, "triggers", key]))
        page.get_by_label(label).select_option(value)
        press(page, "Save")
        page.get_by_text("The draft is changed.").wait_for()
    page.goto(reverse("lifecycle:process-publish", args=[version.pk]))
    press(page, "Publish for good")
    page.get_by_text("is published.").wait_for()
    return version


def begin_a_project(page, version):
    page.goto(reverse("lifecycle:project-new"))
    page.get_by_label("Name", exact=True).fill("Route finder")
    page.get_by_label("Short name").fill("routes")
    page.get_by_label("Process").select_option(str(version.pk))
    press(page, "Create the project")
    page.get_by_text("The project is created.").wait_for()
    return Project.objects.get(slug="routes")


def add_person(page, person, role, *codes):
    form = page.locator("#add-panel, section:has(> .panel-head:has-text('Add somebody'))").first
    form.get_by_label("Person").select_option(str(person.pk))
    form.get_by_label("Role in the project").select_option(role)
    for code in codes:
        form.locator(f"input[value={code}]").check()
    press(page, "Add to the project", form)
    page.get_by_text("The person belongs to the project now.").wait_for()


def begin_the_work(page, project):
    """Open an iteration and start its first phase, which plans the first handoffs."""
    page.goto(reverse("lifecycle:project-tasks", args=[project.slug]))
    page.get_by_label("Title").fill("First trip")
    page.get_by_label("Why now").fill("The drivers asked for it.")
    press(page, "Open an iteration")
    page.get_by_text("The iteration is open.").wait_for()
    press(page, "Start the phase")
    page.get_by_text("The phase has begun.").wait_for()


def assign(page, project, key, owner, accountable):
    page.goto(reverse("lifecycle:project-ownership", args=[project.slug]))
    task = Task.objects.get(phase__iteration__project=project, key=key)
    page.locator(f"input[name=tasks][value='{task.pk}']").check()
    page.locator("#assign-form").get_by_label("Does it").select_option(str(owner.pk))
    page.locator("#assign-form").get_by_label("Answers for it").select_option(str(accountable.pk))
    press(page, "Assign them")
    page.get_by_text("The tasks are assigned.").wait_for()
    task.refresh_from_db()
    assert (task.owner, task.accountable) == (owner, accountable)


def offer(page, handoff):
    page.goto(reverse("lifecycle:handoff", args=[handoff.pk]))
    for field in page.get_by_label("or where to find it").all():
        field.fill("https://example.org/brief/1")
    press(page, "Offer it")
    page.get_by_text("The handoff is on offer.").wait_for()


def test_a_manager_goes_from_an_empty_site_to_a_process_that_runs(page):
    manager = make.user(name="Marta Ibsen", org_role="process_owner")
    scientist = make.user(name="Lena Vogt")
    log_in(page, manager, "/")
    version = draft_a_process(page)
    project = begin_a_project(page, version)
    add_person(page, scientist, "contributor", "DS")
    people = page.get_by_role("row", name=manager.name)
    people.locator("summary", has_text="Change roles").click()
    people.locator("input[value=PO]").check()
    press(page, "Change roles", people)
    page.get_by_text("The roles are changed.").wait_for()
    begin_the_work(page, project)
    assign(page, project, "1.1", scientist, manager)

    handoff = Handoff.objects.get(iteration__project=project, key="H-01")
    assert (handoff.giver, handoff.taker) == (manager, scientist)
    offer(page, handoff)
    log_in(page, scientist)
    page.get_by_role("link", name=f"Check and accept {handoff}").click()
    page.locator("summary", has_text="Return").click()
    page.get_by_label("Reason").fill("It does not say who the users are.")
    press(page, "Return it")
    page.get_by_text("The handoff is returned.").wait_for()

    log_in(page, manager)
    page.get_by_text("It does not say who the users are.").wait_for()
    offer(page, handoff)
    log_in(page, scientist, reverse("lifecycle:handoff", args=[handoff.pk]))
    for criterion in handoff.criteria.all():
        page.get_by_role("button", name=f"Tick {criterion.text}").click()
        page.get_by_role("button", name=f"Take back {criterion.text}").wait_for()
    press(page, "Accept")
    page.get_by_text("The handoff is accepted.").wait_for()

    calendar = Trigger.objects.get(project=project, key="T-02")
    run_due_schedules(calendar.next_due_at or project.created_at)
    calendar.refresh_from_db()
    [fired] = run_due_schedules(calendar.next_due_at)
    log_in(page, manager)
    page.get_by_role("link", name=f"Decide {fired.summary}").click()
    page.locator("summary", has_text="Reject").click()
    page.get_by_label("Reason").fill("There is nothing to train yet.")
    press(page, "Reject it")
    page.get_by_text("The firing is rejected.").wait_for()
    page.goto(reverse("lifecycle:project-triggers", args=[project.slug]))
    by_hand = page.get_by_role("row", name="On demand")
    by_hand.locator("summary").click()
    by_hand.get_by_label("Reason").fill("Tell everybody that we begin.")
    press(page, "Fire by hand", by_hand)
    page.get_by_text("On demand: Tell everybody that we begin.").first.wait_for()
    states = dict(Firing.objects.values_list("trigger__key", "state"))
    assert states == {"T-02": "rejected", "T-01": "started"}

    page.goto("/")
    assert page.get_by_role("row", name="Route finder").is_visible()
    said = ledger_says(project)
    wanted = [
        "project.created", "member.added", "iteration.opened", "phase.started", "task.assigned",
        "handoff.offered", "handoff.returned", "handoff.accepted", "trigger.fired",
    ]  # fmt: skip
    assert [each for each in wanted if each not in said] == []
    page.goto(f"{reverse('reports:ledger')}?project={project.slug}")
    assert page.get_by_role("cell", name="handoff.returned").is_visible()
    assert verify().intact
