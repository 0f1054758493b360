"""The question that a deployer asks: may this model digest run here? Unknown means no."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.errors import Invalid
from governance.models import Authorization, ClockCorrection, Staleness
from ledger.models import Entry
from lifecycle.models import Project
from lifecycle.prepared import Prepared

CLOCK_TOLERANCE = timedelta(seconds=30)
"""By how much the clocks of several servers may differ."""

# One statement with the question itself: a clock that was moved back must not make something valid again, and
# neither must an entry that was written since by that clock. So the latest moment counts, not the last entry;
# of entries written by a clock that was ahead, only where somebody has put that right.
_BELIEVED = Coalesce(Subquery(ClockCorrection.objects.order_by("-pk").values("through")[:1]), -1)
_LAST_ENTRY = Entry.objects.filter(index__gt=_BELIEVED).order_by("-recorded_at").values("recorded_at")[:1]
_STALE = Staleness.objects.filter(evaluation__gate=OuterRef("gate"))
_KNOWN = Prepared(
    lambda digest: (
        Authorization.objects.filter(model_digest=digest)
        .select_related("project")
        .annotate(last_entry_at=Subquery(_LAST_ENTRY), stale=Exists(_STALE))
        .order_by()
    ),
    str,
)
"""Every deployer comes through here."""
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})")

Scope = Mapping[str, Sequence[str]]

TRAFFIC_SHARE = "traffic_share"
"""The key of a scope that says how much of the traffic, in percent; without it an authorization is for all
of it."""
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%?")


@dataclass(frozen=True)
class Decision:
    """The answer to a gate check. `reasons` is never empty."""

    allow: bool
    model_digest: str
    environment: str
    scope: Scope
    checked_at: datetime
    reasons: tuple[str, ...]
    authorization: Authorization | None = None

    @property
    def reason(self) -> str:
        """All reasons in one line."""
        return " ".join(self.reasons)

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON-able data, the same for command and API."""
        given = self.authorization
        return {
            "decision": "allow" if self.allow else "deny",
            "model_digest": self.model_digest,
            "environment": self.environment,
            "scope": {key: list(values) for key, values in self.scope.items()},
            "checked_at": self.checked_at.isoformat(),
            "reasons": list(self.reasons),
            "authorization": None
            if given is None
            else {
                "id": given.pk,
                "project": given.project.slug,
                "gate": given.gate_id,
                "state": given.state,
                "scope": given.scope,
                "valid_from": given.valid_from.isoformat(),
                "valid_until": given.valid_until.isoformat(),
            },
        }


def gate_check(
    *,
    model_digest: str,
    environment: str,
    scope: Scope | None = None,
    at: datetime | None = None,
    project: Project | None = None,
) -> Decision:
    """Decide whether a model may run in an environment, for a scope such as `{"country": ["IT"]}`. 1 query.

    Closed by default: an unknown digest or environment, a suspended, withdrawn or expired authorization, or a
    scope beyond the authorized one is a "deny" with its reasons. Without a scope the answer holds for the
    authorized scope, which it names. With a project only what was authorized in it counts.

    Raises `Invalid` if the digest is not a SHA-256 in hexadecimal or the environment is empty.
    """
    digest, environment = read_digest(model_digest), environment.strip()
    if not environment:
        raise Invalid("environment_missing", _("Say which environment."), "environment")
    now = at or timezone.now()
    known = _KNOWN.all(digest)
    if project is not None:
        known = [given for given in known if given.project_id == project.pk]
    return _decide(known, digest, environment, scope or {}, now)


def gate_checks(asked: Iterable[tuple[str, str, Scope]], *, at: datetime | None = None) -> list[Decision]:
    """The answers to many questions (digest, environment, scope), each as `gate_check` gives it. 1 query.

    The digests are read already; nothing is kept of what was asked.
    """
    listed = list(asked)
    known: dict[str, list[Authorization]] = {digest: [] for digest, _environment, _scope in listed}
    found = Authorization.objects.filter(model_digest__in=known).select_related("project").order_by()
    for given in found.annotate(last_entry_at=Subquery(_LAST_ENTRY), stale=Exists(_STALE)):
        known[given.model_digest].append(given)
    now = at or timezone.now()
    return [_decide(known[digest], digest, environment, scope, now) for digest, environment, scope in listed]


def latest_moment() -> datetime | None:
    """The latest moment that the ledger knows and that is believed. 1 query."""
    found: datetime | None = _LAST_ENTRY.values_list("recorded_at", flat=True).first()
    return found


def _decide(
    known: Sequence[Authorization], digest: str, environment: str, scope: Scope, now: datetime
) -> Decision:
    # Sorted here: there are few, and having Django write the ORDER BY costs more than the question itself.
    found = sorted(known, key=lambda given: (given.valid_from, given.pk), reverse=True)
    here = [given for given in found if given.environment == environment]
    if not here:
        reasons = (_nothing_here(digest, environment, found),)
        return Decision(False, digest, environment, scope, now, reasons)
    judged = [(given, _objections(given, scope, now)) for given in here]
    # The best answer that any authorization gives; an older one is not hidden by a newer withdrawn one.
    given, objections = min(judged, key=lambda pair: len(pair[1]))
    if objections:
        return Decision(False, digest, environment, scope, now, tuple(objections), given)
    return Decision(True, digest, environment, scope, now, (_granted(given),), given)


def read_digest(text: str) -> str:
    """The 64 hexadecimal digits of a SHA-256, with or without the prefix `sha256:`; `Invalid` otherwise."""
    found = _DIGEST.fullmatch(text.strip().lower())
    if found is None:
        problem = _("A model digest is a SHA-256: 64 hexadecimal digits, with or without “sha256:”.")
        raise Invalid("digest_unreadable", problem, "model_digest")
    return found[1]


def read_scope(text: str) -> tuple[str, str]:
    """Read `country=IT`; `Invalid` otherwise."""
    key, sign, value = text.partition("=")
    if not sign or not key.strip() or not value.strip():
        raise Invalid("scope_unreadable", _("A scope is written key=value, such as country=IT."), "scope")
    return key.strip(), value.strip()


def _nothing_here(digest: str, environment: str, found: Sequence[Authorization]) -> str:
    if found:
        others = ", ".join(sorted({given.environment for given in found}))
        return _("This model was never authorized for %(environment)s, only for %(others)s.") % {
            "environment": environment,
            "others": others,
        }
    return _("No model with the digest %(digest)s was ever authorized.") % {"digest": digest[:16]}


def _objections(given: Authorization, scope: Scope, now: datetime) -> list[str]:
    found = []
    if given.state != Authorization.State.ACTIVE:
        found.append(
            _("The authorization is %(state)s: %(reason)s")
            % {
                "state": given.get_state_display().lower(),
                "reason": _sentence(given.state_reason or _("no reason given")),
            }
        )
    if given.state == Authorization.State.ACTIVE and vars(given).get("stale"):
        found.append(_("What was signed for has changed since."))
    last = vars(given).get("last_entry_at")
    if last is not None and now < last - CLOCK_TOLERANCE:
        found.append(
            _("The clock is behind the records: the latest one is of %(time)s.") % {"time": last.isoformat()}
        )
    if now < given.valid_from:
        found.append(
            _("The authorization is not valid before %(time)s.") % {"time": given.valid_from.isoformat()}
        )
    if now >= given.valid_until:
        found.append(_("The authorization ended on %(time)s.") % {"time": given.valid_until.isoformat()})
    found += _share_objections(given, scope.get(TRAFFIC_SHARE, ()))
    limited = set(given.scope) - {TRAFFIC_SHARE}
    for key, values in scope.items():
        if key == TRAFFIC_SHARE:
            continue
        allowed = given.scope.get(key)
        beyond = sorted(set(values) - set(allowed)) if allowed is not None else []
        if beyond:
            found.append(
                _("%(key)s %(beyond)s is outside the authorized scope, which is %(allowed)s.")
                % {"key": key, "beyond": ", ".join(beyond), "allowed": ", ".join(allowed)}
            )
        elif allowed is None and limited:
            found.append(_("The authorization says nothing about “%(key)s”.") % {"key": key})
    return found


def _sentence(text: str) -> str:
    """With its stop: people write reasons with and without."""
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _share_objections(given: Authorization, asked: Sequence[str]) -> list[str]:
    """Shares are compared as numbers; what is no number from 0 to 100 is more than is authorized."""
    if not asked:
        return []
    shares = [read_share(each) for each in asked]
    if None in shares:
        return [_("A traffic share is a percentage from 0 to 100, not “%(text)s”.") % {"text": asked[0][:40]}]
    if TRAFFIC_SHARE not in given.scope:
        return []
    most = max((read_share(each) or 0.0 for each in given.scope[TRAFFIC_SHARE]), default=0.0)
    wanted = max(each for each in shares if each is not None)
    if wanted <= most:
        return []
    words = {"wanted": f"{wanted:g}", "most": f"{most:g}"}
    return [_("A traffic share of %(wanted)s%% is more than the authorized %(most)s%%.") % words]


def read_share(text: str) -> float | None:
    """A percentage such as `25` or `25%`; None for anything else."""
    found = _SHARE.fullmatch(str(text).strip())
    value = float(found[1]) if found else None
    return value if value is not None and value <= 100 else None


def _granted(given: Authorization) -> str:
    limits = "; ".join(f"{key}: {', '.join(values)}" for key, values in given.scope.items())
    words = {"gate": given.gate_id, "until": given.valid_until.date().isoformat(), "limits": limits}
    if limits:
        return _("Authorized by gate %(gate)s until %(until)s for %(limits)s.") % words
    return _("Authorized by gate %(gate)s until %(until)s.") % words
