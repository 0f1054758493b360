"""The process document: what a team shows when it is asked how it does its work."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from reports.charts.drawings import phase_path
from reports.documents import Answer, LifecycleReport
from reports.papers.answers import concluded, judged, listed
from reports.papers.blocks import Drawing, Paper, Part, Table
from reports.papers.common import CODE, TEXT, column, ledger_part, of_project, renamed


def process_document(report: LifecycleReport, document: Mapping[str, Any]) -> Paper:
    """The process version that a project follows, with the project's people. `document` is its definition."""
    roles = {role["code"]: role["name"] for role in document.get("roles", [])}
    answers = _answers(report, document)
    process = report.process
    return of_project(
        report,
        report_id=renamed(report, "PD"),
        kind="process",
        name=_("Process document"),
        title=_("How %(project)s is made and kept") % {"project": report.project.name},
        subtitle=document.get("summary", ""),
        verdict=concluded(answers, good=_("Yes. Every piece of work has an owner, a receiver and a gate.")),
        answers=answers,
        facts=(
            (_("Process"), _("%(name)s, version %(n)s") % {"name": process.name, "n": process.version}),
            (_("Process digest"), process.digest),
        ),
        picture=_path(report),
        parts=(
            Part(
                id="phases",
                title=_("Phases and stages"),
                answer=_("%(n)d phases, each closed by a gate or by its last task.")
                % {"n": len(process.phases)},
                blocks=(_phases(report),),
                runon=False,
            ),
            Part(
                id="ownership",
                title=_("Ownership"),
                answer=_("Who does each piece of work, and who answers for it."),
                blocks=(_people(report), _duties(report)),
            ),
            Part(
                id="tasks",
                title=_("Tasks"),
                answer=_("What is done in each phase, by which role, and what proves it."),
                blocks=(_tasks(document, roles),),
            ),
            Part(
                id="handoffs",
                title=_("Handoffs"),
                answer=_("What passes from one role to another, and when the receiver takes it."),
                blocks=(_handoffs(document, roles),),
            ),
            Part(
                id="triggers",
                title=_("Triggers"),
                answer=_("When the work begins again, and where."),
                blocks=(_triggers(document),),
            ),
            Part(
                id="gates",
                title=_("Gates"),
                answer=_("What must hold before the work goes on, and how many sign."),
                blocks=(_gates(document, roles), _criteria(document)),
            ),
            ledger_part(
                _("The process version is named by its digest; a published version never changes."), report
            ),
        ),
    )


def _path(report: LifecycleReport) -> Drawing | None:
    phases = report.process.phases
    if not phases:
        return None
    names = ", ".join(phase.name for phase in phases)
    return Drawing(
        name="path",
        svg=phase_path(phases, report.iterations),
        alt=_("Phases: %(names)s.") % {"names": names},
        conclusion=_("The path, and how often the project has walked it."),
        note=_("Below the phases, each iteration with the state of each phase."),
    )


def _phases(report: LifecycleReport) -> Table:
    return Table(
        name="phases",
        caption=_("Phases in order"),
        columns=(
            column("number", _("No."), TEXT, 12),
            column("name", _("Phase")),
            column("stages", _("Stages"), TEXT, 60),
            column("tasks", _("Tasks"), TEXT, 16),
            column("gate", _("Gate"), TEXT, 18),
        ),
        rows=tuple(
            (str(p.number), p.name, ", ".join(p.stages), str(p.tasks), p.gate or "–")
            for p in report.process.phases
        ),
        empty=_("The process has no phase."),
        head=1,
    )


def _people(report: LifecycleReport) -> Table:
    return Table(
        name="people",
        caption=_("People and their roles"),
        columns=(column("name", _("Person"), TEXT, 60), column("roles", _("Roles"))),
        rows=tuple((p.name, ", ".join(p.roles)) for p in report.people),
        empty=_("Nobody belongs to the project yet."),
    )


def _duties(report: LifecycleReport) -> Table:
    names = {person.key: person.name for person in report.people}

    def said(keys: tuple[str, ...]) -> str:
        return ", ".join(names.get(key, key) for key in keys) or "–"

    return Table(
        name="duties",
        caption=_("Who does what"),
        columns=(
            column("phase", _("Ph."), TEXT, 9),
            column("work", _("Work")),
            column("responsible", _("Does it"), TEXT, 30),
            column("accountable", _("Answers for it"), TEXT, 30),
            column("consulted", _("Is asked"), TEXT, 27),
            column("informed", _("Is told"), TEXT, 27),
        ),
        rows=tuple(
            (
                str(d.phase),
                d.work,
                said(d.responsible),
                said(d.accountable),
                said(d.consulted),
                said(d.informed),
            )
            for d in report.duties
        ),
        empty=_("No task has been begun, so nobody owns one yet."),
        compact=True,
        group=0,
        head=1,
    )


def _named(codes: list[str], roles: Mapping[str, str]) -> str:
    return ", ".join(roles.get(code, code) for code in codes)


def _tasks(document: Mapping[str, Any], roles: Mapping[str, str]) -> Table:
    return Table(
        name="tasks",
        caption=_("Tasks of the process"),
        columns=(
            column("phase", _("Ph."), TEXT, 9),
            column("key", _("Task"), TEXT, 14),
            column("name", _("What")),
            column("outputs", _("Gives"), TEXT, 48),
            column("owner", _("Role"), TEXT, 26),
            column("proof", _("Proven by"), TEXT, 24),
        ),
        rows=tuple(
            (
                str(t["phase"]),
                t["key"],
                t["name"],
                "; ".join(t.get("outputs") or []),
                roles.get(t.get("owner", ""), t.get("owner", "")),
                ", ".join(_proofs(t)),
            )
            for t in document.get("tasks", [])
        ),
        empty=_("The process has no task."),
        compact=True,
        group=0,
        head=2,
    )


def _proofs(task: Mapping[str, Any]) -> list[str]:
    proof = task.get("proof") or {}
    kinds = [str(each.get("kind", "")) for each in proof.get("evidence") or []]
    return [kind for kind in kinds if kind] or [str(proof.get("provability", "–"))]


def _handoffs(document: Mapping[str, Any], roles: Mapping[str, str]) -> Table:
    return Table(
        name="handoffs",
        caption=_("Handoffs of the process"),
        columns=(
            column("key", _("Handoff"), TEXT, 17),
            column("name", _("What"), TEXT, 32),
            column("givers", _("From"), TEXT, 26),
            column("takers", _("To"), TEXT, 26),
            column("criteria", _("Accepted when")),
        ),
        rows=tuple(
            (
                h["key"],
                h["name"],
                _named(h["givers"], roles),
                _named(h["takers"], roles),
                "; ".join(h.get("criteria") or []),
            )
            for h in document.get("handoffs", [])
        ),
        empty=_("The process foresees no handoff."),
        compact=True,
    )


def _triggers(document: Mapping[str, Any]) -> Table:
    return Table(
        name="triggers",
        caption=_("Triggers of the process"),
        columns=(
            column("key", _("Trigger"), TEXT, 16),
            column("name", _("When"), TEXT, 34),
            column("signal", _("What is seen")),
            column("condition", _("Condition"), CODE, 38),
            column("action", _("What is done"), TEXT, 26),
        ),
        rows=tuple(
            (
                t["key"],
                t["name"],
                t.get("signal", ""),
                t.get("condition", ""),
                str(t.get("action", "")).replace("_", " "),
            )
            for t in document.get("triggers", [])
        ),
        empty=_("The process has no trigger."),
        compact=True,
    )


def _gates(document: Mapping[str, Any], roles: Mapping[str, str]) -> Table:
    def seats(gate: Mapping[str, Any]) -> str:
        found = gate.get("signatures", {}).get("seats") or []
        said = [_named(seat.get("roles") or [], roles) for seat in found if isinstance(seat, dict)]
        return "; ".join(filter(None, said)) or "–"

    return Table(
        name="gates",
        caption=_("Gates of the process"),
        columns=(
            column("key", _("Gate"), TEXT, 13),
            column("name", _("Name"), TEXT, 38),
            column("question", _("What it decides")),
            column("signatures", _("Sign"), TEXT, 14),
            column("seats", _("Who may"), TEXT, 40),
        ),
        rows=tuple(
            (g["key"], g["name"], g["question"], str(g.get("signatures", {}).get("required", 1)), seats(g))
            for g in document.get("gates", [])
        ),
        empty=_("The process has no gate."),
    )


def _criteria(document: Mapping[str, Any]) -> Table:
    return Table(
        name="criteria",
        caption=_("Criteria of the gates"),
        columns=(
            column("gate", _("Gate"), TEXT, 13),
            column("words", _("Criterion")),
            column("expression", _("As it is computed"), CODE, 70),
        ),
        rows=tuple(
            (g["key"], c["words"], c["expression"])
            for g in document.get("gates", [])
            for c in g.get("criteria", [])
        ),
        empty=_("No gate has a criterion."),
        compact=True,
        group=0,
        head=1,
    )


def _answers(report: LifecycleReport, document: Mapping[str, Any]) -> tuple[Answer, ...]:
    tasks = document.get("tasks", [])
    bare = [t["key"] for t in tasks if not t.get("owner")]
    unowned = [d.work.split()[0] for d in report.duties if not d.responsible]
    handoffs = document.get("handoffs", [])
    loose = [h["key"] for h in handoffs if not h.get("criteria")]
    gates = document.get("gates", [])
    open_gates = [g["key"] for g in gates if not g.get("criteria")]
    triggers = document.get("triggers", [])
    return (
        judged(
            _("Does every task have a role?"),
            "tasks",
            bad=_("Without one: %(codes)s.") % {"codes": listed(bare)} if bare else "",
            good=_("All %(n)d have one.") % {"n": len(tasks)},
        ),
        judged(
            _("Does every piece of work have an owner?"),
            "ownership",
            none="" if report.duties else _("No task has been begun."),
            odd=_("Without one: %(codes)s.") % {"codes": listed(unowned)} if unowned else "",
            good=_("All %(n)d have one.") % {"n": len(report.duties)},
        ),
        judged(
            _("Is it clear when a handoff is taken?"),
            "handoffs",
            none="" if handoffs else _("The process foresees none."),
            odd=_("Without acceptance criteria: %(codes)s.") % {"codes": listed(loose)} if loose else "",
            good=_("All %(n)d say so.") % {"n": len(handoffs)},
        ),
        judged(
            _("Is it clear what begins the work again?"),
            "triggers",
            none="" if triggers else _("The process has no trigger."),
            good=_("%(n)d triggers say so.") % {"n": len(triggers)},
        ),
        judged(
            _("Does a gate stand before each step that matters?"),
            "gates",
            none="" if gates else _("The process has no gate."),
            odd=_("Without criteria: %(codes)s.") % {"codes": listed(open_gates)} if open_gates else "",
            good=_("%(n)d gates, each with criteria and signatures.") % {"n": len(gates)},
        ),
    )
