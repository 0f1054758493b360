"""Where a project stands, as the assessment results of OSCAL."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

from django.conf import settings

from governance.compliance.catalogue import checks
from governance.compliance.documents import ControlDocument
from governance.compliance.statuses import GOOD, Status
from governance.models import Assurance, CheckRecord, CheckStanding, FrameworkUse
from governance.oscal.names import SPACE, metadata, prop, uuid_of
from governance.oscal.writing import statement_id
from governance.queries.oscal_standings import OscalStanding, oscal_standings
from governance.queries.pages_compliance import check_keys, record_url
from lifecycle.models import Project

Json = dict[str, Any]


def assessment_results(use: FrameworkUse, moment: dt.datetime) -> Json:
    """What was looked at and what came out: observations, findings, risks and attestations. 11 queries."""
    project = use.project
    (standing,) = oscal_standings(project, use.framework.key)
    wanted = {key for control in standing.applying for key in check_keys(use, control)}
    said = {each.check_key: each for each in project.check_standings.filter(check_key__in=wanted)}
    records = defaultdict[int, list[CheckRecord]](list)
    for record in CheckRecord.objects.filter(standing__in=list(said.values())).order_by("pk"):
        records[record.standing_id].append(record)
    look = getattr(project, "compliance_look", None)
    seen = look.looked_at if look is not None else moment
    plan = uuid_of("plan", project.slug)
    observations = [_observation(project, each, records[each.pk]) for each in said.values()]
    findings = [_finding(standing, control, said) for control in standing.applying]
    risks = [_risk(standing, control) for control in standing.applying if _is_risk(standing, control)]
    assurances = list(
        project.assurances.filter(framework_key=use.framework.key, ended_at__isnull=True).order_by("pk")
    )
    parties = {each.signed_by_id: each.signer_name for each in assurances}
    result: Json = {
        "uuid": uuid_of("result", project.slug, use.pk, seen.isoformat()),
        "title": f"{project.name}: {use.framework.title} {use.framework.version}",
        "description": "Computed from the records of the project. What is met is evidence towards a control.",
        "start": seen.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "reviewed-controls": _reviewed(standing),
        **_given("attestations", [_attestation(each) for each in assurances]),
        **_given("observations", observations),
        **_given("risks", risks),
        **_given("findings", findings),
    }
    head = metadata(
        f"{project.name}: {use.framework.title}", moment.date().isoformat(), moment,
        roles=[{"id": "assurer", "title": "Vouches for a control"}] if parties else [],
        parties=[
            {"uuid": uuid_of("person", pk), "type": "person", "name": name} for pk, name in parties.items()
        ],
    )  # fmt: skip
    about = "The checks of the frameworks in use, carried out whenever the ledger has something new."
    return {
        "assessment-results": {
            "uuid": uuid_of("results", project.slug, use.pk, seen.isoformat()),
            "metadata": head,
            "import-ap": {"href": f"#{plan}"},
            "results": [result],
            "back-matter": {
                "resources": [{"uuid": plan, "title": "Continuous checks", "description": about}]
            },
        }
    }


def _given(name: str, rows: list[Json]) -> Json:
    return {name: rows} if rows else {}


def _reviewed(standing: OscalStanding) -> Json:
    ids = [{"control-id": each.id} for each in standing.applying]
    return {"control-selections": [{"include-controls": ids} if ids else {"include-all": {}}]}


def _observation(project: Project, check: CheckStanding, records: list[CheckRecord]) -> Json:
    known = checks().get(check.check_key)
    title = known.title if known is not None else check.check_key
    reads = known.reads if known is not None else ()
    method = "TEST" if {"R", "M", "L"} & set(reads) else "EXAMINE"
    return {
        "uuid": uuid_of("observation", project.slug, check.check_key, check.digest),
        "title": title,
        "description": f"{title}: {check.reason or check.get_status_display()}",
        "props": [prop("check", check.check_key), prop("status", check.status), prop("sha256", check.digest)],
        "methods": [method],
        "types": ["control-objective"],
        **_given("relevant-evidence", [_evidence(project, each) for each in records]),
        "collected": check.changed_at.astimezone(dt.UTC).isoformat(timespec="seconds"),
    }


def _evidence(project: Project, record: CheckRecord) -> Json:
    base = settings.GATEBOOK_URL or "urn:gatebook:page:"
    return {
        "href": f"{base}{record_url(project, record.kind, record.record_id)}",
        "description": record.label or record.kind,
        "props": [prop("says", record.says), prop("kind", record.kind)],
        **({"remarks": record.why} if record.why else {}),
    }


def _finding(standing: OscalStanding, control: ControlDocument, said: dict[str, CheckStanding]) -> Json:
    use, slug = standing.use, standing.use.project.slug
    status = Status(standing.statuses.get(control.id, Status.NOT_STARTED))
    behind = [said[key] for key in check_keys(use, control) if key in said]
    good = status in GOOD
    reason = "pass" if status == Status.MET else "fail" if status == Status.BROKEN else "other"
    state = {
        "state": "satisfied" if good else "not-satisfied", "reason": reason, "remarks": str(status.label),
    }  # fmt: skip
    seen = [
        {"observation-uuid": uuid_of("observation", slug, each.check_key, each.digest)} for each in behind
    ]
    risks = [{"risk-uuid": _risk_uuid(standing, control)}] if _is_risk(standing, control) else []
    return {
        "uuid": uuid_of("finding", slug, use.pk, control.id),
        "title": f"{control.label}: {status.label}",
        "description": control.title,
        "props": [prop("status", status)],
        "target": {"type": "statement-id", "target-id": statement_id(control), "status": state},
        **_given("related-observations", seen),
        **_given("related-risks", risks),
    }


def _is_risk(standing: OscalStanding, control: ControlDocument) -> bool:
    return standing.statuses.get(control.id) in (Status.BROKEN, Status.WAIVED)


def _risk_uuid(standing: OscalStanding, control: ControlDocument) -> str:
    return uuid_of("risk", standing.use.project.slug, standing.use.pk, control.id)


def _risk(standing: OscalStanding, control: ControlDocument) -> Json:
    waived = standing.statuses[control.id] == Status.WAIVED
    return {
        "uuid": _risk_uuid(standing, control),
        "title": f"{control.label}: {Status(standing.statuses[control.id]).label}",
        "description": control.title,
        "statement": "It stands by a waiver." if waived else "A record contradicts it.",
        "status": "deviation-approved" if waived else "open",
    }


def _attestation(each: Assurance) -> Json:
    until = f"until {each.expires_on.isoformat()}"
    signed = each.signed_at.astimezone(dt.UTC).isoformat(timespec="seconds")
    return {
        "responsible-parties": [
            {"role-id": "assurer", "party-uuids": [uuid_of("person", each.signed_by_id)]}
        ],
        "parts": [
            {
                "name": "assurance",
                "ns": SPACE,
                "title": f"{each.control}, {until}",
                "props": [prop("control", each.control), prop("sha256", each.digest)],
                "prose": f"{each.statement}\n\nSigned by {each.signer_name}, {signed}, {until}.",
            }
        ],
    }
