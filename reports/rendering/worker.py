"""The child process that renders one report: `python -m reports.rendering.worker FOLDER`.

FOLDER holds `job.json` (see `process.Job`), the pictures and the attachments; the child writes `report.pdf`
there. It says what it does in JSON lines on standard output. It needs no settings, no database and no
network.
"""

import io
import json
import logging
import os
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pikepdf

from reports.rendering import layout
from reports.rendering.fetch import RefusedAddress
from reports.rendering.memory import MEBI, Budget, ran_out
from reports.rendering.polish import polish


def main(folder: Path) -> int:
    """0 and `report.pdf`, or 1 with a last line that says why."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    needs_more = f"needs more than {job['memory_mib']} MiB"
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warm_up()
    budget = Budget(int(job["memory_mib"]) * MEBI)
    try:
        with budget.watched(lambda: leave(fail("memory", needs_more))):
            pages = render(job, folder)
    except RefusedAddress as refused:
        return fail("refused_address", str(refused))
    except Exception as problem:  # noqa: BLE001  the edge of this process: what failed must reach the parent in words
        if ran_out(problem) or budget.spent():
            return fail("memory", needs_more)
        return fail("crashed", f"{type(problem).__name__}: {problem}")
    say(done=True, pages=pages)
    return 0


def warm_up() -> None:
    """Render an empty page, so that all modules, libraries and fonts are loaded before memory is counted."""
    layout.write(
        layout.lay_out("<title>-</title>", {}), identifier="-", moment=datetime.now(UTC), attachments=[]
    )


def render(job: dict[str, Any], folder: Path) -> int:
    """Lay out, write, polish, save. Returns the number of pages."""
    report_layout_progress()
    images = {name: folder / "images" / name for name in job["images"]}
    document = layout.lay_out(job["html"], images)
    pages = len(document.pages)
    say(step="write", fraction=0.75)
    files = [(folder / "attachments" / str(n), facts) for n, facts in enumerate(job["attachments"])]
    raw = layout.write(
        document,
        identifier=job["identifier"],
        moment=datetime.fromisoformat(job["moment"]),
        attachments=files,
    )
    say(step="polish", fraction=0.92)
    with pikepdf.open(io.BytesIO(raw)) as pdf:
        polish(pdf, job["labels"], job["seal"])
        pdf.save(
            folder / "report.pdf",
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            fix_metadata_version=False,
            deterministic_id=True,
        )
    return pages


def say(**facts: object) -> None:
    """One line for the parent, written at once: the memory's timer may break in anywhere."""
    os.write(sys.stdout.fileno(), (json.dumps(facts) + "\n").encode())


def fail(code: str, text: str) -> int:
    """The last line for the parent."""
    say(error=code, text=text[:500])
    return 1


def leave(code: int) -> None:
    """End here and now, with nothing tidied up, since that would take memory."""
    os._exit(code)


class LayoutProgress(logging.Handler):
    """Turns WeasyPrint's progress log into lines for the parent. How many pages come is not known
    beforehand.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Pass on the number of the page that is laid out."""
        text = record.getMessage()
        if "page" in text.lower() and text.split()[-1].isdigit():
            page = int(text.split()[-1])
            say(step="layout", page=page, fraction=round(0.1 + 0.6 * page / (page + 20), 3))


def report_layout_progress() -> None:
    """Listen to WeasyPrint."""
    logger = logging.getLogger("weasyprint.progress")
    logger.setLevel(logging.INFO)
    logger.handlers = [LayoutProgress()]
    logger.propagate = False


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
