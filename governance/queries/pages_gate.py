"""The review page of a gate: what was looked at, what it showed, who has signed and who may not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Subquery
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from governance.models import (
    Authorization,
    Condition,
    CriterionResult,
    Evaluation,
    Finding,
    Gate,
    Recusal,
    Signoff,
    Staleness,
    Waiver,
)
from governance.queries.duties import Bar, barred_from_signing
from governance.queries.facts import Facts, facts_of
from governance.queries.pages_gate_card import CardLine, model_card
from governance.queries.pages_gate_parts import Barred, CriterionLine, EvidenceLine
from governance.queries.pages_versions import Beside, SliceLine, VersionFacts, records_of
from governance.queries.seats import seat_before, seating_of
from governance.queries.subjects import digest_of, judgements_of, subject_of
from governance.rules.gates import fills_seat
from lifecycle.figures import Bullet
from lifecycle.models import Evidence, Handoff, Membership, Phase, Risk, User
from lifecycle.queries.projects import OPEN_HANDOFFS, members_of
from lifecycle.rules.identity import same_people

Verdict = CriterionResult.Verdict
_PASSING = (Verdict.MET, Verdict.WAIVED)
_STANDING_WAIVERS = (Waiver.State.ASKED, Waiver.State.GRANTED)
_SETTLED_RISKS = (Risk.State.ACCEPTED, Risk.State.CLOSED)


@dataclass(frozen=True)
class GatePage:
    """All that the page of a gate shows. `evaluation` is the last one, None before the first."""

    gate: Gate
    evaluation: Evaluation | None
    results: list[CriterionResult]
    signoffs: list[Signoff]
    members: list[Membership]
    bars: dict[str, Bar]
    facts: Facts
    recusals: list[Recusal]

    @property
    def waivers(self) -> list[Waiver]:
        """Every waiver of this gate and model, whatever became of it."""
        return list(self.facts.all_waivers)

    @property
    def conditions(self) -> list[Condition]:
        return list(self.facts.all_conditions)

    @property
    def phases(self) -> list[Phase]:
        """Those up to the gate's own."""
        return [each for each in self.facts.phases if each.order <= self.gate.phase.order]

    @property
    def evidence(self) -> list[Evidence]:
        """Of this iteration and of the version before."""
        return list(dict.fromkeys([*self.facts.evidence, *self.facts.previous_evidence]))

    @property
    def previous(self) -> Authorization | None:
        return self.facts.previous

    @property
    def risks(self) -> list[Risk]:
        """Those up to this gate that are not settled."""
        return [each for each in self.facts.risks if each.state not in _SETTLED_RISKS]

    @property
    def findings(self) -> list[Finding]:
        """Those that stand, the ones that hold gates closed first."""
        standing = [each for each in self.facts.findings if each.stands]
        return sorted(standing, key=lambda each: (not each.holds, -each.pk))

    @property
    def handoffs(self) -> list[Handoff]:
        return [each for each in self.facts.handoffs if each.state in OPEN_HANDOFFS]

    @cached_property
    def changed(self) -> bool:
        """Whether the facts of now give another digest than the evaluation that is shown. No query."""
        if not self.is_open or self.evaluation is None:
            return False
        judgements = judgements_of(self.gate, self.facts)
        return digest_of(subject_of(self.gate, self.facts, judgements)) != self.evaluation.digest

    @cached_property
    def stale(self) -> Staleness | None:
        """What has changed since it was signed for, if anything has. 1 query for a gate that was decided."""
        if self.is_open:
            return None
        return Staleness.objects.filter(evaluation__gate=self.gate).first()

    @property
    def is_open(self) -> bool:
        return self.gate.state == Gate.State.OPEN

    @cached_property
    def subject(self) -> dict[str, Any]:
        """What the evaluation looked at, as it is signed; empty before the first."""
        found: dict[str, Any] = json.loads(self.evaluation.subject) if self.evaluation else {}
        return found

    # ---- criteria ----

    @cached_property
    def lines(self) -> list[CriterionLine]:
        """Every criterion, the blocking ones first, with its bullet."""
        ordered = sorted(self.results, key=lambda result: (not result.blocking, result.order))
        waived = {each.criterion: each for each in self.waivers if each.state in _STANDING_WAIVERS}
        return [CriterionLine(each, self._bullet(each), waived.get(each.key)) for each in ordered]

    @property
    def groups(self) -> list[tuple[str, list[CriterionLine]]]:
        """Blocking criteria, then those that only advise."""
        blocking = [line for line in self.lines if line.result.blocking]
        advisory = [line for line in self.lines if not line.result.blocking]
        named = [(_("Blocking, %d"), blocking), (_("Advisory, %d"), advisory)]
        return [(name % len(some), some) for name, some in named if some]

    @property
    def unmet(self) -> list[CriterionResult]:
        """Blocking criteria that do not hold, whether not met or unreadable."""
        return [each for each in self.results if each.blocking and each.verdict not in _PASSING]

    @property
    def counts(self) -> list[tuple[int, str, str]]:
        """(number, name, state) for the verdict."""
        blocking = [each for each in self.results if each.blocking]
        advisory = [each for each in self.results if not each.blocking and each.verdict == Verdict.NOT_MET]
        unreadable = [each for each in self.results if each.verdict == Verdict.UNREADABLE]
        not_met = len([each for each in blocking if each.verdict == Verdict.NOT_MET])
        counted = [
            (len(blocking) - len(self.unmet), _("blocking met"), "ok"),
            (not_met, _("blocking not met"), "bad" if not_met else "na"),
            (len(advisory), _("advisory not met"), "warn" if advisory else "na"),
        ]
        waived = len([each for each in self.results if each.verdict == Verdict.WAIVED])
        counted += [(waived, _("waived"), "waived")] if waived else []
        return counted + ([(len(unreadable), _("unreadable"), "unreadable")] if unreadable else [])

    @property
    def has_bullets(self) -> bool:
        return any(line.bullet for line in self.lines)

    def _bullet(self, result: CriterionResult) -> Bullet | None:
        if result.limit is None or not result.operator:
            return None
        low, high = self.version.interval(result.metric, result.slice)
        return Bullet(
            limit=result.limit,
            operator=result.operator,
            observed=result.observed,
            before=result.previous,
            low=low,
            high=high,
        )

    # ---- the model version and what it stands on ----

    @cached_property
    def version(self) -> VersionFacts:
        """The numbers of the gate's model version, from the evidence that was looked at."""
        seen = {(task, digest) for task, _kind, digest, _state in self.subject.get("evidence", [])}
        here = [item for item in self.evidence if (item.task.key, item.snapshot.digest) in seen]
        return VersionFacts(self.gate.model_version, tuple(records_of(here, self.gate.model_version_id)))

    @cached_property
    def before(self) -> VersionFacts:
        """The numbers of the last version authorized before it, where there is one."""
        if self.previous is None:
            return VersionFacts(None, ())
        pk = self.previous.model_version_id
        return VersionFacts(self.previous.model_version, tuple(records_of(self.evidence, pk)))

    @property
    def slices(self) -> list[SliceLine]:
        """The main metric by slice, against the slice's own limit or the one for all. See `slice_lines`."""
        overall = {
            result.slice: result
            for result in self.results
            if result.metric == self.version.main_metric and result.limit is not None
        }
        return self.version.slice_lines(overall, self.before)

    @property
    def beside(self) -> list[Beside]:
        """The gate's version beside the last authorized one, a property a line."""
        return self.version.beside(self.before) if self.gate.model_version else []

    @property
    def evidence_lines(self) -> list[EvidenceLine]:
        """The evidence of the evaluation, by task; before the first what is there now."""
        now = {
            (item.task.key, item.snapshot.digest): item
            for item in self.evidence
            if item.task.phase.iteration_id == self.gate.iteration_id
        }
        if self.evaluation is None:
            return [
                EvidenceLine(task, item.snapshot.kind, digest, item.state, item)
                for (task, digest), item in now.items()
            ]
        return [
            EvidenceLine(task, kind, digest, state, now.get((task, digest)))
            for task, kind, digest, state in self.subject.get("evidence", [])
        ]

    @property
    def bound(self) -> list[Condition]:
        """The conditions that are proposed, or that the pass was bound to."""
        return [each for each in self.conditions if each.state != Condition.State.DROPPED]

    @property
    def card(self) -> list[CardLine]:
        """The model card: what the version is for, what it was made of and how good it is."""
        return model_card(self) if self.gate.model_version else []

    # ---- signatures ----

    @property
    def standing(self) -> list[Signoff]:
        """The signatures under the present evaluation."""
        return [each for each in self.signoffs if each.evaluation_id == self._evaluation_id]

    @property
    def superseded(self) -> list[Signoff]:
        """Signatures under earlier evaluations: they count no more."""
        return [each for each in self.signoffs if each.evaluation_id != self._evaluation_id]

    @property
    def approvals(self) -> int:
        """How many seats are filled: one person fills one; while the gate is open only who still may."""
        approved = {
            each.signer_id: each.signer for each in self.standing if each.decision == Signoff.Decision.APPROVE
        }
        if not self.is_open:
            return len(same_people(approved.values()))
        places = {place.user_id: place for place in self.members if self._may_sign(place)}
        still = [user for pk, user in approved.items() if pk in places]
        return seating_of(self.gate, still, places).filled

    @property
    def waiting(self) -> list[Membership]:
        """The places of those who may sign, have not, and did not step back."""
        signed = {each.signer_id for each in self.standing} | {each.person_id for each in self.recusals}
        return [place for place in self.members if self._may_sign(place) and place.user_id not in signed]

    @property
    def barred(self) -> list[Barred]:
        """Who may not sign and why: those who took part in the work first, then those without a seat."""
        took_part = [
            Barred(place.user, bar.text, bar.entry)
            for place in self.members
            for bar in [self.bars.get(place.user.actor_key)]
            if bar is not None
        ]
        no_seat = [
            Barred(place.user, _("This gate asks for no signature of theirs"), None)
            for place in self.members
            if place.user.actor_key not in self.bars and not fills_seat(place, self.gate)
        ]
        return took_part + no_seat

    def place_of(self, user: User) -> Membership | None:
        """The reader's place in the project, None for those who only look in."""
        return next((place for place in self.members if place.user_id == user.pk), None)

    def my_turn(self, user: User) -> bool:
        """Whether the page offers this person the signature."""
        waits = user in [place.user for place in self.waiting]
        return self.is_open and self.evaluation is not None and waits and self.before_me(user) is None

    def before_me(self, user: User) -> str | None:
        """The roles of the seat that is filled before this person's, where there is an order. No query."""
        if not self.is_open or user not in [place.user for place in self.waiting]:
            return None
        approved = [each.signer for each in self.standing if each.decision == Signoff.Decision.APPROVE]
        places = {place.user_id: place for place in self.members}
        seat = seat_before(self.gate, approved, user, places)
        return ", ".join(sorted(seat.roles)) if seat else None

    def why_not(self, user: User) -> tuple[str, int | None]:
        """Why this person may not sign, with the ledger entry; empty for who may or is no member."""
        found = next((each for each in self.barred if each.user == user), None)
        if found is None and (roles := self.before_me(user)):
            return _("Signatures are given in order: %(roles)s first") % {"roles": roles}, None
        return (found.text, found.entry) if found else ("", None)

    def _may_sign(self, place: Membership) -> bool:
        return fills_seat(place, self.gate) and place.user.actor_key not in self.bars

    @property
    def _evaluation_id(self) -> int | None:
        return self.evaluation.pk if self.evaluation else None

    # ---- the verdict ----

    @property
    def verdict(self) -> tuple[str, str, str]:
        """(state, sentence, explanation) for the head of the page."""
        if not self.is_open:
            return self._decided()
        if self.evaluation is None:
            return "not_started", _("The criteria have not been evaluated yet"), _("Have them evaluated.")
        seen = _("Evaluated over %d frozen pieces of evidence.") % len(self.subject.get("evidence", []))
        if not self.evaluation.verdict:
            count = len(self.unmet)
            words = ngettext("%d blocking criterion is not met", "%d blocking criteria are not met", count)
            said = _("Nobody can approve this. The work goes back, or the facts change. ")
            return "bad", words % count, said + seen
        words = _("Ready to sign: %(n)d of %(all)d approvals are in")
        if self.bound:
            said = ngettext(
                "It passes with %d condition. ", "It passes with %d conditions. ", len(self.bound)
            )
            seen = said % len(self.bound) + seen
        numbers = {"n": self.approvals, "all": self.gate.required_signatures}
        return "open", words % numbers, _("Every blocking criterion is met or waived. ") + seen

    def _decided(self) -> tuple[str, str, str]:
        names = ", ".join(each.signer_name for each in self.standing)
        words = {
            Gate.State.PASSED: _("Passed, signed by %s") % names,
            Gate.State.CONDITIONAL: _("Passed with conditions, signed by %s") % names,
            Gate.State.LAPSED: _("Closed again: what it was passed on does not hold"),
            Gate.State.HELD: _("On hold: the phase waits"),
            Gate.State.STOPPED: _("Stopped: the phase is given up"),
            Gate.State.REFUSED: _("Refused: the work went back"),
            Gate.State.WITHDRAWN: _("Withdrawn: nobody asks any more"),
        }.get(Gate.State(self.gate.state), self.gate.get_state_display())
        return self.gate.state, words, self.gate.outcome_reason


def gate_page(gate: Gate) -> GatePage:
    """A gate with evaluation, signatures, evidence and what is still open. 17 queries, whatever it holds.

    What the criteria may look at is read once, for the page and for whether it has changed since.
    """
    last = gate.evaluations.order_by("-evaluated_at", "-pk").values("pk")[:1]
    shown = CriterionResult.objects.filter(evaluation=Subquery(last)).select_related("evaluation")
    results = list(shown.order_by("order"))
    evaluation = results[0].evaluation if results else None  # there is none without a criterion
    members = list(members_of(gate.iteration.project))
    return GatePage(
        gate=gate,
        evaluation=evaluation,
        results=results,
        signoffs=list(gate.signoffs.select_related("signer").order_by("signed_at", "pk")),
        members=members,
        bars=barred_from_signing(gate, [place.user for place in members]),
        facts=facts_of(gate),
        recusals=list(gate.recusals.select_related("person", "delegate")),
    )


def scope_text(scope: Mapping[str, list[str]]) -> str:
    """A scope in one line, such as "country: US, IT"; without one "unlimited"."""
    parts = [f"{key}: {', '.join(values)}" for key, values in scope.items()]
    return "; ".join(parts) or _("unlimited")
