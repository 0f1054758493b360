"""Views that the reader keeps of the list at hand: `{% load saved_views %}{% saved_views %}`."""

from typing import Any

from django import template
from django.http import HttpRequest, QueryDict
from django.template.context import Context

from lifecycle.models import User
from lifecycle.services.saved_views import kept_query

register = template.Library()


@register.inclusion_tag("lifecycle/_saved_views.html", takes_context=True)
def saved_views(context: Context) -> dict[str, Any]:
    """The reader's views of this path, and a form to keep what the address shows now. 1 query."""
    request = context.get("request")
    if not isinstance(request, HttpRequest) or not isinstance(request.user, User):
        return {}
    query = kept_query(request.META.get("QUERY_STRING", ""))
    views = list(request.user.saved_views.filter(page=request.path))
    here = sorted(QueryDict(query).lists())
    return {
        "views": [(view, sorted(QueryDict(view.query).lists()) == here) for view in views],
        "page": request.path,
        "query": query,
        "csrf_token": context.get("csrf_token"),
        "request": request,
    }
