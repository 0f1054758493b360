"""What people said about a framework: assurances, exclusions, the classification."""

from django.utils.translation import gettext as _

from reports.documents.compliance import Compliance
from reports.papers.blocks import Part, Prose, Table
from reports.papers.common import DAY, DIGEST, STATE, TEXT, column


def assured_table(found: Compliance) -> Table:
    """Signed words of people, each with its end."""
    return Table(
        name="assurances",
        caption=_("Assurances"),
        columns=(
            column("control", _("Control"), TEXT, 25),
            column("statement", _("What was signed")),
            column("signed_by", _("By"), TEXT, 28),
            column("signed_at", _("On"), DAY, 20),
            column("expires_on", _("Until"), DAY, 20),
            column("digest", _("SHA-256"), DIGEST, 18),
            column("state", _("State"), STATE, 19),
        ),
        rows=tuple(
            (
                a.label,
                f"{a.statement} ({a.link})" if a.link else a.statement,
                a.signed_by,
                a.signed_at,
                a.expires_on,
                a.digest,
                a.mark,
            )
            for a in found.assured
        ),
        empty=_("Nobody has vouched for a control."),
        compact=True,
    )


def excluded_table(found: Compliance) -> Table:
    """What a person has ruled out."""
    return Table(
        name="exclusions",
        caption=_("Controls that a person has ruled out"),
        columns=(
            column("control", _("Control"), TEXT, 25),
            column("title", _("What it asks for")),
            column("reason", _("Why it has no bearing"), TEXT, 56),
            column("decided_by", _("By"), TEXT, 28),
            column("decided_at", _("On"), DAY, 20),
        ),
        rows=tuple((e.label, e.title, e.reason, e.decided_by, e.decided_at) for e in found.excluded),
        empty=_("Nobody has ruled out a control."),
        compact=True,
    )


def classification_part(found: Compliance) -> Part:
    """What the project is by law, as it was signed."""
    said = found.classified
    title = _("Classification")
    if said is None:
        answer = _("Nobody has classified the project yet: every control counts until somebody has.")
        return Part(id="classification", title=title, answer=answer, blocks=())
    answer = _("Number %(n)d, signed by %(name)s on %(day)s: risk class %(risk)s.") % {
        "n": said.number, "name": said.signed_by, "day": f"{said.signed_at:%-d %B %Y, %H:%M} UTC",
        "risk": said.risk_class.lower(),
    }  # fmt: skip
    blocks: list[Prose | Table] = []
    if not said.current:
        blocks.append(
            Prose(text=_("The purpose of the project has changed since. It has to be classified anew."))
        )
    blocks += [Prose(text=" ".join(said.reasons)), Prose(lead=_("SHA-256."), text=said.digest)]
    table = Table(
        name="classification",
        caption=_("Questions and answers"),
        columns=(column("question", _("Question"), TEXT, 96), column("answer", _("Answer"))),
        rows=said.answers,
        compact=True,
    )
    return Part(id="classification", title=title, answer=answer, blocks=(*blocks, table))
