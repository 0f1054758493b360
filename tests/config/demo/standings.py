"""Run inside a told story: where its controls stand, and which ones turn when one record is broken.

Prints one JSON object. Every break is undone, so that the story stays as it was.
"""

import datetime as dt
import json

from django.db import transaction
from django.utils import timezone

from governance.models import Authorization, ControlStanding, InventoryEntry
from governance.queries.compliance import document_of, uses_in_force
from governance.queries.pages_compliance import check_keys, record_url
from governance.services.authorizations import withdraw_authorization
from governance.services.compliance import look_at
from governance.services.findings import open_finding
from governance.services.incidents import open_incident
from lifecycle.models import Evidence, Project
from lifecycle.services.evidence import expire_evidence

DECIDED = ("met", "waived", "broken")


def withdraw(project):
    given = Authorization.objects.filter(project=project, state="active").latest("pk")
    withdraw_authorization(authorization=given, actor=project.created_by, reason="No longer good")


def incident(project):
    known = timezone.now() - dt.timedelta(days=40)
    open_incident(project=project, actor=project.created_by, title="Late", severity="serious", aware_at=known)


def finding(project):
    open_finding(project=project, actor=project.created_by, title="Unowned", severity="low")


def oversight(project):
    InventoryEntry.objects.filter(project=project).update(deputy=None, overseer=None)


def licence(project):
    one = project.data_sets.order_by("pk")[0]
    type(one).objects.filter(pk=one.pk).update(licence="")


def rights(project):
    project.reviews.filter(kind="access").delete()


def purpose(project):
    Project.objects.filter(pk=project.pk).update(purpose="Something else")


def expired(project):
    at = Evidence.objects.filter(task__phase__iteration__project=project, state="verified", task__key="6.1")
    expire_evidence(evidence=at.latest("pk"), actor=project.created_by, reason="Too old")


# What is broken, and the checks that rest on it: written down from what each check asks for.
BREAKS = {
    withdraw: ["K45"],
    incident: ["K55"],
    # It is part of what was signed, so that the authorization is suspended until somebody looks again.
    finding: ["K30", "K45"],
    oversight: ["K47"],
    licence: ["K15"],
    rights: ["K59"],
    purpose: ["K02"],
    expired: ["crisp-ml-q@2021:crisp-6.1"],
}


def statuses(project):
    found = ControlStanding.objects.filter(use__project=project, use__ended_at__isnull=True)
    return {(key, control): status for key, control, status in found.values_list(
        "use__framework__key", "control", "status"
    )}  # fmt: skip


def resting_on(project, wanted):
    """The controls of the frameworks in use that name one of these checks."""
    return {
        (use.framework.key, control.id)
        for use in uses_in_force(project)
        for control in document_of(use.framework).controls
        if set(check_keys(use, control)) & set(wanted)
    }


def coverage(project):
    said = {each.check_key: each for each in project.check_standings.prefetch_related("records")}
    asked, decided, bare = 0, 0, []
    for use in uses_in_force(project).select_related("project"):
        stands = dict(use.standings.values_list("control", "status"))
        for control in document_of(use.framework).controls:
            keys = check_keys(use, control)
            if not keys or stands[control.id] == "not_applicable":
                continue
            asked += 1
            if stands[control.id] in DECIDED:
                decided += 1
                records = [one for key in keys if key in said for one in said[key].records.all()]
                if not any(record_url(project, one.kind, one.record_id) for one in records):
                    bare.append(control.id)
    return {"asked": asked, "decided": decided, "bare": bare}


def broken(project, act, wanted):
    with transaction.atomic():
        before = statuses(project)
        act(project)
        look_at(project=project)
        after = statuses(project)
        transaction.set_rollback(True)
    turned, resting = {at for at in before if after[at] != before[at]}, resting_on(project, wanted)
    held = {at for at in resting if before[at] in ("met", "waived")}
    good = sorted(at for at in held if after[at] in ("met", "waived"))
    return {"turned": len(turned), "others": sorted(turned - resting), "still_good": good}


def main():
    (project,) = Project.objects.filter(framework_uses__isnull=False).distinct()
    look_at(project=project)
    print(json.dumps({  # noqa: T201  # the test reads it
        "frameworks": uses_in_force(project).count(), "assurances": project.assurances.count(),
        "coverage": coverage(project),
        "breaks": {act.__name__: broken(project, act, wanted) for act, wanted in BREAKS.items()},
    }))  # fmt: skip


main()
