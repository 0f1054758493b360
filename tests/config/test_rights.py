"""Who gets what at every address: all routes, every method, each role, against the table in `rights.csv`.

The table has a line for each route and method, and a column for each role with the status of the answer;
`login` is the way to the log-in page. Most forms are sent empty: 422 and 400 mean that the person may, and
that the form was not filled in. A route without a line fails; the failure shows the lines as they would be.
Write them into the table after asking of each whether it is right:

    RIGHTS_TABLE=write ./gatebook test tests/config/test_rights.py
"""

import csv
import io
import os
import re
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import get_resolver, reverse
from django.urls.exceptions import NoReverseMatch
from django.utils import timezone

from governance.models import Framework
from governance.services.assurances import assure_control, exclude_control
from governance.services.break_glass import ask_break_glass
from governance.services.compliance import look_at
from governance.services.control_tasks import open_control_task
from governance.services.frameworks import begin_use, load_frameworks
from governance.services.incidents import open_incident
from governance.services.reviews import give_feedback
from ledger.models import Entry
from ledger.publishing import publish_checkpoint
from reports.paths import TilePlace
from tests import make, make_gates
from tests.governance.given import rows

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

TABLE = Path(__file__).with_name("rights.csv")
MEMBERS = ("manager", "contributor", "reviewer", "auditor")
ORGANIZATION = ("administrator", "process_owner", "org_auditor")
ROLES = ("anonymous", "stranger", *MEMBERS, *ORGANIZATION)
AUDITORS = ("auditor", "org_auditor")
# What every person may read about another record than a project's.
DIRECTORY = {
    "lifecycle:person": "the organization's people, by name and role",
    "governance:framework-version": "a law or a policy says nothing of a project",
    "governance:framework-oscal": "a law or a policy says nothing of a project",
}
FIRST = ("anonymous", "manager", *[role for role in ROLES if role not in ("anonymous", "manager")])
# What everybody may reach without a log-in, and why that is right.
PUBLIC = {
    "healthz": "a supervisor asks it",
    "readyz": "a supervisor asks it",
    "api:keys": "whoever verifies needs them, and they are public",
    "governance:verifier": "a program that says nothing of anybody",
    "governance:sign-off-schema": "the form of an attestation, which says nothing of anybody",
    "lifecycle:login": "the door itself",
    "reports:check": "who holds a report may know whether it holds; nothing is kept",
    "reports:verifier": "a program that says nothing of anybody",
    "reports:ledger-checkpoint": "a witness without an account needs it; it says how much, not what",
    "reports:ledger-keys": "public halves of keys",
    "reports:ledger-tile": "hashes, from which nothing can be read",
    "lifecycle:logout": "who is not logged in is logged out already",
    "lifecycle:login-code": "the second half of the door; without the first it leads back",
    "lifecycle:password-choose": "who holds the link of the e-mail is not logged in",
}
# What an auditor asks for although it leaves a job and an entry: it reads, and changes no record of others.
ASKED = {
    "api:admission": "what was asked and answered is kept",
    "api:gate-passes": "what was asked and answered is kept",
    "api:gate-passes-status": "it is signed, and the first signature registers the key",
    "api:gate-attestation": "an attestation is made when it is first asked for",
    "api:gate-checks": "what was asked and answered is kept",
    "governance:what-if": "other criteria are tried on what may be read anyway, and nothing is kept",
    "reports:ledger-verify": "the ledger is recomputed",
    "reports:cancel": "who may ask for a report may also want it no more",
    "api:report-cancel": "who may ask for a report may also want it no more",
    "reports:project-reports": "a report of what the auditor may read anyway",
}
# What is asked for by another method than GET and POST, and why.
BY_PUT = {"api:run-list": "a batch of runs is put as it is, and may be put again"}
# What anybody does to their own account and nothing else; an auditor too.
OWN = re.compile(
    r"lifecycle:(login|logout|profile|password|token|notice|account|absence|language|preference|view|me\b).*"
)
ACTS = {
    "tasks": "start", "risks": "accept", "measures": "start", "handoffs": "offer", "firings": "reject",
    "iterations": "stop", "phases": "start", "requirements": "agree", "tailoring": "exclude",
    "findings": "resolve", "break-glass": "refuse", "incidents": "report", "deployments": "withdraw",
    "control-tasks": "drop",
}  # fmt: skip


def routes(resolver=None, space="", path=""):
    """(name, path) of every address of the site."""
    for pattern in (resolver or get_resolver()).url_patterns:
        here = path + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern, f"{space}{pattern.namespace}:" if pattern.namespace else space, here)
        else:
            yield space + (pattern.name or f"unnamed {here}"), here


@pytest.fixture
def world():
    """One record of each kind in one project, and a person of each role."""
    given = make_gates.authorization()
    project, iteration = given.project, given.gate.iteration
    people = {role: make.member(project, role) for role in MEMBERS}
    people |= {role: make.user(org_role=role.removeprefix("org_")) for role in ORGANIZATION}
    people |= {"stranger": make.user(), "anonymous": None}
    make.phase(iteration, "P2", "in_progress")
    task = make.task(iteration.phases.get(key="P2"), "2.1", owner=people["contributor"])
    risk = make.risk(task)
    deployment = make_gates.deployment(given)
    records = {
        "tasks": task,
        "risks": risk,
        "measures": make.quality_action(make.risk(task, "qa_selected")),
        "handoffs": make.handoff(iteration, giver=people["contributor"], taker=people["reviewer"]),
        "runs": make.run(project),
        "snapshots": make.snapshot(project),
        "data": (version := make.data_version(project)).data_set,
        "versions": version,
        "data-sets": version,
        "registrations": make.registration(project),
        "triggers": make.trigger(project),
        "firings": make.firing(make.trigger(project)),
        "gates": given.gate,
        "evaluations": make_gates.evaluation_of(given.gate),
        "deployments": deployment,
        "findings": make_gates.finding(project),
        **exceptions(given),
        "authorizations": given,
        "process": project.process_version,
        "requirements": make.requirement(project, "draft"),
        "people": people["contributor"],
        "members": project.memberships.get(user=people["contributor"]),
        "iterations": iteration,
        "connectors": make.connector(),
        "plans": (watched := make.monitoring_window(make.monitoring_plan(project))).plan,
        "monitoring-plans": watched.plan,
        "windows": watched,
        **compliance(project),
        "frameworks": Framework.objects.get(key="change-and-access"),
    }
    publish_checkpoint()
    return project, people, records


def compliance(project):
    """What people said of controls, and an incident; the project is measured by change and access."""
    load_frameworks()
    framework = Framework.objects.get(key="change-and-access")
    use = begin_use(project=project, framework=framework, actor=project.created_by, reason="All are")
    look_at(project=project)
    gap = use.standings.filter(status="not_started").exclude(control="change-approved-before-release").first()
    phase = project.iterations.get().phases.get(key="P2")
    return {
        "control-tasks": open_control_task(
            use=use, control=gap.control, actor=project.created_by, owner=project.created_by,
            due_on=make.tomorrow(), place=phase,
        ),
        "control-exclusions": exclude_control(
            use=use, control="change-change-managed", actor=project.created_by, reason="No cost"
        ),
        "assurances": assure_control(
            use=use, control="change-tested-before-release", actor=project.created_by, password=make.PASSWORD,
            statement="There are tests", expires_on=timezone.now().date(),
        ),
        "incidents": open_incident(
            project=project, actor=project.created_by, title="Odd", severity="serious",
            aware_at=timezone.now(),
        ),
    }  # fmt: skip


def exceptions(given):
    """A waiver, a condition, a request for changes and an emergency of this project."""
    other = make_gates.unmet_gate()
    bound = make_gates.condition(other)
    records = {
        "waivers": make_gates.waiver(other),
        "conditions": bound,
        "feedback": give_feedback(gate=other, actor=bound.owner, grade="minor", text="Odd"),
    }
    for record in records.values():
        type(record).objects.filter(pk=record.pk).update(gate=given.gate)
        record.gate = given.gate
    glass = ask_break_glass(
        project=given.project, actor=make.member(given.project), model_version=given.model_version,
        environment="test", reason="Down", hours=1,
    )  # fmt: skip
    return {**records, "break-glass": glass}


def address_of(name, path, project, records):
    """An address of this route that exists where there is such a record; None for what has no name."""
    segments = re.findall(r"([a-z-]+)/(?:\(\?P)?<(?:int:|slug:|str:)?(pk|number|key|order|index)\b", path)
    values = {
        "slug": project.slug,
        "key": "P2",
        "order": 1,
        "index": 1,
        "number": 1,
        "part": "tasks",
        "kind": "model",
        "pk": 999_999,
        "level": 0,
        "place": TilePlace(0, 1),
        "control_id": "change-approved-before-release",
    }
    for segment, what in segments:
        kind = "members" if segment == "people" and path.startswith("projects/") else segment
        if what == "pk" and kind in records:
            values["pk"] = records[kind].pk
        if what == "key" and segment == "gates":
            values["key"] = "G2"
        if what == "key" and segment in ("compliance", "frameworks"):
            values["key"] = "change-and-access"
    if "oscal/<" in path:
        values["kind"] = "assessment-results"
    if path.startswith("compliance/records"):
        values |= {"kind": "deployment", "pk": records["deployments"].pk}
    actors = [part for part in re.findall(r"([a-z-]+)/(?:<[^>]+>/)*<slug:act>", path) if part in ACTS]
    values["act"] = ACTS[actors[-1]] if actors else "start"
    asked = re.findall(r"<(?:\w+:)?(\w+)>", path)
    return reverse(name, kwargs={key: values.get(key, "x") for key in asked})


def ask(client, method, address, data, before):
    """The status of the answer and which records it changed, the ledger's among them; then undone."""
    cookies, written = client.cookies.copy(), []

    def watch(execute, sql, params, many, context):
        if sql.startswith(("INSERT", "UPDATE", "DELETE", "WITH")) and "django_session" not in sql:
            written.append(sql)
        return execute(sql, params, many, context)

    with transaction.atomic():
        with connection.execute_wrapper(watch):
            if method == "POST" and address.startswith("/api/"):
                answer = client.post(address, data, content_type="application/json")
            elif method == "POST":
                answer = client.post(address, data)
            else:
                answer = client.generic(method, address)
        # What was written may have been taken back by a refusal: only then is it worth a look at every row.
        found = rows() | {"entries": Entry.objects.count()} if written and before else {}
        transaction.set_rollback(True)
    client.cookies = cookies  # a log-out is undone too
    changed = [label for label, values in found.items() if values != before[label]]
    to_login = answer.status_code == 302 and answer.url.startswith(f"{reverse('lifecycle:login')}?next=")
    return ("login" if to_login else str(answer.status_code)), changed


def filled(records):
    """What makes those forms complete that are judged for their content before anybody's rights are."""
    given, finding = records["authorizations"], records["findings"]
    return {
        "governance:gate-sign": {
            "digest": records["evaluations"].digest, "decision": "approve", "meaning": "approval",
            "password": make.PASSWORD,
        },
        "governance:gate-refuse": {"refuse-reason": "Because"},
        "governance:gate-withdraw": {"withdraw-reason": "Because"},
        "governance:deployment-record": {
            "model_version": given.model_version_id, "environment": "production",
        },
        "governance:deployment-act": {"withdraw-reason": "Because"},
        "governance:finding-open": {"finding-title": "Odd", "finding-severity": "low"},
        "governance:finding-act": {f"resolve-{finding.pk}-settlement": "Done"},
        "governance:glass-ask": {
            "glass-model_version": given.model_version_id, "glass-environment": "staging",
            "glass-hours": 1, "glass-reason": "Down",
        },
        "governance:feedback-give": {"feedback-grade": "fine"},
        "governance:gate-step-back": {"back-reason": "Because"},
        "governance:feedback-settle": {f"answer-{records['feedback'].pk}-answer": "So"},
        "governance:condition-fulfil": {f"fulfil-{records['conditions'].pk}-note": "Done"},
        "governance:condition-propose": {
            "condition-text": "Measure", "condition-owner": records["people"].pk,
            "condition-due_on": "2030-01-01",
        },
        "governance:waiver-grant": {"digest": "0" * 64, "password": make.PASSWORD},
        "governance:waiver-refuse": {"refuse-reason": "Because"},
        "governance:waiver-revoke": {"revoke-reason": "Because"},
        **{
            f"governance:authorization-{move}": {f"{move}-reason": "Because"}
            for move in ("suspend", "resume", "withdraw")
        },
    }  # fmt: skip


def observed(world):
    """(route, method) -> role -> status, and what is wrong whatever the table says."""
    project, people, records = world
    clients = {role: Client(raise_request_exception=False) for role in ROLES}
    for role, person in people.items():
        if person is not None:
            clients[role].force_login(person)
    before = rows() | {"entries": Entry.objects.count()}
    table, faults, forms = {}, [], filled(records)
    for name, path in sorted(routes()):
        try:
            address = address_of(name, path, project, records)
        except NoReverseMatch as no:
            faults.append(f"{name}: no address: {no}")
            continue
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            asked = method in ("GET", "POST")
            line = {}
            for role in FIRST if asked else ("manager",):
                if role not in FIRST[:2] and line["manager"] == "405":
                    line[role] = "405"  # the method is not known here, whoever asks
                    continue
                # A reading that changes something, or a change by somebody who may not, is a fault.
                watched = role == "manager" if method == "GET" else asked and role in (*AUDITORS, "anonymous")
                line[role], changed = ask(
                    clients[role], method, address, forms.get(name, {}), before if watched else None
                )
                left = {"lifecycle.Job", "governance.GateAsk", "entries"} if name in ASKED else set()
                if set(changed) - left and not OWN.match(name):
                    faults.append(f"{method} {name} by {role} changed {changed}")
                if line[role] == "500":
                    faults.append(f"{method} {name} by {role} is an error")
            if asked:
                table[name, method] = line
            elif (
                name not in PUBLIC
                and not (method == "PUT" and name in BY_PUT)
                and not OWN.match(name)
                and set(line.values()) - {"405", "403", "401", "404", "login"}
            ):
                faults.append(f"{method} {name} is answered: {line}")
    return table, faults


def read_table():
    with TABLE.open(newline="") as file:
        return {(line.pop("route"), line.pop("method")): line for line in csv.DictReader(file)}


def as_text(table):
    said = io.StringIO()
    writer = csv.DictWriter(said, ["route", "method", *ROLES], lineterminator="\n")
    writer.writeheader()
    for (route, method), line in sorted(table.items()):
        writer.writerow({"route": route, "method": method, **line})
    return said.getvalue()


def test_every_route_answers_every_role_as_the_table_says(world):
    found, faults = observed(world)
    if os.environ.get("RIGHTS_TABLE") == "write":
        TABLE.write_text(as_text(found))

    wanted = read_table()

    other = {key: line for key, line in found.items() if wanted.get(key) != line}
    gone = sorted(set(wanted) - set(found))
    assert not faults, "\n".join(faults)
    assert not other, "Not as in rights.csv:\n" + as_text(other)
    assert not gone, f"In rights.csv but no route: {gone}"


@pytest.mark.parametrize("role", AUDITORS)
def test_the_table_lets_auditors_read_and_change_nothing(role):
    for (route, method), line in read_table().items():
        if (route, role) == ("lifecycle:project-new", "auditor"):
            continue  # an auditor of one project may begin another
        if method == "POST" and not OWN.match(route) and route not in PUBLIC | ASKED:
            # The API reads what was sent before it looks for the project that it is about.
            unread = {"400"} if route.startswith("api:") else set()
            assert line[role] in {"403", "404", "405"} | unread, (route, line[role])


def test_the_table_keeps_those_out_who_have_no_log_in():
    for (route, method), line in read_table().items():
        if route not in PUBLIC:
            assert line["anonymous"] in ("login", "401", "403", "404", "405"), (
                route,
                method,
                line["anonymous"],
            )


def test_the_table_hides_projects_from_strangers():
    about = {
        name
        for name, path in routes()
        if re.search(r"<(slug|int):(slug|pk)>", path) and "process" not in path
    }
    for (route, method), line in read_table().items():
        if route in about and route not in DIRECTORY:
            unread = {"400"} if (route, method) == ("api:project-events", "POST") else set()
            assert line["stranger"] in {"403", "404", "405"} | unread, (route, method, line["stranger"])
