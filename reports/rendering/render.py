"""Renders a report: the one door to this package."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from reports.documents.lifecycle import LifecycleReport
from reports.rendering.attachments import Attachment, evidence_attachment
from reports.rendering.pages import Page, lifecycle_page
from reports.rendering.process import Job, Limits, Progress, run_job, unheard


@dataclass(frozen=True, kw_only=True)
class RenderedPdf:
    """A finished file. `sha256` is lowercase hexadecimal."""

    path: Path
    sha256: str
    pages: int


def render_pdf(
    report: LifecycleReport,
    *,
    out: Path,
    attachments: Sequence[Attachment] = (),
    progress: Progress | None = None,
    limits: Limits = Limits(),  # noqa: B008  frozen, so one for all calls is safe
) -> RenderedPdf:
    """The lifecycle report as `render_page` makes it, with `evidence.json` and `attachments` inside."""
    tell = progress or unheard
    tell(0.0, _("Drawing charts"))
    files = [evidence_attachment(report), *attachments]
    return render_page(lifecycle_page(report), out=out, attachments=files, progress=tell, limits=limits)


def render_page(
    page: Page,
    *,
    out: Path,
    attachments: Sequence[Attachment] = (),
    progress: Progress | None = None,
    limits: Limits = Limits(),  # noqa: B008  frozen, so one for all calls is safe
) -> RenderedPdf:
    """A page as tagged PDF/A-3a and PDF/UA-1 with `attachments` inside and an empty field for the seal.

    Equal page and attachments give a byte-identical file. `progress(fraction, text)` is called from 0 to
    1 and may raise to cancel. Raises RenderFailed; `out` is then as it was before.
    """
    tell = progress or unheard
    tell(0.1, _("Starting the renderer"))
    out.parent.mkdir(parents=True, exist_ok=True)
    job = Job(
        html=page.html,
        identifier=page.identifier,
        moment=page.moment,
        images=page.images,
        labels=page.labels,
        attachments=attachments,
        seal=_("Electronic seal of the report"),
    )
    pages = run_job(job, target=out, limits=limits, progress=tell)
    tell(1.0, _("Done"))
    return RenderedPdf(path=out, sha256=_digest(out), pages=pages)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
