"""Frameworks: those that ship, those of an organization, and which of them a project is measured by."""

from __future__ import annotations

import hashlib

import rfc8785
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.compliance.catalogue import checks, frameworks
from governance.compliance.documents import FrameworkDocument, parse_framework
from governance.errors import Invalid, Refused
from governance.models import Framework, FrameworkUse
from governance.oscal.reading import framework_data
from governance.queries.compliance import document_by_uri
from governance.queries.compliance_kinds import known_kinds
from governance.rules.gates import may_manage
from ledger.actors import Actor, SystemActor
from ledger.services import append
from lifecycle.models import Project, User
from lifecycle.rules.people import can_manage_processes


@transaction.atomic
def load_frameworks() -> list[Framework]:
    """Bring in the frameworks that ship, where this version is not there yet. Returns the new ones."""
    have = set(Framework.objects.values_list("key", "version"))
    return [
        _add(document, SystemActor("frameworks"), None)
        for document in frameworks()
        if (document.key, document.version) not in have
    ]


@transaction.atomic
def add_framework(*, data: object, actor: User, key: str = "", kind: str = "") -> Framework:
    """Add a framework, or another version of one, from plain data. Process owners and administrators may.

    The data have our own form or are an OSCAL catalog or profile, of which `key` and `kind` may say what it
    is here. What projects are measured by stays as it is: they go on with the version that they began with.
    Raises `Invalid` with the place of what is wrong, `Refused` for a version that is there already.
    """
    if not can_manage_processes(actor):
        raise PermissionDenied(_("Only process owners and administrators add frameworks."))
    document = parse_framework(framework_data(data, key=key, kind=kind, find=document_by_uri), checks())
    for control in document.controls:
        if control.judges is not None and control.judges.about not in known_kinds():
            words = {"kind": control.judges.about, "known": ", ".join(sorted(known_kinds()))}
            text = _("There are no records of the kind “%(kind)s”; there are: %(known)s.") % words
            raise Invalid("kind_unknown", text, f"controls.{control.id}.judges.about")
    if Framework.objects.filter(key=document.key, version=document.version).exists():
        words = {"title": document.title, "version": document.version}
        raise Refused("version_there", _("%(title)s %(version)s is there. Give it another version.") % words)
    return _add(document, actor, actor)


def _add(document: FrameworkDocument, actor: Actor, person: User | None) -> Framework:
    data = document.model_dump(mode="json", exclude_defaults=True)
    Framework.objects.filter(key=document.key, current=True).update(current=False)
    framework = Framework.objects.create(
        key=document.key, version=document.version, title=document.title, kind=document.kind,
        source=document.source, document=data, digest=hashlib.sha256(rfc8785.dumps(data)).hexdigest(),
        added_by=person, added_at=now(),
    )  # fmt: skip
    told = {"key": framework.key, "version": framework.version, "digest": framework.digest}
    append(actor=actor, action=Action.FRAMEWORK_ADDED, subject=framework, detail=told)
    return framework


@transaction.atomic
def begin_use(*, project: Project, framework: Framework, actor: User, reason: str) -> FrameworkUse:
    """Measure a project by a framework from now on. A manager's to decide, with a reason.

    Another version of the same framework that was in use ends: its results stay as they were.
    """
    project = Project.objects.select_for_update().get(pk=project.pk)
    _refuse_others(actor, project)
    if not reason.strip():
        raise Invalid("reason_missing", _("Say why."), "reason")
    if project.framework_uses.filter(framework=framework, ended_at__isnull=True).exists():
        raise Refused("in_use", _("The project is measured by this framework already."))
    use = start_use(project, framework, actor, reason.strip())
    told = {"framework": framework.key, "version": framework.version, "reason": use.reason}
    append(actor=actor, action=Action.FRAMEWORK_USED, subject=use, project=project.slug, detail=told)
    return use


def start_use(project: Project, framework: Framework, actor: User, reason: str) -> FrameworkUse:
    """Begin a use and end that of another version. The caller holds the project and records it."""
    other = project.framework_uses.filter(framework__key=framework.key, ended_at__isnull=True)
    words = _("Version %(version)s took its place.") % {"version": framework.version}
    other.update(ended_at=now(), ended_because=words)
    return FrameworkUse.objects.create(
        project=project, framework=framework, reason=reason, begun_by=actor, begun_at=now()
    )


@transaction.atomic
def end_use(*, use: FrameworkUse, actor: User, reason: str) -> FrameworkUse:
    """Measure a project by a framework no longer. What it came to stays on record."""
    found = FrameworkUse.objects.select_for_update(of=("self",)).select_related("project", "framework")
    use = found.get(pk=use.pk)
    _refuse_others(actor, use.project)
    if use.ended_at is not None:
        raise Refused("ended", _("This has ended before."))
    if not reason.strip():
        raise Invalid("reason_missing", _("Say why."), "reason")
    use.ended_at, use.ended_because = now(), reason.strip()
    use.save(update_fields=["ended_at", "ended_because"])
    told = {"framework": use.framework.key, "version": use.framework.version, "reason": use.ended_because}
    append(actor=actor, action=Action.FRAMEWORK_DROPPED, subject=use, project=use.project.slug, detail=told)
    return use


def _refuse_others(actor: User, project: Project) -> None:
    if not may_manage(actor, project):
        raise PermissionDenied(_("Only a manager decides by which frameworks the project is measured."))
