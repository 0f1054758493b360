"""What the doors of the intake share: whose project, which token, and the address of what was kept."""

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework.request import Request

from lifecycle.api.asking import person_asking
from lifecycle.errors import Invalid
from lifecycle.models import ApiToken, Project
from lifecycle.queries.projects import visible_project


def project_of(request: Request, named: str = "", where: str = "/project") -> Project:
    """The project that runs go to: the one named (in the body, or by `?project=`), else the token's own.

    Raises Http404 for a project that the person does not see, PermissionDenied for another than the token's,
    `Invalid("no_project")` if nothing says which.
    """
    person = person_asking(request)
    slug = named or request.query_params.get("project", "")
    own = request.auth.project if isinstance(request.auth, ApiToken) else None
    if own is not None:
        if slug and slug != own.slug:
            text = _("This token sends runs to the project “%(slug)s” only.") % {"slug": own.slug}
            raise PermissionDenied(text)
        return own
    if not slug:
        text = _("Say which project: in the body, by ?project=, or by a token that is for one project.")
        raise Invalid("no_project", text, where)
    if len(slug) > 60 or "\x00" in slug:
        raise Invalid("unknown_project", _("This is no name of a project."), where)
    project = visible_project(person, slug)
    if project is None:
        raise Http404
    return project
