"""What a cluster runs, handed in by who can list its objects: read as the admission webhook reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _

from governance.admission import Named, read_name, read_object
from governance.errors import Invalid
from governance.models import Sighting
from governance.rules.running import may_hand_in
from governance.services.admissions import models_of
from governance.services.sightings import Noted, Seen, key_of, note_seen
from lifecycle.models import ModelVersion, Project, User
from lifecycle.services.steps import allow, ensure_active
from lifecycle.services.texts import line

MOST = 2000
_LONGEST_NAME = 400


class HandedIn(NamedTuple):
    """What was kept of it."""

    noted: Noted
    keys: list[str]


def hand_in(
    *, cluster: str, objects: Sequence[object], actor: User, project: Project | None = None,
    complete: bool = False,
) -> HandedIn:  # fmt: skip
    """Compare what runs in a cluster with what is authorized.

    With a project everything is that project's; without one, which administrators may, each object is the
    project's that has registered its model. `complete`: that is all that runs, the rest of the cluster (and
    of the project) is gone. Raises `Invalid` with the place of an object that has no name; then nothing is
    kept.
    """
    allow(
        may_hand_in(actor, project),
        _("People of the project hand in what it runs; administrators what a whole cluster runs."),
    )
    if project is not None:
        ensure_active(project)
    source = f"cluster:{line(cluster, 'cluster', most=100)}"
    found = _flat(objects)
    named = [read_name(each, f"objects[{at}]") for at, each in enumerate(found)]
    seen = [
        one
        for name, each in zip(named, found, strict=True)
        if name.namespace != settings.GATEBOOK_NAMESPACE
        for one in _seen(name, each, source, project, actor)
    ]
    if project is None:
        seen = _with_projects(seen)
    rest = Sighting.objects.filter(source=source, place__isnull=True)
    if project is not None:
        rest = rest.filter(project=project)
    noted = note_seen(seen, of=rest if complete else None, actor=actor)
    return HandedIn(noted, [each.key for each in seen])


def _flat(objects: Sequence[object]) -> list[object]:
    """Objects, and those inside lists as `kubectl get -o json` prints them."""
    found: list[object] = []
    for each in objects:
        items = each.get("items") if isinstance(each, dict) else None
        found += items if isinstance(items, list) else [each]
        if len(found) > MOST:
            raise Invalid("too_many", _("At most %(most)d objects at once.") % {"most": MOST}, "objects")
    return found


def _seen(named: Named, found: object, source: str, project: Project | None, actor: User) -> Iterator[Seen]:
    """One for each model in the object; one that says why where nobody knows which it is."""
    kind = f"{named.group}/{named.kind}".strip("/")
    place = _clean(f"{named.namespace or '-'}/{kind}/{named.name}", _LONGEST_NAME)
    namespaces: dict[str, str] = settings.GATEBOOK_NAMESPACES
    environment = namespaces.get(named.namespace, named.namespace) or "-"
    digests, problem, what, scope = [""], "", "", {}
    try:
        question = read_object(found)
        what = ", ".join(dict.fromkeys(each.text for each in question.claims))
        scope = {_clean(key): [_clean(each) for each in values] for key, values in question.scope.items()}
        digests = models_of(question)
    except Invalid as no:
        problem = str(no)
    for number, digest in enumerate(digests, 1):
        where = place if number == 1 else f"{place} #{number}"
        yield Seen(
            key_of(source, project.pk if project else "", where), source, where, digest,
            _clean(environment, 60), what=_clean(what), problem=_clean(problem), scope=scope,
            project=project, reported_by=actor,
        )  # fmt: skip


def _clean(text: str, most: int = 500) -> str:
    """What came from outside, as any database takes it."""
    return text.replace("\x00", "\ufffd")[:most]


def _with_projects(seen: Sequence[Seen]) -> list[Seen]:
    """Each with the project that registered its model first, if any did. 1 query."""
    versions = ModelVersion.objects.filter(digest__in={each.digest for each in seen if each.digest})
    homes: dict[str, Project] = {}
    for each in versions.select_related("project").order_by("created_at", "pk"):
        homes.setdefault(each.digest, each.project)
    return [replace(each, project=homes.get(each.digest)) for each in seen]
