"""A project that is measured by a policy of awkward names: met, open, broken, vouched for, ruled out."""

import datetime as dt
import json

from django.utils import timezone

from governance.compliance.questions import QUESTIONS
from governance.services.assurances import assure_control, exclude_control
from governance.services.classifications import sign_classification
from governance.services.compliance import look_at
from governance.services.frameworks import add_framework, begin_use, load_frameworks
from lifecycle.models import Evidence, Project
from reports.models import Report
from tests import make

MARKUP = '<script>alert("&amp;")</script> {{ project }} & Söhne'
LONG = "x" * 560
POLICY = {
    "key": "own-policy", "title": f"Our policy {MARKUP}", "version": "1", "kind": "policy",
    "as_of": "2026-11-28", "source": "The board, 2026",
    "groups": [
        {
            "id": "one", "title": f"One {MARKUP}",
            "controls": [
                {
                    "id": "p-1", "label": "1", "title": "Evidence counts",
                    "judges": {"about": "evidence", "holds": "it.counts"},
                },
                {"id": "p-2", "label": "2", "title": LONG, "checks": ["K44"]},
                {"id": "p-3", "label": "3", "title": MARKUP, "checks": []},
            ],
        },
        {
            "id": "two", "title": "Two",
            "controls": [
                {"id": "p-4", "label": LONG, "title": "Nobody asks", "checks": ["K64"]},
                {"id": "p-5", "label": "5", "title": "It is open", "checks": ["K44"]},
            ],
        },
    ],
}  # fmt: skip
ANSWERS = {
    "eu_role": "provider", "voluntary": "yes", "audited": "no", "management": "no", "impact": "medium",
    "complexity": "medium", "area": "none", "derogation": "none", "bank": "no",
    "misuse": f"Sold as {MARKUP}", "vulnerable": "Nobody",
}  # fmt: skip


def measured(**fields) -> Project:
    """The project: p-1 met by a record, p-2 by a person's word, p-3 and p-5 open, p-4 ruled out."""
    home = make.small_project(**fields)
    make.evidence(make.task(make.phase(make.iteration(home)), "1.1"))
    manager = home.created_by
    framework = add_framework(data=POLICY, actor=make.user(org_role="process_owner"))
    use = begin_use(project=home, framework=framework, actor=manager, reason="The board")
    exclude_control(use=use, control="p-4", actor=manager, reason=MARKUP)
    assure_control(
        use=use, control="p-2", actor=manager, statement=f"All were {MARKUP}",
        expires_on=timezone.now().date() + dt.timedelta(days=30), password=make.PASSWORD,
    )  # fmt: skip
    look_at(project=home)
    return home


def classified(home: Project, **answers: str) -> Project:
    """The same project, classified: the frameworks that follow are in use."""
    load_frameworks()
    given = {each.key: "no" for each in QUESTIONS} | ANSWERS | answers
    sign_classification(project=home, answers=given, actor=home.created_by, password=make.PASSWORD)
    look_at(project=home)
    return home


def broken(home: Project) -> Project:
    """The same project after its evidence has expired."""
    Evidence.objects.filter(task__phase__iteration__project=home).update(state="expired")
    look_at(project=home)
    return home


def table(data: bytes, name: str) -> list[dict]:
    """The rows of a table of a report's data, by the keys of its columns."""
    found = next(each for each in json.loads(data)["tables"] if each["name"] == name)
    keys = [each["key"] for each in found["columns"]]
    return [dict(zip(keys, row, strict=True)) for row in found["rows"]]


def asked(home: Project, kind: str, **options) -> Report:
    """A report of now that was not saved."""
    as_of = options.pop("as_of", None) or timezone.now()
    return Report(project=home, kind=kind, options=options, as_of=as_of, requested_at=as_of)
