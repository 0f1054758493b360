"""Who is told of what runs without an authorization."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from governance.models import Sighting
from lifecycle.models import Membership, Notice, User
from lifecycle.services.notices import Occasion, tell_all
from lifecycle.services.telling import members

_ROLES = (Membership.Role.MANAGER, Membership.Role.REVIEWER, Membership.Role.AUDITOR)


def tell_unauthorized(row: Sighting) -> None:
    """Managers, reviewers and auditors of the project; administrators where nobody knows whose it is."""
    words = {"what": row.where, "environment": row.environment}
    subject = _("%(what)s runs in %(environment)s without an authorization") % words
    tell_all([_about(row, subject, row.reason)])


def tell_gone(row: Sighting, text: str) -> None:
    """The same people: somebody has to verify the finding."""
    words = {"what": row.where}
    tell_all([_about(row, _("Put right, and to be verified: %(what)s") % words, text)])


def _about(row: Sighting, subject: str, text: str) -> Occasion:
    if row.project_id is not None:
        people = members(row.project_id, *_ROLES)
    else:
        roles = (User.OrgRole.ADMINISTRATOR, User.OrgRole.AUDITOR)
        found = User.objects.filter(org_role__in=roles, is_active=True)
        people = list(found.values_list("pk", flat=True))
    url = reverse("governance:running")
    if row.project is not None:
        url = reverse("governance:project-running", args=[row.project.slug])
    key = f"sighting:{row.pk}:{row.state}:{row.digest[:16]}:{row.changed_at:%Y%m%dT%H%M%S.%f}"
    return Occasion(people, Notice.Kind.EVENT_REPORTED, subject[:300], url, key, text, row.project_id)
