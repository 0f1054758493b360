"""Words that the five lines of every executive page share."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from reports.documents import Answer, Mark, State, Verdict
from reports.documents.states import worst


def yes(question: str, why: str, section: str) -> Answer:
    """All is well there."""
    return Answer(question=question, mark=Mark(state=State.OK, word=_("yes")), why=why, section=section)


def no(question: str, why: str, section: str) -> Answer:
    """Something is wrong there."""
    return Answer(question=question, mark=Mark(state=State.BAD, word=_("no")), why=why, section=section)


def attention(question: str, why: str, section: str) -> Answer:
    """Somebody should look."""
    return Answer(
        question=question, mark=Mark(state=State.WARN, word=_("attention")), why=why, section=section
    )


def nothing(question: str, why: str, section: str) -> Answer:
    """There is nothing to judge yet."""
    return Answer(question=question, mark=Mark(state=State.IDLE, word=_("not yet")), why=why, section=section)


def judged(
    question: str, section: str, *, bad: str = "", odd: str = "", good: str = "", none: str = ""
) -> Answer:
    """The first of the four that has words: wrong, to be looked at, not begun, well."""
    if bad:
        return no(question, bad, section)
    if odd:
        return attention(question, odd, section)
    if none:
        return nothing(question, none, section)
    return yes(question, good, section)


def concluded(answers: Sequence[Answer], *, good: str) -> Verdict:
    """The gravest of the five lines as one sentence; `good` where none is grave."""
    state = worst([answer.mark.state for answer in answers])
    grave = [a.question for a in answers if a.mark.state is state]
    if state is State.BAD:
        sentence = _("No. The answer is no to: %(questions)s") % {"questions": " ".join(grave)}
        return Verdict(mark=Mark(state=state, word=_("Not in control")), sentence=sentence)
    if state in (State.WARN, State.WAIVED):
        sentence = _("Yes, with attention to: %(questions)s") % {"questions": " ".join(grave)}
        return Verdict(mark=Mark(state=State.WARN, word=_("In control, with attention")), sentence=sentence)
    if state is State.IDLE:
        return Verdict(
            mark=Mark(state=state, word=_("Not begun")), sentence=_("There is nothing to judge yet.")
        )
    return Verdict(mark=Mark(state=state, word=_("In control")), sentence=good)


def listed(names: Sequence[str], most: int = 4) -> str:
    """The first names, and how many more there are."""
    shown = ", ".join(names[:most])
    rest = len(names) - most
    return shown if rest <= 0 else _("%(names)s and %(n)d more") % {"names": shown, "n": rest}
