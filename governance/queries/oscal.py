"""Where a project stands, as OSCAL: profile, component definition and assessment results."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from governance.compliance.catalogue import checks
from governance.compliance.documents import ControlDocument
from governance.compliance.statuses import Status
from governance.models import CheckStanding, Framework, FrameworkUse
from governance.oscal.names import framework_uri, metadata, prop, uuid_of
from governance.oscal.writing import catalog_of, profile_of, statement_id
from governance.queries.compliance import document_of
from governance.queries.oscal_results import assessment_results
from governance.queries.oscal_standings import OscalStanding, oscal_standings
from governance.queries.pages_compliance import check_keys

Json = dict[str, Any]


def framework_catalog(framework: Framework) -> Json:
    """A framework as a catalog, dated by when it was added: a version never changes."""
    return catalog_of(document_of(framework), checks(), framework.added_at)


def catalog(use: FrameworkUse, _moment: dt.datetime) -> Json:
    """The framework that a project is measured by as a catalog."""
    return framework_catalog(use.framework)


def profile(use: FrameworkUse, moment: dt.datetime) -> Json:
    """The statement of applicability. 5 queries."""
    (standing,) = oscal_standings(use.project, use.framework.key)
    return profile_of(
        standing.document, title=f"{use.project.name}: {use.framework.title}", name=use.project.slug,
        applies=[each.id for each in standing.applying], reasons=standing.reasons, moment=moment,
    )  # fmt: skip


def component_definition(use: FrameworkUse, moment: dt.datetime) -> Json:
    """The project as a component, and what it does for each control that applies. 8 queries."""
    project = use.project
    (standing,) = oscal_standings(project, use.framework.key)
    said = {each.check_key: each for each in project.check_standings.all()}
    requirements = [_requirement(standing, control, said) for control in standing.applying]
    entry = getattr(project, "inventory_entry", None)
    about = [prop("risk-class", project.risk_class or "unknown"), prop("slug", project.slug)]
    if entry is not None:
        about.append(prop("owner", entry.owner))
    component: Json = {
        "uuid": uuid_of("component", project.slug),
        "type": "software",
        "title": project.name,
        "description": project.purpose or project.name,
        "props": about,
    }
    if requirements:
        component["control-implementations"] = [
            {
                "uuid": uuid_of("implementation", project.slug, use.pk),
                "source": framework_uri(use.framework.key, use.framework.version),
                "description": f"{use.framework.title} {use.framework.version}: {use.reason}",
                "implemented-requirements": requirements,
            }
        ]
    return {
        "component-definition": {
            "uuid": uuid_of("component-definition", project.slug, use.pk),
            "metadata": metadata(project.name, moment.date().isoformat(), moment),
            "components": [component],
        }
    }


def _requirement(standing: OscalStanding, control: ControlDocument, said: dict[str, CheckStanding]) -> Json:
    use = standing.use
    behind = [said[key] for key in check_keys(use, control) if key in said]
    words = "; ".join(f"{_title(each.check_key, control)}: {each.reason}" for each in behind)
    name = uuid_of("requirement", use.project.slug, use.pk, control.id)
    return {
        "uuid": name,
        "control-id": control.id,
        "description": words or "No record can tell: a person has to vouch for it.",
        "props": [prop("status", standing.statuses.get(control.id, Status.NOT_STARTED))],
        "statements": [
            {
                "statement-id": statement_id(control),
                "uuid": uuid_of(name, "statement"),
                "description": control.title,
            }
        ],
    }


def _title(key: str, control: ControlDocument) -> str:
    known = checks().get(key)
    return known.title if known is not None else control.title


KINDS: dict[str, Callable[[FrameworkUse, dt.datetime], Json]] = {
    "catalog": catalog,
    "profile": profile,
    "component-definition": component_definition,
    "assessment-results": assessment_results,
}
"""What is written of a framework in a project, by OSCAL's name for it."""
