"""Views that a person keeps for themselves. They concern nobody else, so the ledger does not hear of them."""

import re
from urllib.parse import parse_qsl, urlencode

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from lifecycle.errors import Invalid, Refused
from lifecycle.models import SavedView, User
from lifecycle.services.texts import line

MOST = 100
"""So many views a person can keep."""
PAGES = re.compile(r"/|/ledger/|/projects/[a-z0-9][a-z0-9-]{0,59}/tasks/")
"""The lists that can be kept: portfolio, ledger, tasks of a project."""
_PASSING = frozenset({"cursor", "page"})


def kept_query(query: str) -> str:
    """What of a query is worth keeping: filters, without empty ones and the place within the list."""
    try:
        pairs = parse_qsl(query.lstrip("?"), max_num_fields=50)
    except ValueError:  # more fields than any list has
        return ""
    return urlencode([pair for pair in pairs if pair[0] not in _PASSING])


@transaction.atomic
def save_view(*, user: User, name: str, page: str, query: str = "") -> SavedView:
    """Keep a list with its filters under a name; the same name on the same list replaces the view.

    `page` is the path of a list, `query` what stands behind the question mark; the place within the list is
    left out. Raises `Invalid` for another page and for texts that are too long, `Refused` (`too_many`).
    """
    name = line(name, "name", most=100)
    if not PAGES.fullmatch(page):
        raise Invalid("unknown_page", _("Views of this page can not be kept."), "page")
    kept = line(kept_query(query), "query", most=1000, needed=False)
    found = SavedView.objects.select_for_update().filter(user=user, page=page, name=name).first()
    if found is None and SavedView.objects.filter(user=user).count() >= MOST:
        raise Refused("too_many", _("You keep %(most)d views already: remove one first.") % {"most": MOST})

    view = found or SavedView(user=user, page=page, name=name, created_at=timezone.now())
    view.query = kept
    view.save()
    return view


@transaction.atomic
def remove_view(*, view: SavedView, user: User) -> None:
    """Forget a view of one's own; that of another person does not exist."""
    SavedView.objects.get(pk=view.pk, user=user).delete()
