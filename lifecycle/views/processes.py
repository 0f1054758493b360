"""The published processes: what each phase, task, handoff, trigger and gate asks, with its sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from lifecycle.definitions import ProcessDocument, dump_yaml, stored
from lifecycle.figures import PhaseRing, RingLoop, RingPhase
from lifecycle.models import ProcessVersion
from lifecycle.queries.pages_projects import process_versions
from lifecycle.queries.process_pages import drafts
from lifecycle.rules import can_manage_processes
from lifecycle.sorting import Sorting
from lifecycle.views.acting import reader


class Section(NamedTuple):
    """A phase with everything that belongs to it."""

    phase: Any
    tasks: list[Any]
    handoffs: list[Any]
    gate: Any
    risks: int


SORTS: Mapping[str, Callable[[ProcessVersion], Any]] = {
    "process": lambda version: (version.process.name, version.number),
    "published": lambda version: version.published_at,
    "state": lambda version: str(version.get_state_display()),
}


@login_required
@require_safe
def processes(request: HttpRequest) -> HttpResponse:
    """Every published version, and the drafts for those who make them. 4 queries."""
    sorting = Sorting(request.GET, SORTS, first_down=("published",))
    versions = sorting.rows(process_versions())
    edits = can_manage_processes(reader(request))
    count = len(versions)
    context = {
        "versions": versions,
        "sorting": sorting,
        "drafts": drafts() if edits else [],
        "edits": edits,
        "title": ngettext("%d version of a process is published", "%d process versions are published", count)
        % count
        if count
        else _("No process is published yet"),
    }
    return render(request, "lifecycle/processes.html", context)


@login_required
@require_safe
def process_version(request: HttpRequest, pk: int) -> HttpResponse:
    """The outline of one version. 3 queries."""
    version = _version(pk)
    document = stored(version.document)
    context = {
        "version": version,
        "document": document,
        "edits": can_manage_processes(reader(request)),
        "sections": _sections(document),
        "ring": _ring(document, version),
        "sources": document.sources,
        "roles": document.roles,
        "triggers": document.triggers,
        "loops": document.loops,
    }
    return render(request, "lifecycle/process.html", context)


@login_required
@require_safe
def process_yaml(request: HttpRequest, pk: int) -> HttpResponse:
    """One version, also a draft, as YAML, as it can be read in again. 3 queries."""
    version = get_object_or_404(ProcessVersion.objects.select_related("process"), pk=pk)
    answer = HttpResponse(dump_yaml(stored(version.document)), content_type="application/yaml; charset=utf-8")
    name = f"{version.process.key}-{version.number}.yaml"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _version(pk: int) -> ProcessVersion:
    found = ProcessVersion.objects.exclude(state=ProcessVersion.State.DRAFT)
    return get_object_or_404(found.select_related("process", "created_by"), pk=pk)


def _sections(document: ProcessDocument) -> list[Section]:
    gates = {gate.key: gate for gate in document.gates}
    return [
        Section(
            phase=phase,
            tasks=list(document.tasks_of(phase.key)),
            handoffs=[each for each in document.handoffs if each.phase == phase.key],
            gate=gates.get(phase.gate or ""),
            risks=sum(risk.phase == phase.key for risk in document.risks),
        )
        for phase in document.phases
    ]


def _ring(document: ProcessDocument, version: ProcessVersion) -> PhaseRing:
    of_task = {task.key: task.phase for task in document.tasks}
    order = [phase.key for phase in document.phases]
    phases = tuple(
        RingPhase(
            phase.key, phase.name, 0, len(document.tasks_of(phase.key)), "todo", phase.gate or "", "todo"
        )
        for phase in document.phases
    )
    ways = {
        (of_task.get(source, source), of_task.get(target, target))
        for loop in document.loops
        for source in loop.from_refs
        for target in loop.to_refs
    }
    loops = []
    for source in order:  # the farthest way back of each phase: the list beside the ring has them all
        back = [order.index(to) for begin, to in ways if begin == source and to in order]
        if back and min(back) < order.index(source):
            loops.append(RingLoop(source, order[min(back)]))
    return PhaseRing(
        phases=phases, top=_("Version"), big=str(version.number), sub=_("one trip"), loops=tuple(loops)
    )
