"""Locked test sets: an evaluation on one is a use, uses are counted, and after the last one none is begun."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from ledger.actors import Actor
from lifecycle import events
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid, Refused
from lifecycle.executors.parsing import parse_data
from lifecycle.executors.specs import DataRef, EvaluationSpec
from lifecycle.models import TEST_SET_STATES, Project, Run, TestSet, TestSetUse
from lifecycle.rules import can_contribute, is_machine
from lifecycle.services.steps import allow, ensure_active, locked, person, record

MOST_USES = 1000


@transaction.atomic
def lock_test_set(
    *, project: Project, name: str, data: Mapping[str, Any], max_uses: int, actor: Actor
) -> TestSet:
    """Put the rows that `data` names under lock, as the next version of the test set `name`.

    The file's digest is taken now: an evaluation of other bytes is refused. Raises Invalid with the place.
    """
    project = locked(project)
    allow(
        is_machine(actor) or can_contribute(actor, project),
        _("Only managers and contributors lock test sets."),
    )
    ensure_active(project)
    ref = parse_data(data)
    if not 1 <= max_uses <= MOST_USES:
        text = _("A test set is used 1 to %(most)d times.") % {"most": MOST_USES}
        raise Invalid("bad_uses", text, "max_uses")
    from lifecycle.executors.datasets import file_digest, locate  # noqa: PLC0415  # brings pandas along

    digest = file_digest(locate(ref.uri, settings.GATEBOOK_DATA_ROOT))
    if ref.sha256 and ref.sha256 != digest:
        raise Invalid("digest_differs", _("The file has another digest than the one given."), "/data/sha256")
    last = TestSet.objects.filter(project=project, name=name).order_by("-version").first()
    made = TestSet(
        project=project, name=name, version=last.version + 1 if last else 1,
        data=_canonical(ref), sha256=digest, max_uses=max_uses, locked_by=person(actor), locked_at=now(),
    )  # fmt: skip
    made.save()
    record(
        LifecycleAction.TEST_SET_LOCKED, made, actor=actor, project=project, name=name,
        version=made.version, sha256=digest, max_uses=max_uses,
    )  # fmt: skip
    return made


def _canonical(ref: DataRef) -> dict[str, Any]:
    """What names the rows: without the digest, which the set carries itself."""
    return ref.model_copy(update={"sha256": None}).model_dump(mode="json")


def find_test_set(project: Project, ref: DataRef) -> TestSet | None:
    """The newest locked test set of exactly these rows. 1 query."""
    named = _canonical(ref)
    sets = TestSet.objects.filter(project=project).order_by("-version", "-pk")
    return next((each for each in sets if each.data == named), None)


def refuse_training_on(project: Project, ref: DataRef) -> None:
    """Raises Refused for a training on the rows of a locked test set."""
    found = find_test_set(project, ref)
    if found is not None:
        text = _("These rows are the locked test set “%(name)s”: nobody trains on them.")
        raise Refused("test_set_locked", text % {"name": found.name})


def pinned(project: Project, spec: EvaluationSpec) -> tuple[EvaluationSpec, TestSet | None]:
    """The specification with the digest of the test set that it uses, and the set. Refused when used up."""
    found = find_test_set(project, spec.data)
    if found is None:
        return spec, None
    if found.state == TestSet.State.USED_UP:
        text = _("The test set “%(name)s” has been used %(uses)d times, as often as is allowed.")
        raise Refused("test_set_used_up", text % {"name": found.name, "uses": found.uses})
    named = spec.data.model_copy(update={"sha256": spec.data.sha256 or found.sha256})
    return spec.model_copy(update={"data": named}), found


@transaction.atomic
def use_test_set(*, test_set: TestSet, run: Run, actor: Actor) -> TestSetUse:
    """Count the run as one more use; the last one allowed uses the set up. Told to triggers."""
    test_set = locked(test_set, "project")
    known = TestSetUse.objects.filter(run=run).first()
    if known is not None:
        return known
    test_set.uses += 1
    if test_set.uses >= test_set.max_uses and test_set.state == TestSet.State.LOCKED:
        test_set.state = TEST_SET_STATES.next(test_set.state, "use_up")
    test_set.save(update_fields=["uses", "state"])
    use = TestSetUse.objects.create(test_set=test_set, run=run, number=test_set.uses, used_at=now())
    record(
        LifecycleAction.TEST_SET_USED, test_set, actor=actor, project=test_set.project, run=run.pk,
        use=test_set.uses, of=test_set.max_uses,
    )  # fmt: skip
    event = events.TestSetUsed(test_set_id=test_set.pk, project_id=test_set.project_id, run_id=run.pk)
    events.test_set_used.send(sender=TestSet, event=event)
    return use


def count_use_elsewhere(run: Run, actor: Actor) -> TestSetUse | None:
    """Count an evaluation that ran elsewhere on the whole file of a locked test set."""
    data = run.record.get("data") if isinstance(run.record, dict) else None
    digest = data.get("sha256") if isinstance(data, dict) else None
    if run.source == "builtin" or not digest:
        return None
    sets = TestSet.objects.filter(project=run.project_id, sha256=digest).order_by("-version", "-pk")
    found = next((each for each in sets if not each.data.get("where")), None)
    return use_test_set(test_set=found, run=run, actor=actor) if found else None
