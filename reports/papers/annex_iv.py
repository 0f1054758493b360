"""The technical documentation of Annex IV of the EU AI Act, item by item, from records.

What no record tells is marked as open: nothing is made up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.charts.stacks import Stack, stacks
from reports.documents import Answer, LifecycleReport, Mark, State, Verdict
from reports.documents.compliance import Check, Compliance, Control
from reports.papers.annex_iv_tables import (
    data_tables,
    decided_table,
    firing_table,
    iteration_table,
    parameter_table,
    people_table,
    software_table,
    task_table,
    version_table,
    window_table,
)
from reports.papers.answers import judged, listed
from reports.papers.blocks import Block, Drawing, Paper, Part, Prose, Table
from reports.papers.common import (
    STATE,
    TEXT,
    all_runs,
    authorization_table,
    column,
    deployment_table,
    ledger_part,
    measure_table,
    of_project,
    renamed,
    run_table,
)
from reports.papers.compliance import check_table, framework_facts, record_table
from reports.papers.compliance_said import classification_part
from reports.papers.data_sheet import DataFacts
from reports.papers.model_card import ModelFacts
from reports.papers.risk_register import risk_table

PREFIX = "aia-iv."


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Everything that the items are assembled from."""

    report: LifecycleReport
    found: Compliance
    versions: Sequence[ModelFacts] = ()
    data: Sequence[DataFacts] = ()
    uses: Sequence[str] = ()
    overseers: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, kw_only=True)
class Item:
    """One item with its state and what records tell of it."""

    control: Control
    mark: Mark
    blocks: tuple[Block, ...]


def annex_iv(sources: Sources) -> Paper:
    """The whole documentation."""
    report, found = sources.report, sources.found
    items = [_item(each, sources) for each in found.controls if each.id.startswith(PREFIX)]
    groups = _groups(items)
    return of_project(
        report,
        report_id=renamed(report, "TD"),
        kind="annex-iv",
        name=_("Technical documentation, Annex IV"),
        title=report.project.name,
        subtitle=found.title,
        asked=_("Is the documentation whole?"),
        verdict=_verdict(items, found),
        answers=_answers(items, sources),
        facts=framework_facts(found),
        picture=_picture(groups),
        snapshots=report.evidence,
        parts=(
            Part(
                id="items",
                title=_("Items of Annex IV"),
                answer=_counted(items),
                blocks=(_overview(items),),
                runon=False,
            ),
            *(_part(number, name, group) for number, name, group in groups),
            classification_part(found),
            _behind(items, found),
            ledger_part(
                _("Assembled from records; what no record tells is marked as open and has to be written."),
                report,
            ),
        ),
    )


def _item(control: Control, sources: Sources) -> Item:
    """An item is written when records tell of it and its checks hold; to be completed when only one does."""
    if not control.applies:
        return Item(control=control, mark=_mark(control, ()), blocks=())
    told = TELLS.get(control.id, _nothing)(sources)
    said = [
        Prose(lead=f"{a.signed_by}, {a.signed_at:%-d %b %Y} – {a.expires_on:%-d %b %Y}:", text=a.statement)
        for a in sources.found.assured
        if a.control == control.id and a.mark.state is State.OK
    ]
    behind = task_table(control, sources.report)
    blocks = (*(b for b in told if not isinstance(b, Table) or b.rows), *said, *((behind,) if behind else ()))
    return Item(control=control, mark=_mark(control, blocks), blocks=blocks)


def _mark(control: Control, blocks: Sequence[Block]) -> Mark:
    if not control.applies:
        return Mark(state=State.IDLE, word=_("has no bearing"))
    if control.mark.state is State.BAD:
        return Mark(state=State.BAD, word=_("contradicted"))
    if not blocks:
        return Mark(state=State.IDLE, word=_("open"))
    if not control.good:
        return Mark(state=State.WARN, word=_("to be completed"))
    if control.mark.state is State.WAIVED:
        return Mark(state=State.WAIVED, word=_("told, with a waiver"))
    return Mark(state=State.OK, word=_("told by records"))


def _groups(items: Sequence[Item]) -> list[tuple[str, str, list[Item]]]:
    """The items by their point: its number, what it is called, its items."""
    titles = {
        "1": _("General description"), "2": _("Elements and development"), "3": _("Monitoring and control"),
        "4": _("Metrics"), "5": _("Risk management"), "6": _("Changes"), "7": _("Standards"),
        "8": _("Declaration of conformity"), "9": _("After release"),
    }  # fmt: skip
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.control.id.removeprefix(PREFIX).split(".")[0], []).append(item)
    return [
        (n, _("Point %(n)s: %(title)s") % {"n": n, "title": titles.get(n, "–")}, group)
        for n, group in found.items()
    ]


def _part(number: str, name: str, group: Sequence[Item]) -> Part:
    blocks: list[Block] = []
    for item in group:
        head = f"{item.control.label}: {item.control.title}."
        state = _state_words(item)
        blocks += [Prose(lead=head, text=state), *item.blocks]
    return Part(id=f"point-{number}", title=name, answer=_counted(group), blocks=tuple(blocks))


def _state_words(item: Item) -> str:
    if not item.control.applies:
        return _("Has no bearing: %(why)s") % {"why": item.control.reason}
    if not item.blocks and item.control.good:
        return _("OPEN: its checks hold, but no record says it in words; it has to be written.")
    if not item.blocks and item.mark.state is State.IDLE:
        return _("OPEN: no record tells this; it has to be written.")
    if item.mark.state is State.BAD:
        return _("CONTRADICTED: %(why)s") % {"why": item.control.why}
    word = item.mark.word
    return word[:1].upper() + word[1:] + "."


def _overview(items: Sequence[Item]) -> Table:
    return Table(
        name="items",
        caption=_("Every item and how far records tell it"),
        columns=(
            column("item", _("Item"), TEXT, 26),
            column("title", _("What it asks for")),
            column("state", _("State"), STATE, 34),
            column("why", _("What its checks say"), TEXT, 52),
        ),
        rows=tuple((i.control.label, i.control.title, i.mark, i.control.why) for i in items),
        empty=_("This version of the framework lists no item of Annex IV."),
        compact=True,
    )


def _behind(items: Sequence[Item], found: Compliance) -> Part:
    """The checks that the items rest on, with the records that they looked at."""
    keys = dict.fromkeys(key for item in items if item.control.applies for key in item.control.checks)
    checks: list[Check] = [check for key in keys if (check := found.check(key)) is not None]
    answer = _("%(n)d checks decide how far an item is told.") % {"n": len(checks)}
    blocks = (check_table(checks), record_table(checks))
    return Part(id="checks", title=_("Checks and their records"), answer=answer, blocks=blocks, annex=True)


def _of(items: Sequence[Item], *states: State) -> list[str]:
    return [i.control.label for i in items if i.control.applies and i.mark.state in states]


def _counted(items: Sequence[Item]) -> str:
    asked = [item for item in items if item.control.applies]
    if not asked:
        return _("None of its items has a bearing.") if items else _("It lists no item.")
    told, half = _of(items, State.OK, State.WAIVED), _of(items, State.WARN)
    text = ngettext(
        "Of %(n)d item that is asked for, records tell %(a)d; %(b)d to be completed, %(c)d open.",
        "Of %(n)d items that are asked for, records tell %(a)d; %(b)d are to be completed, %(c)d are open.",
        len(asked),
    ) % {"n": len(asked), "a": len(told), "b": len(half), "c": len(_of(items, State.IDLE))}
    bad = _of(items, State.BAD)
    return text + " " + _("Contradicted: %(codes)s.") % {"codes": listed(bad)} if bad else text


def _verdict(items: Sequence[Item], found: Compliance) -> Verdict:
    said = _counted(items)
    if not any(item.control.applies for item in items):
        return Verdict(mark=Mark(state=State.IDLE, word=_("not asked for")), sentence=said)
    if _of(items, State.BAD):
        return Verdict(mark=Mark(state=State.BAD, word=_("contradicted")), sentence=said)
    if _of(items, State.WARN, State.IDLE) or found.classified is None:
        return Verdict(mark=Mark(state=State.WARN, word=_("not whole yet")), sentence=said)
    return Verdict(mark=Mark(state=State.OK, word=_("whole")), sentence=said)


def _picture(groups: Sequence[tuple[str, str, Sequence[Item]]]) -> Drawing | None:
    order = (State.OK, State.WAIVED, State.WARN, State.BAD, State.IDLE)
    lines = []
    for _number, name, group in groups:
        applying = [item for item in group if item.control.applies]
        if not applying:
            continue
        counts = {state: sum(item.mark.state is state for item in applying) for state in order}
        parts = tuple((state, n) for state, n in counts.items() if n)
        told = counts[State.OK] + counts[State.WAIVED]
        words = _("%(a)d of %(b)d") % {"a": told, "b": len(applying)}
        lines.append(Stack(label=name, parts=parts, words=words))
    if not lines:
        return None
    return Drawing(
        name="told",
        svg=stacks(lines),
        alt="; ".join(f"{line.label}: {line.words}" for line in lines) + ".",
        conclusion=_("How much of each point records tell."),
        note=_(
            "Circle: told by records. Diamond: with a waiver. Triangle: to be completed. Square: a record "
            "contradicts it. Ring: open."
        ),
    )


def _answers(items: Sequence[Item], sources: Sources) -> tuple[Answer, ...]:
    open_ = _of(items, State.IDLE)
    half, bad = _of(items, State.WARN), _of(items, State.BAD)
    frozen = len(sources.report.evidence)
    classified = sources.found.classified
    none = "" if any(i.control.applies for i in items) else _("No item is asked for.")
    return (
        judged(
            _("Is anything told of every item?"),
            "items",
            none=none,
            odd=_("Open: %(codes)s.") % {"codes": listed(open_)} if open_ else "",
            good=_("Of each."),
        ),
        judged(
            _("Is what is told complete?"),
            "items",
            none=none,
            odd=_("To be completed: %(codes)s.") % {"codes": listed(half)} if half else "",
            good=_("The checks of each item hold."),
        ),
        judged(
            _("Is it free of contradictions?"),
            "items",
            none=none,
            bad=_("Contradicted: %(codes)s.") % {"codes": listed(bad)} if bad else "",
            good=_("No record contradicts an item."),
        ),
        judged(
            _("Is it known whether it is asked?"),
            "classification",
            none="" if classified else _("Nobody has classified the system: every item counts."),
            odd="" if classified is None or classified.current else _("The purpose has changed since."),
            good=_("Classified as %(risk)s, signed by %(name)s.")
            % {"risk": classified.risk_class.lower(), "name": classified.signed_by}
            if classified
            else "",
        ),
        judged(
            _("Is the evidence in it?"),
            "items",
            none="" if frozen else _("Nothing has been frozen as evidence yet."),
            good=_("%(n)d frozen records are attached or named by digest.") % {"n": frozen},
        ),
    )


Tells = Callable[[Sources], Sequence[Block]]


def _nothing(_sources: Sources) -> Sequence[Block]:
    return ()


def _general(s: Sources) -> Sequence[Block]:
    project = s.report.project
    role = s.found.classified.role if s.found.classified else ""
    who = [Prose(lead=_("Role of the organization."), text=role)] if role else []
    purpose = [Prose(lead=_("Purpose."), text=project.purpose)] if project.purpose else []
    return (*purpose, *who, Prose(lead=_("Answers for it."), text=project.owner), version_table(s.versions))


def _development(s: Sources) -> Sequence[Block]:
    return (run_table(all_runs(s.report)),)


def _training(s: Sources) -> Sequence[Block]:
    return (parameter_table([r for r in all_runs(s.report) if r.parameters]),)


def _metrics(s: Sources) -> Sequence[Block]:
    return (measure_table([r for r in all_runs(s.report) if r.measures]),)


def _tested(s: Sources) -> Sequence[Block]:
    return (*_metrics(s), decided_table(s.report))


def _oversight(s: Sources) -> Sequence[Block]:
    return (people_table(s.overseers),)


def _limits(s: Sources) -> Sequence[Block]:
    uses = [Prose(lead=_("Approved use."), text=each) for each in s.uses]
    return (*uses, authorization_table(s.report.authorizations))


def _afterwards(s: Sources) -> Sequence[Block]:
    windows = window_table(s.report)
    if not windows.rows or not s.report.firings:
        return (windows,)
    return (windows, Prose(text=_("What triggers saw and what was done stands under point 2(f).")))


TELLS: dict[str, Tells] = {
    "aia-iv.1.a": _general,
    "aia-iv.1.c": lambda s: (software_table(all_runs(s.report)),),
    "aia-iv.1.d": lambda s: (deployment_table(s.report.deployments),),
    "aia-iv.2.a": _development,
    "aia-iv.2.c": _training,
    "aia-iv.2.d": lambda s: data_tables(s.data),
    "aia-iv.2.e": _oversight,
    "aia-iv.2.f": lambda s: (firing_table(s.report),),
    "aia-iv.2.g": _tested,
    "aia-iv.3": _limits,
    "aia-iv.5": lambda s: (risk_table(s.report.risks),),
    "aia-iv.6": lambda s: (iteration_table(s.report),),
    "aia-iv.9": _afterwards,
}
