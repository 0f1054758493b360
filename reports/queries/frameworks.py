"""Which framework a request for a report means, and which were in use at a moment."""

from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from governance.models import ComplianceLook, Framework, FrameworkUse
from lifecycle.models import Project
from reports.errors import Invalid
from reports.queries.moment import Moment

WITH_ANNEX_IV = "eu-ai-act"
"""The framework whose Annex IV lists what the technical documentation holds."""


def uses_at(project: Project, moment: Moment) -> QuerySet[FrameworkUse]:
    """The frameworks that a project was measured by then, the newest version of each first."""
    found = project.framework_uses.filter(begun_at__lte=moment.at)
    found = found.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=moment.at))
    return found.order_by("framework__key", "-begun_at", "-pk")


def use_at(project: Project, key: str, moment: Moment) -> FrameworkUse | None:
    """The use of a framework that was in force then, None if there was none. 1 query."""
    found = uses_at(project, moment).filter(framework__key=key)
    return found.select_related("framework", "begun_by", "project").first()


def offered(project: Project) -> list[tuple[str, str]]:
    """Key and title of the frameworks that a project is measured by now. 1 query."""
    found = project.framework_uses.filter(ended_at__isnull=True).order_by(
        "framework__title", "framework__key"
    )
    return list(dict(found.values_list("framework__key", "framework__title")).items())


def framework_meant(project: Project, given: object, moment: datetime) -> str:
    """The key of the framework that was named, or of the only one in use. 1 query, 2 to refuse.

    Raises `Invalid` for one that is not held here, and for one that the project was not measured by then.
    """
    known = list(dict.fromkeys(uses_at(project, Moment(moment)).values_list("framework__key", flat=True)))
    names = ", ".join(known)
    if given is None:
        if len(known) == 1:
            return known[0]
        text = _("Name one of the frameworks in use: %(known)s.") if known else _none()
        raise Invalid("framework_missing", text % {"known": names}, "framework")
    key = str(given)
    if key in known:
        return key
    if not Framework.objects.filter(key=key).exists():
        text = _("There is no framework “%(key)s” here.") % {"key": key[:100]}
        raise Invalid("no_such_framework", text, "framework")
    text = _("The project was not measured by “%(key)s” then, but by: %(known)s.") if known else _none()
    raise Invalid("framework_not_in_use", text % {"key": key, "known": names}, "framework")


def annex_meant(given: object) -> str:
    """The key of the framework that has the annex. Raises `Invalid` where another one was named."""
    if given not in (None, WITH_ANNEX_IV):
        text = _("Only “%(key)s” has an Annex IV.") % {"key": WITH_ANNEX_IV}
        raise Invalid("no_annex_iv", text, "framework")
    return WITH_ANNEX_IV


def _none() -> str:
    return _("The project was measured by no framework then.")


def looked_up_to(project: Project) -> list[object]:
    """What the stored standings of a project follow from: when that was, and the last entry. 1 query."""
    found = ComplianceLook.objects.filter(project=project).values_list("looked_at", "ledger_index").first()
    return [found[0].isoformat(), found[1]] if found else []
