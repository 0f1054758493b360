"""The judgement of the executive page, computed from the records: five questions and one verdict."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.documents.lifecycle import LifecycleReport
from reports.documents.measures import Measure, limit_words, number
from reports.documents.monitoring import Window
from reports.documents.states import Mark, State, worst


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One of the five questions. `section` is the id of the section that proves it."""

    question: str
    mark: Mark
    why: str
    section: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The status at a glance: a few words for the cover and one sentence for the summary."""

    mark: Mark
    sentence: str


def five_answers(report: LifecycleReport) -> tuple[Answer, ...]:
    """Approved? Working? Risks held? Anything open? Record trusted? Always five, in this order."""
    return (_approved(report), _working(report), _risks(report), _open(report), _trusted(report))


def verdict(report: LifecycleReport) -> Verdict:
    """The gravest of the five answers; while nothing is in use and nothing is wrong, that is said instead."""
    answers = five_answers(report)
    state = worst([answer.mark.state for answer in answers])
    if not report.live and state is not State.BAD:
        return _not_in_use(report, state)
    if state is State.BAD:
        wrong = [a.question for a in answers if a.mark.state is State.BAD]
        sentence = _("No. The answer is no to: %(questions)s") % {"questions": " ".join(wrong)}
        return Verdict(mark=Mark(state=state, word=_("Not in control")), sentence=sentence)
    if state in (State.WARN, State.WAIVED):
        return Verdict(
            mark=Mark(state=State.WARN, word=_("In control, with attention")),
            sentence=_("Yes, with attention to: %(questions)s") % {"questions": " ".join(_asking(answers))},
        )
    return Verdict(
        mark=Mark(state=State.OK, word=_("In control")),
        sentence=_(
            "Yes. What runs was authorized, works within its limits, and every decision can be checked."
        ),
    )


def _asking(answers: tuple[Answer, ...]) -> list[str]:
    return [a.question for a in answers if a.mark.state in (State.WARN, State.WAIVED)]


def _not_in_use(report: LifecycleReport, state: State) -> Verdict:
    trained = any(run.kind == "training" for iteration in report.iterations for run in iteration.runs)
    if not report.iterations:
        sentence = _("Nothing runs yet: no iteration has been opened.")
    elif not trained:
        sentence = _("Nothing runs yet: no model has been trained.")
    else:
        sentence = _("Nothing runs: a model has been trained, and none is deployed.")
    return Verdict(mark=Mark(state=_calm(state), word=_("Not in use")), sentence=sentence)


def _calm(state: State) -> State:
    return State.WARN if state is State.WARN else State.IDLE


def _yes() -> Mark:
    return Mark(state=State.OK, word=_("yes"))


def _no() -> Mark:
    return Mark(state=State.BAD, word=_("no"))


def _attention() -> Mark:
    return Mark(state=State.WARN, word=_("attention"))


def _nothing() -> Mark:
    return Mark(state=State.IDLE, word=_("not yet"))


def _approved(report: LifecycleReport) -> Answer:
    live = report.live
    bad = [d for d in live if d.mark.state is State.BAD or not d.authorization]
    if not live:
        mark, why = _nothing(), _("Nothing is deployed.")
    elif bad:
        mark = _no()
        why = ngettext(
            "%(n)d deployment runs without a valid authorization: %(codes)s.",
            "%(n)d deployments run without a valid authorization: %(codes)s.",
            len(bad),
        ) % {"n": len(bad), "codes": ", ".join(d.code for d in bad)}
    else:
        mark = _yes()
        why = ngettext(
            "%(n)d deployment runs, with the digest that was signed.",
            "%(n)d deployments run, each with the digest that was signed.",
            len(live),
        ) % {"n": len(live)}
    return Answer(question=_("Is what runs what was approved?"), mark=mark, why=why, section="deployments")


def _working(report: LifecycleReport) -> Answer:
    windows = report.monitoring.windows
    question, section = _("Does it still do its job?"), "monitoring"
    if not windows or not report.live:
        why = _("No window of live data has been judged.") if not windows else _("Nothing is deployed.")
        return Answer(question=question, mark=_nothing(), why=why, section=section)
    latest = list({window.segment: window for window in windows}.values())
    missed = [w for w in latest if any(m.met is False for m in w.performance)]
    drifted = [w for w in latest if w not in missed and _moved(w)]
    odd = [w for w in latest if w.mark.state in (State.BAD, State.WARN)]
    if missed:
        what = ", ".join(_against(m) for m in missed[0].performance if m.met is False)
        mark, why = _no(), _("Last window %(code)s: %(what)s.") % {"code": missed[0].code, "what": what}
    elif drifted:
        moved = _moved(drifted[0])
        mark = _attention()
        why = ngettext(
            "Last window %(code)s: %(n)d feature drifted beyond its limit (%(names)s).",
            "Last window %(code)s: %(n)d features drifted beyond their limits (%(names)s).",
            len(moved),
        ) % {"code": drifted[0].code, "n": len(moved), "names": _few(moved)}
    else:
        shown = odd[0] if odd else windows[-1]
        mark = _attention() if odd else _yes()
        why = ngettext(
            "%(n)d window judged; the last is %(word)s.",
            "%(n)d windows judged; the last is %(word)s.",
            len(windows),
        ) % {"n": len(windows), "word": shown.mark.word}
    return Answer(question=question, mark=mark, why=why, section=section)


def _moved(window: Window) -> list[str]:
    """The features that drifted in a window."""
    return [d.feature for d in window.drift if d.mark.state in (State.BAD, State.WARN)]


def _against(measure: Measure) -> str:
    asked = limit_words(measure.limit, measure.bound, measure.digits, measure.unit)
    return f"{measure.name} {number(measure.value, measure.digits, measure.unit)} ({asked})"


def _risks(report: LifecycleReport) -> Answer:
    question, section = _("Are the risks held?"), "risks"
    if not report.risks:
        return Answer(question=question, mark=_nothing(), why=_("No risk has been rated."), section=section)
    high = [r.code for r in report.risks if r.after >= report.appetite and r.mark.state is not State.WAIVED]
    watched = [r.code for r in report.risks if r.mark.state in (State.WARN, State.WAIVED)]
    values = {"n": len(report.risks), "limit": report.appetite}
    if high:
        why = _("Of %(n)d rated risks these are at or above the limit of %(limit)d: %(codes)s.")
        return Answer(
            question=question, mark=_no(), why=why % {**values, "codes": _few(high)}, section=section
        )
    if watched:
        why = _("All %(n)d are below the limit of %(limit)d; watched: %(codes)s.")
        if any(r.after >= report.appetite for r in report.risks):
            why = _("All %(n)d are below the limit of %(limit)d or accepted by name; watched: %(codes)s.")
        return Answer(
            question=question,
            mark=_attention(),
            why=why % {**values, "codes": _few(watched)},
            section=section,
        )
    why = _("All %(n)d rated risks are below the limit of %(limit)d.") % values
    return Answer(question=question, mark=_yes(), why=why, section=section)


def _open(report: LifecycleReport) -> Answer:
    today = report.as_of.date()
    findings = [f for f in report.findings if f.closed_on is None]
    late = sum(bool(f.due_on and f.due_on < today) for f in findings)
    question, section = _("Is everything closed that should be?"), "findings"
    said = ", ".join(words % {"n": n} for words, n in _open_counts(report, len(findings), late) if n)
    if not said:
        why = _("Nothing is open that waits for somebody, nothing is late.")
        return Answer(question=question, mark=_yes(), why=why, section=section)
    mark = _no() if late else _attention()
    return Answer(question=question, mark=mark, why=said[0].upper() + said[1:] + ".", section=section)


def _open_counts(report: LifecycleReport, findings: int, late: int) -> list[tuple[str, int]]:
    """Everything that may be open: its words, and how many of it there are."""
    rounds = report.iterations
    waivers = sum(w.mark.state is State.WAIVED for w in report.waivers)
    gates = sum(g.waiting for i in rounds for g in i.gates)
    handoffs = sum(h.mark.state is State.WARN for i in rounds for h in i.handoffs)
    tasks = sum(t.mark.state is State.WARN for i in rounds if i.closed_at is None for t in i.tasks)
    firings = sum(f.waiting for f in report.firings)
    return [
        (ngettext("%(n)d finding open", "%(n)d findings open", findings), findings),
        (ngettext("%(n)d of them late", "%(n)d of them late", late), late),
        (ngettext("%(n)d waiver in force", "%(n)d waivers in force", waivers), waivers),
        (ngettext("%(n)d gate waits for a decision", "%(n)d gates wait for a decision", gates), gates),
        (ngettext("%(n)d handoff returned or late", "%(n)d handoffs returned or late", handoffs), handoffs),
        (
            ngettext("%(n)d task late, blocked or reopened", "%(n)d tasks late, blocked or reopened", tasks),
            tasks,
        ),
        (
            ngettext("%(n)d trigger waits for a decision", "%(n)d triggers wait for a decision", firings),
            firings,
        ),
    ]


def _trusted(report: LifecycleReport) -> Answer:
    ledger = report.ledger
    mark = {State.OK: _yes(), State.BAD: _no()}.get(ledger.mark.state, _attention())
    one, many = (
        "%(n)d ledger entry, root %(root)s…: %(word)s.",
        "%(n)d ledger entries, root %(root)s…: %(word)s.",
    )
    why = ngettext(one, many, ledger.size) % {
        "n": ledger.size,
        "root": ledger.root[:8],
        "word": ledger.mark.word,
    }
    return Answer(question=_("Can this record be trusted?"), mark=mark, why=why, section="ledger")


def _few(names: list[str], limit: int = 4) -> str:
    """The first names, and how many more there are."""
    shown = ", ".join(names[:limit])
    rest = len(names) - limit
    return shown if rest <= 0 else _("%(names)s and %(n)d more") % {"names": shown, "n": rest}
