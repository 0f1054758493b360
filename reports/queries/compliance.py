"""Where a project stood with one framework at a moment, from what was stored when it was looked at."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from governance.compliance.applicability import applies_from, no_bearing
from governance.compliance.documents import ControlDocument, FrameworkDocument
from governance.compliance.questions import QUESTIONS
from governance.compliance.statuses import GOOD, Status
from governance.models import (
    Assurance,
    Classification,
    ControlChange,
    ControlExclusion,
    FrameworkUse,
    Review,
)
from governance.queries.compliance import document_of
from governance.queries.pages_compliance import check_keys
from ledger.models import Entry
from lifecycle.models import Project
from reports.documents import State
from reports.documents.compliance import (
    Assured,
    Check,
    Classified,
    Compliance,
    Control,
    ControlGroup,
    ControlMove,
    Excluded,
)
from reports.queries.compliance_checks import checks_at, status_mark
from reports.queries.frameworks import use_at
from reports.queries.moment import Moment, mark

WITHOUT_REVIEW = timedelta(days=90)
"""So far is looked back when nobody has reviewed the system as a whole yet."""
GRAVEST = (State.BAD, State.WARN, State.IDLE, State.WAIVED, State.OK)


def compliance_of(project: Project, key: str, moment: Moment) -> Compliance:
    """What is known of a project and a framework at a moment; raises LookupError if it was not in use.

    States of controls are read off their history. Of a check only what was found last is kept: one that came
    to say something else since is told as such. About 16 queries, whatever the number of controls.
    """
    use = use_at(project, key, moment)
    if use is None:
        raise LookupError(_("The project was not measured by this framework then."))
    document = document_of(use.framework)
    said = _Said(use, moment)
    checks = checks_at(use, document, moment)
    audit = _audit(project, moment)
    since = audit.done_at.astimezone(UTC).date() if audit else (moment.at - WITHOUT_REVIEW).date()
    looked_at, behind = _look(project, moment)
    return Compliance(
        key=use.framework.key,
        version=use.framework.version,
        title=use.framework.title,
        kind=str(use.framework.get_kind_display()),
        source=use.framework.source,
        digest=use.framework.digest,
        begun_at=use.begun_at,
        begun_by=str(use.begun_by),
        begun_because=use.reason,
        since=since,
        groups=tuple(
            ControlGroup(
                title=group.title,
                controls=tuple(said.control(document, each, checks) for each in group.controls),
            )
            for group in document.groups
            if group.controls
        ),
        checks=tuple(checks.values()),
        assured=tuple(_assured(each, document, moment) for each in said.assurances),
        excluded=tuple(_excluded(each, document) for each in said.exclusions.values()),
        classified=_classified(said.classification, project),
        moves=tuple(_moves(use, document, since, moment)),
        review=_("review of %(day)s by %(name)s")
        % {"day": f"{audit.done_at:%-d %B %Y}", "name": audit.done_by}
        if audit
        else "",
        looked_at=looked_at,
        behind=behind,
    )


class _Said:
    """What stood of a use at a moment: states of its controls, and what people said of them. 4 queries."""

    def __init__(self, use: FrameworkUse, moment: Moment) -> None:
        self.use, self.moment = use, moment
        self.stood = _stood(use, moment)
        mine = {"project": use.project_id, "framework_key": use.framework.key}
        ended = Q(ended_at__isnull=True) | Q(ended_at__gt=moment.at)
        given = Assurance.objects.filter(ended, **mine, signed_at__lte=moment.at)
        self.assurances = list(given.select_related("signed_by").order_by("control", "signed_at", "pk"))
        decided = ControlExclusion.objects.filter(ended, **mine, decided_at__lte=moment.at)
        self.exclusions = {
            each.control: each
            for each in decided.select_related("decided_by").order_by("control", "decided_at", "pk")
        }
        self.classification = (
            Classification.objects.filter(project=use.project_id, signed_at__lte=moment.at)
            .order_by("-number")
            .first()
        )

    def control(
        self, document: FrameworkDocument, control: ControlDocument, checks: Mapping[str, Check]
    ) -> Control:
        """One control as it stood."""
        status, since = self.stood.get(control.id, (Status.NOT_STARTED, None))
        keys = check_keys(self.use, control)
        excluded = self.exclusions.get(control.id)
        result = self.classification.result if self.classification else None
        reason = excluded.reason if excluded else no_bearing(control, result)
        applies = status != Status.NOT_APPLICABLE
        return Control(
            id=control.id,
            label=control.label,
            title=control.title,
            mark=status_mark(status),
            applies=applies,
            good=status in GOOD,
            why=self._why(control, [checks[key] for key in keys if key in checks]) if applies else reason,
            reason="" if applies else reason,
            decided=str(excluded.decided_by) if excluded and not applies else "",
            checks=tuple(keys),
            tasks=control.tasks,
            since=since,
            applies_from=applies_from(document, control, result),
        )

    def _why(self, control: ControlDocument, behind: Sequence[Check]) -> str:
        """In a sentence what a control stands on, the worst of its checks first."""
        signed = [each for each in self.assurances if each.control == control.id]
        judged = [each for each in behind if each.kept]
        if signed and not any(each.mark.state is State.BAD for each in judged):
            words = {"name": signed[-1].signer_name, "day": f"{signed[-1].expires_on:%-d %b %Y}"}
            return _("%(name)s vouches for it until %(day)s.") % words
        if not behind:
            return _("No record can tell: a person has to vouch for it.")
        if not judged:
            return _("What its checks said then is no longer kept.")
        worst = min(judged, key=lambda each: GRAVEST.index(each.mark.state))
        return f"{worst.title}: {worst.reason}"


def _stood(use: FrameworkUse, moment: Moment) -> dict[str, tuple[str, datetime]]:
    """The state of each control at a moment and since when, from its history. 1 query."""
    found = ControlChange.objects.filter(use=use, changed_at__lte=moment.at).order_by("changed_at", "pk")
    rows = found.values_list("control", "after", "changed_at")
    return {control: (after, changed_at) for control, after, changed_at in rows}


def _assured(each: Assurance, document: FrameworkDocument, moment: Moment) -> Assured:
    control = document.control(each.control)
    over = each.expires_on < moment.at.astimezone(UTC).date()
    return Assured(
        label=control.label if control else each.control,
        control=each.control,
        statement=each.statement,
        link=each.link,
        signed_by=each.signer_name,
        signed_at=each.signed_at,
        expires_on=each.expires_on,
        digest=each.digest,
        mark=mark(State.WARN, _("is over")) if over else mark(State.OK, _("holds")),
    )


def _excluded(each: ControlExclusion, document: FrameworkDocument) -> Excluded:
    control = document.control(each.control)
    return Excluded(
        label=control.label if control else each.control,
        title=control.title if control else "",
        reason=each.reason,
        decided_by=str(each.decided_by),
        decided_at=each.decided_at,
    )


def _classified(found: Classification | None, project: Project) -> Classified | None:
    if found is None:
        return None
    result: Mapping[str, Any] = found.result
    risk_class = str(result.get("risk_class", ""))
    words = dict(Project.RiskClass.choices).get(risk_class, risk_class)
    return Classified(
        number=found.number,
        signed_by=found.signer_name,
        signed_at=found.signed_at,
        digest=found.digest,
        second_factor=found.second_factor,
        risk_class=str(words),
        role=_answer("eu_role", found.answers),
        current=found.purpose == project.purpose,
        reasons=tuple(str(each) for each in result.get("reasons", ())),
        answers=tuple((str(each.text), _answer(each.key, found.answers)) for each in QUESTIONS),
    )


def _answer(key: str, answers: Mapping[str, Any]) -> str:
    said = str(answers.get(key, ""))
    question = next((each for each in QUESTIONS if each.key == key), None)
    return str(dict(question.options).get(said, said)) if question else said


def _audit(project: Project, moment: Moment) -> Review | None:
    """The last review of the system as a whole by then. 1 query."""
    found = Review.objects.filter(project=project, kind=Review.Kind.SYSTEM, done_at__lte=moment.at)
    return found.select_related("done_by").order_by("-done_at", "-pk").first()


def _moves(use: FrameworkUse, document: FrameworkDocument, since: date, moment: Moment) -> list[ControlMove]:
    """What came to stand elsewhere between a day and a moment, newest first. 1 query."""
    begin = datetime(since.year, since.month, since.day, tzinfo=UTC)
    found = ControlChange.objects.filter(use=use, changed_at__gte=begin, changed_at__lte=moment.at)
    titles = {each.id: each for each in document.controls}
    moves = []
    for each in found.exclude(before="").order_by("-changed_at", "-pk"):
        control = titles.get(each.control)
        moves.append(
            ControlMove(
                at=each.changed_at,
                label=control.label if control else each.control,
                title=control.title if control else "",
                before=status_mark(each.before),
                after=status_mark(each.after),
                worse=each.before in GOOD and each.after not in GOOD,
                better=each.after in GOOD and each.before not in GOOD,
            )
        )
    return moves


def _look(project: Project, moment: Moment) -> tuple[datetime | None, int]:
    """When the project was last looked at, and how many of its entries came after that. 2 queries."""
    look = getattr(project, "compliance_look", None)
    if look is None or look.looked_at > moment.at:
        return None, 0
    later = Entry.objects.filter(
        project=project.slug, index__gt=look.ledger_index, recorded_at__lte=moment.at
    )
    return look.looked_at, later.exclude(action__startswith="report.").exclude(
        action="compliance.looked"
    ).count()
