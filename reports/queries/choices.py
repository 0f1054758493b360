"""What a request for a report may choose, and when two requests would get the same content."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.dateparse import parse_datetime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from governance.models import Gate
from ledger.queries import entries_of_project, head
from lifecycle.models import ModelVersion, Project, User
from reports.errors import Invalid
from reports.models import Report
from reports.queries.frameworks import annex_meant, framework_meant, looked_up_to

# Raised when a report of the same records looks different from before.
EDITION = 2
PAPERS = ("A4", "letter")
OWN: Mapping[str, tuple[str, ...]] = {
    Report.Kind.CERTIFICATE: ("gate",),
    Report.Kind.MODEL_CARD: ("model",),
    Report.Kind.MONITORING: ("since",),
    Report.Kind.AUDIT_TRAIL: ("since",),
    Report.Kind.COMPLIANCE: ("framework",),
    Report.Kind.APPLICABILITY: ("framework",),
    Report.Kind.ANNEX_IV: ("framework",),
}
OF_ALL: tuple[str, ...] = (Report.Kind.PORTFOLIO, Report.Kind.INVENTORY)
OF_A_FRAMEWORK = tuple(str(kind) for kind, own in OWN.items() if "framework" in own)
COMMON = ("paper", "language")


def checked_options(
    project: Project | None, kind: str, options: Mapping[str, Any], moment: datetime
) -> dict[str, Any]:
    """The options with what was left out filled in. Raises `Invalid` naming the one that is wrong."""
    if kind not in Report.Kind.values:
        raise Invalid("no_such_kind", _("There is no report of kind “%(kind)s”.") % {"kind": kind}, "kind")
    if (project is None) != (kind in OF_ALL):
        text = _("A portfolio summary and the inventory are of all projects, every other report of one.")
        raise Invalid("project_or_portfolio", text, "project")
    own = OWN.get(kind, ())
    given = {name: value for name, value in options.items() if value not in (None, "")}
    for name in given:
        if name not in own + COMMON:
            text = _("This kind of report has no option “%(name)s”.")
            raise Invalid("no_such_option", text % {"name": name}, name)
    found: dict[str, Any] = {
        "paper": _paper(given.get("paper", "A4")),
        "language": _language(given.get("language")),
    }
    if project is None:
        return found
    if "gate" in own:
        found["gate"] = _gate(project, given.get("gate"), moment)
    if "model" in own:
        found["model"] = _model(project, given.get("model"), moment)
    if "framework" in own:
        asked = (
            annex_meant(given.get("framework")) if kind == Report.Kind.ANNEX_IV else given.get("framework")
        )
        found["framework"] = framework_meant(project, asked, moment)
    if given.get("since"):
        found["since"] = _since(given["since"], moment)
    return found


def content_key(
    project: Project | None,
    kind: str,
    options: Mapping[str, Any],
    *,
    as_of: datetime | None,
    now: datetime,
    reader: User | None,
) -> str:
    """The same for requests that would give the same content; 1 query.

    One as of now depends on what was recorded of the project, reports aside, and on the day, since things
    become late.
    """
    told: list[Any] = [EDITION, project.slug if project else None, kind, dict(sorted(options.items()))]
    if as_of is not None:
        told.append(as_of.isoformat())
    elif project is not None:
        told += looked_up_to(project) if "framework" in options else []
        entries = entries_of_project(project.slug).exclude(action__startswith="report.")
        last = entries.order_by("-index").values_list("index", flat=True).first()
        told += [now.date().isoformat(), last]
    else:
        told += [now.date().isoformat(), head().size]
    if project is None:
        told.append(reader.pk if reader else None)
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()


def _paper(given: object) -> str:
    for paper in PAPERS:
        if str(given).lower() == paper.lower():
            return paper
    raise Invalid("no_such_paper", _("Paper is A4 or letter."), "paper")


def _language(given: object) -> str:
    known = dict(settings.LANGUAGES)
    language = str(given or get_language() or "en")
    for code in (language, language.split("-", maxsplit=1)[0]):
        if code in known:
            return code
    if given:
        text = _("There is no language “%(name)s” here.") % {"name": given}
        raise Invalid("no_such_language", text, "language")
    return "en"


def _gate(project: Project, given: object, moment: datetime) -> int:
    gates = Gate.objects.filter(iteration__project=project, opened_at__lte=moment)
    if given is None:
        found = gates.filter(decided_at__lte=moment).order_by("-decided_at", "-pk").first()
        if found is None:
            raise Invalid("no_gate", _("No gate of this project was decided by then."), "gate")
        return found.pk
    text = str(given)
    if text.isdecimal():
        found = gates.filter(pk=int(text)).first()
    else:
        found = gates.filter(key__iexact=text).order_by("-opened_at", "-pk").first()
    if found is None:
        raise Invalid("no_such_gate", _("This project had no gate %(name)s then.") % {"name": text}, "gate")
    return found.pk


def _model(project: Project, given: object, moment: datetime) -> int:
    """The number of the version; the newest where none is named."""
    versions = ModelVersion.objects.filter(project=project, created_at__lte=moment)
    if given is None:
        found = versions.order_by("-number").first()
        if found is None:
            raise Invalid("no_model", _("This project had no model version then."), "model")
        return found.number
    text = str(given)
    if text.isdecimal() and len(text) < 10:
        found = versions.filter(number=int(text)).first()
    else:
        found = versions.filter(digest=text.lower()).first()
    if found is None:
        text = _("This project had no model version %(name)s then.") % {"name": text[:80]}
        raise Invalid("no_such_model", text, "model")
    return found.number


def _since(given: object, moment: datetime) -> str:
    try:
        since = (
            given
            if isinstance(given, datetime)
            else parse_datetime(f"{given}T00:00:00Z" if len(str(given)) == 10 else str(given))
        )
    except ValueError:
        since = None
    if since is None or since.tzinfo is None:
        raise Invalid("no_moment", _("Write a day or a moment, such as 2026-11-20."), "since")
    if since >= moment:
        raise Invalid("since_after_end", _("The period begins after it ends."), "since")
    return since.isoformat()
