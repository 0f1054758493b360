"""What was seen running: kept once, compared with what is authorized, and a finding where it may not run.

Each change of a sighting is one transaction with one entry; its finding has entries of its own. A look at
which nothing has changed writes the time of the look and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.models import (
    SIGHTING_STATES,
    Authorization,
    BreakGlass,
    Finding,
    RunningPlace,
    Sighting,
)
from governance.queries.gate_checks import CLOCK_TOLERANCE, Decision, gate_checks, latest_moment
from governance.services.findings import open_finding, reopen_finding, settle_finding
from governance.services.telling_running import tell_gone, tell_unauthorized
from ledger.actors import Actor, SystemActor
from ledger.services import append
from lifecycle.models import Project, User

WATCH = SystemActor("running")
CHUNK = 500
_S = Sighting.State


@dataclass(frozen=True)
class Seen:
    """One model at one place. `digest` is empty where nobody knows which it is: `problem` says why.

    `key` names the place that it was seen at (`key_of`); what lies there may change.
    """

    key: str
    source: str
    where: str
    digest: str
    environment: str
    what: str = ""
    problem: str = ""
    scope: Mapping[str, Sequence[str]] = field(default_factory=dict)
    project: Project | None = None
    place: RunningPlace | None = None
    reported_by: User | None = None


def key_of(*parts: object) -> str:
    """The key of a place that these words name."""
    return sha256("\n".join(map(str, parts)).encode()).hexdigest()


class Verdict(NamedTuple):
    """Whether it may run where it was seen."""

    allow: bool
    reason: str
    authorization: Authorization | None


class Noted(NamedTuple):
    """What a look changed."""

    seen: int
    changed: list[Sighting]


def note_seen(
    seen: Iterable[Seen], *, of: QuerySet[Sighting] | None = None, actor: Actor = WATCH,
    moment: datetime | None = None,
) -> Noted:  # fmt: skip
    """Keep what was seen and judge it. `of`: everything that is not in `seen` of these is gone.

    5 queries for each 500 that are as they were, and some for each that is not.
    """
    at = moment or timezone.now()
    found = list({each.key: each for each in seen}.values())
    changed: list[Sighting] = []
    for some in _chunks(found):
        known = {each.key: each for each in Sighting.objects.filter(key__in=[each.key for each in some])}
        same = []
        for each, verdict in zip(some, judge(some), strict=True):
            row = known.get(each.key)
            if row is not None and _is_same(row, each, verdict):
                same.append(row)
                continue
            with suppress(IntegrityError):  # another look has just kept it
                done = note_change(seen=each, verdict=verdict, actor=actor, moment=at)
                changed += [done] if done else []
        _keep_time(same, at)
    if of is not None:
        keys = {each.key for each in found}
        changed += [
            lose_sighting(sighting=each, actor=actor, moment=at)
            for each in of.exclude(state=_S.GONE).order_by("pk")
            if each.key not in keys
        ]
    return Noted(len(found), changed)


def judge_again(moment: datetime | None = None) -> int:
    """Compare what was seen last with what is authorized now; how many changed. 3 queries for each 500."""
    last, changed = 0, 0
    standing = Sighting.objects.filter(state__in=Sighting.STANDING).select_related("project", "place")
    while some := list(standing.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        last = some[-1].pk
        asked = [_as_seen(each) for each in some]
        for row, each, verdict in zip(some, asked, judge(asked), strict=True):
            if not _is_same(row, each, verdict):
                done = note_change(seen=each, verdict=verdict, moment=row.last_seen_at, judged=row)
                changed += done is not None
    return changed


def judge(seen: Sequence[Seen]) -> list[Verdict]:
    """Whether each may run there. 3 queries for any number.

    A clock behind the records denies each question of a deployer. Of what runs already it says nothing, so
    that nothing is found by a wrong clock: raises `ClockBehind`.
    """
    latest = latest_moment()
    if latest is not None and timezone.now() < latest - CLOCK_TOLERANCE:
        raise ClockBehind(_("The clock is behind the records, so nothing can be compared."))
    known = [each for each in seen if each.digest]
    asked = [(each.digest, each.environment, each.scope) for each in known]
    decisions = dict(zip([each.key for each in known], gate_checks(asked) if asked else [], strict=True))
    glass = _open_glass(known)
    return [_verdict(each, decisions.get(each.key), glass) for each in seen]


class ClockBehind(Exception):
    """Nothing was compared."""


def _verdict(seen: Seen, decision: Decision | None, glass: Mapping[tuple[str, str], datetime]) -> Verdict:
    if decision is None:
        text = _("Nobody knows which model this is: %(why)s")
        return Verdict(False, text % {"why": seen.problem}, None)
    if decision.allow:
        return Verdict(True, decision.reason, decision.authorization)
    until = glass.get((seen.digest, seen.environment))
    if until is not None:
        text = _("The glass is broken for it until %(time)s.")
        return Verdict(True, text % {"time": f"{until:%Y-%m-%d %H:%M} UTC"}, None)
    return Verdict(False, decision.reasons[0], decision.authorization)


def _open_glass(seen: Sequence[Seen]) -> dict[tuple[str, str], datetime]:
    found = BreakGlass.objects.filter(
        state=BreakGlass.State.OPEN, ends_at__gt=timezone.now(),
        model_version__digest__in={each.digest for each in seen},
    )  # fmt: skip
    rows = found.values_list("model_version__digest", "environment", "ends_at")
    return {(digest, environment): ends for digest, environment, ends in rows if ends is not None}


def _is_same(row: Sighting, seen: Seen, verdict: Verdict) -> bool:
    state = _S.AUTHORIZED if verdict.allow else _S.UNAUTHORIZED
    before = (row.state, row.digest, row.environment, row.scope, row.what, row.problem, row.project_id)
    after = (
        state, seen.digest, seen.environment, dict(seen.scope), seen.what, seen.problem,
        seen.project.pk if seen.project else None,
    )  # fmt: skip
    given = verdict.authorization.pk if verdict.authorization else None
    return before == after and row.authorization_id == given and row.reason == verdict.reason


@transaction.atomic
def note_change(
    *,
    seen: Seen,
    verdict: Verdict,
    actor: Actor = WATCH,
    moment: datetime | None = None,
    judged: Sighting | None = None,
) -> Sighting | None:
    """Keep one sighting that is not as it was, or new: one entry, and a finding where it may not run.

    None where somebody else has just kept the same, where it is not as it was when it was `judged`, and where
    only the words of the reason are others.
    """
    at = moment or timezone.now()
    row = Sighting.objects.select_for_update(of=("self",), no_key=True).filter(key=seen.key).first()
    if row is not None and _is_same(row, seen, verdict):
        return None
    if judged is not None and (row is None or _recorded(row) != _recorded(judged)):
        return None  # a look has just seen something else
    before = _main(row) if row is not None else None
    if row is None:
        row = Sighting(key=seen.key, first_seen_at=at, place=seen.place, source=seen.source, where=seen.where)
    recorded = _recorded(row)
    event = "allow" if verdict.allow else "deny"
    after = _S.AUTHORIZED if verdict.allow else _S.UNAUTHORIZED
    row.state = after if row.state in ("", after) else SIGHTING_STATES.next(row.state, event)
    row.digest, row.problem, row.what = seen.digest, seen.problem, seen.what
    row.environment, row.scope, row.project = seen.environment, dict(seen.scope), seen.project
    row.reported_by = seen.reported_by
    row.authorization, row.reason, row.last_seen_at = verdict.authorization, verdict.reason, at
    if _recorded(row) == recorded:
        Sighting.objects.filter(pk=row.pk).update(reason=row.reason, last_seen_at=at)
        return None
    news = before != _main(row)
    row.changed_at = timezone.now() if news else row.changed_at
    if before is None:
        row.save()  # the finding's notices name it
    if news:
        _tell(row, before)
    row.save()
    _record(row, actor)
    return row


@transaction.atomic
def lose_sighting(*, sighting: Sighting, actor: Actor = WATCH, moment: datetime | None = None) -> Sighting:
    """It is no longer seen. Its finding says so, and waits for somebody who verifies it."""
    found = Sighting.objects.select_for_update(of=("self",), no_key=True).select_related("finding", "project")
    row = found.get(pk=sighting.pk)
    if row.state == _S.GONE:
        return row
    was, at = row.state, moment or timezone.now()
    row.state = SIGHTING_STATES.next(row.state, "lose")
    row.reason, row.changed_at = _("It is no longer seen there."), at
    row.save(update_fields=["state", "reason", "changed_at"])
    if was == _S.UNAUTHORIZED:
        _settle(row, _("It is no longer seen there since %(time)s.") % _time(at))
    _record(row, actor)
    return row


Main = tuple[str, str, str, int | None]


def _main(row: Sighting) -> Main:
    """What makes news of it: state, model, environment, project."""
    return row.state, row.digest, row.environment, row.project_id


def _tell(row: Sighting, before: Main | None) -> None:
    """The finding of what may not run, and those who hear of it."""
    if before is not None and before[0] == _S.UNAUTHORIZED and before[1:] != _main(row)[1:]:
        _settle(row, _("Something else is seen there since %(time)s.") % _time(row.changed_at))
        row.finding = None
    if row.state == _S.AUTHORIZED:
        if before is not None and before[0] == _S.UNAUTHORIZED and row.finding is not None:
            words = {**_time(row.changed_at), "reason": row.reason}
            _settle(row, _("It is authorized since %(time)s. %(reason)s") % words)
        return
    if row.project is not None and not _reopened(row, before):
        row.finding = _finding(row)
    tell_unauthorized(row)


def _reopened(row: Sighting, before: Main | None) -> bool:
    """Whether the finding that there is says it again: the same model, which was gone or authorized."""
    if row.finding is None or before is None or before[1:] != _main(row)[1:]:
        return False
    return reopen_finding(finding=row.finding, reason=row.reason, actor=WATCH)


def _finding(row: Sighting) -> Finding:
    assert row.project is not None
    words = {"what": row.where, "environment": row.environment, "reason": row.reason}
    title = _("%(what)s runs in %(environment)s without an authorization") % words
    detail = _("%(reason)s Seen at %(what)s (%(source)s) since %(time)s. Model: %(digest)s.")
    more = {"source": row.source, "digest": row.digest or _("unknown"), **_time(row.changed_at)}
    return open_finding(
        project=row.project, title=title, severity=Finding.Severity.HIGH, holds=True, of_running=True,
        actor=WATCH, detail=detail % {**words, **more},
    )  # fmt: skip


def _settle(row: Sighting, text: str) -> None:
    if row.finding is not None:
        row.finding = settle_finding(finding=row.finding, settlement=text, actor=WATCH)
        tell_gone(row, text)


def _recorded(row: Sighting) -> tuple[object, ...]:
    return (
        row.state, row.digest, row.problem, row.what, row.environment, row.scope, row.project_id,
        row.authorization_id, row.reported_by_id,
    )  # fmt: skip


def _record(row: Sighting, actor: Actor) -> None:
    action = {
        _S.AUTHORIZED: Action.SIGHTING_AUTHORIZED, _S.UNAUTHORIZED: Action.SIGHTING_UNAUTHORIZED,
        _S.GONE: Action.SIGHTING_GONE,
    }[_S(row.state)]  # fmt: skip
    append(
        actor=actor, action=action, subject=row, project=row.project.slug if row.project else None,
        detail={
            "source": row.source, "where": row.where, "what": row.what, "model": row.digest,
            "environment": row.environment, "scope": row.scope, "reason": row.reason,
            "authorization": row.authorization_id, "finding": row.finding_id,
        },
    )  # fmt: skip


def _as_seen(row: Sighting) -> Seen:
    return Seen(
        row.key, row.source, row.where, row.digest, row.environment, what=row.what, problem=row.problem,
        scope=row.scope, project=row.project, place=row.place, reported_by=row.reported_by,
    )  # fmt: skip


def _keep_time(rows: Sequence[Sighting], at: datetime) -> None:
    if rows:
        Sighting.objects.filter(pk__in=[each.pk for each in rows]).update(last_seen_at=at)


def _time(at: datetime) -> dict[str, str]:
    return {"time": f"{at:%Y-%m-%d %H:%M} UTC"}


def _chunks(seen: Sequence[Seen]) -> Iterator[Sequence[Seen]]:
    return (seen[at : at + CHUNK] for at in range(0, len(seen), CHUNK))
