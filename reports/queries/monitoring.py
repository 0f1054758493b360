"""Monitoring windows, triggers and firings as documents."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from django.utils.translation import gettext as _

from lifecycle.models import Firing, Run
from reports.documents import Distribution, FeatureDrift, Mark, Monitoring, State, Window
from reports.documents import Firing as FiringDocument
from reports.queries.iterations import Parts
from reports.queries.measures import Limit, limits_of, measures_of
from reports.queries.moment import Moment, mark, name_of

FIRING_MARKS = {Firing.State.WAITING: State.WARN, Firing.State.STARTED: State.OK}


def firings_of(project_id: int, moment: Moment) -> list[Firing]:
    """What the triggers saw by then, oldest first. 1 query."""
    found = Firing.objects.filter(trigger__project=project_id, fired_at__lte=moment.at)
    return list(found.select_related("trigger", "decided_by").order_by("fired_at", "pk"))


def firing_documents(firings: Sequence[Firing], moment: Moment) -> tuple[FiringDocument, ...]:
    """The firings with what came of them. No query."""
    return tuple(_firing(each, moment) for each in firings)


def monitoring_of(parts: Parts, firings: Sequence[Firing], moment: Moment) -> Monitoring:
    """All finished windows in order of time. No query."""
    runs = [
        run
        for run in parts.runs
        if run.kind == Run.Kind.MONITORING
        and run.state == Run.State.FINISHED
        and moment.seen(run.finished_at)
    ]
    runs.sort(key=lambda run: (run.finished_at or run.created_at, run.pk))
    several = len({_uri(run, "current") for run in runs}) > 1
    fired: dict[int, dict[str, None]] = defaultdict(dict)
    for firing in firings:
        if firing.run_id is not None:
            fired[firing.run_id][firing.trigger.key] = None
    references = dict.fromkeys(_uri(run, "reference") for run in runs if _uri(run, "reference"))
    return Monitoring(
        reference=", ".join(references),
        windows=tuple(
            _window(run, parts.snapshots.get(run.pk, ""), ", ".join(fired[run.pk]), several=several)
            for run in runs
        ),
    )


def _firing(firing: Firing, moment: Moment) -> FiringDocument:
    decided = moment.seen(firing.decided_at) is not None
    prefix = f"{firing.trigger.name}: "
    return FiringDocument(
        trigger=firing.trigger.key,
        title=firing.trigger.name,
        at=firing.fired_at,
        saw=firing.summary.removeprefix(prefix),
        did=firing.outcome if decided else _("Nothing yet."),
        by=name_of(firing.decided_by, _("Gatebook")) if decided else "",
        mark=mark(FIRING_MARKS.get(Firing.State(firing.state), State.IDLE), firing.get_state_display())
        if decided
        else mark(State.WARN, _("waiting")),
        waiting=not decided,
    )


def _uri(run: Run, part: str) -> str:
    return str((run.record.get(part) or {}).get("uri", ""))


def _window(run: Run, snapshot: str, fired: str, *, several: bool) -> Window:
    record: Mapping[str, Any] = run.record
    features: Mapping[str, Mapping[str, Any]] = record.get("features") or {}
    limit = float(((run.spec.get("limits") or {}).get("psi_drift")) or 0.25)
    kept = limits_of(record)
    return Window(
        code=run.label.replace(" ", "\u00a0"),
        title=run.title,
        start=run.started_at or run.created_at,
        end=run.finished_at or run.created_at,
        rows=int((record.get("rows") or {}).get("current") or 0),
        mark=_verdict(str(record.get("verdict", ""))),
        segment=PurePosixPath(_uri(run, "current")).stem if several else "",
        snapshot=snapshot,
        performance=tuple(m for m in measures_of(record, kept) if _told(m.name, m.slice, record, kept)),
        drift=tuple(_drift(name, facts, limit) for name, facts in features.items()),
        quality=_quality(record, features),
        distributions=tuple(
            found for name, facts in _most_moved(features) if (found := _distribution(name, facts))
        ),
        fired=fired,
    )


def _told(name: str, part: str, record: Mapping[str, Any], kept: Mapping[tuple[str, str], Limit]) -> bool:
    """Live performance is what has a limit, or the main metric over all data where nothing has."""
    return (name, part) in kept or (not kept and not part and name == record.get("main_metric"))


def _verdict(said: str) -> Mark:
    if said == "ok":
        return mark(State.OK, _("within limits"))
    words = {"drift": _("drift"), "warning": _("warning")}
    return mark(State.WARN, words.get(said, said or _("not judged")))


def _drift(name: str, facts: Mapping[str, Any], limit: float) -> FeatureDrift:
    said = facts.get("verdict")
    marks = {
        "drift": mark(State.WARN, _("beyond its limit")),
        "warning": mark(State.OK, _("near its limit")),
    }
    psi = facts.get("psi")
    return FeatureDrift(
        feature=name,
        value=psi,
        limit=limit,
        mark=marks.get(str(said), mark(State.OK, _("within its limit"))),
        p_value=facts.get("p_value"),
        unseen=int(facts.get("unseen") or 0),
    )


def _most_moved(features: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    return sorted(features.items(), key=lambda pair: (-(pair[1].get("psi") or 0.0), pair[0]))


def _distribution(name: str, facts: Mapping[str, Any]) -> Distribution | None:
    shape: Mapping[str, Any] = facts.get("histogram") or {}
    before, now = shape.get("reference") or [], shape.get("current") or []
    if not before or len(before) != len(now):
        return None
    names = [str(each) for each in shape.get("categories") or []]
    if edges := shape.get("edges"):
        if len(before) > 12 and len(before) % 2 == 0:  # neighbours together: a printed bin needs its room
            before = [a + b for a, b in zip(before[::2], before[1::2], strict=True)]
            now = [a + b for a, b in zip(now[::2], now[1::2], strict=True)]
            edges = edges[::2]
        names = [f"{low:.0f}" if abs(low) >= 1000 else f"{low:.3g}" for low in edges[:-1]]
    if len(names) != len(before):
        return None
    names = _unlike(names)
    return Distribution(feature=name, bins=tuple(names), reference=tuple(before), current=tuple(now))


def _unlike(names: Sequence[str]) -> list[str]:
    """Bins need different names: equal ones are told apart by an invisible mark."""
    seen: dict[str, int] = defaultdict(int)
    unlike = []
    for name in names:
        unlike.append(name + "\u200b" * seen[name])
        seen[name] += 1
    return unlike


def _share(value: object) -> str:
    return f"{value:.0%}" if isinstance(value, int | float) else _("not scored")


def _quality(
    record: Mapping[str, Any], features: Mapping[str, Mapping[str, Any]]
) -> tuple[tuple[str, str], ...]:
    rows: Mapping[str, Any] = record.get("rows") or {}
    told = [
        (_("Rows"), _("%(current)s, of which %(labelled)s with the true answer; reference %(reference)s") % {
            "current": rows.get("current", 0),
            "labelled": rows.get("labelled", 0),
            "reference": rows.get("reference", 0),
        }),
        (_("Features that drifted"), _share(record.get("share_drifted"))),
    ]  # fmt: skip
    prediction = record.get("prediction") or {}
    if prediction.get("psi") is not None:
        told.append((_("Predictions, PSI"), f"{prediction['psi']:.3f}"))
    for label, key, form in (
        (_("Missing values"), "missing_current", "{:.1%}"),
        (_("Outside the known range"), "out_of_range_share", "{:.1%}"),
        (_("Unknown categories"), "unseen_share", "{:.1%}"),
        (_("Wrong type"), "type_violations", "{:g}"),
    ):
        hit = [f"{name} {form.format(facts[key])}" for name, facts in features.items() if facts.get(key)]
        told.append((label, ", ".join(hit) or _("none")))
    return tuple(told)
