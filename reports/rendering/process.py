"""Runs the child that renders: a folder of its own, no network to speak of, a limit of memory and of time."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from reports.rendering.attachments import Attachment
from reports.rendering.errors import RenderFailed

ROOT = Path(__file__).resolve().parents[2]
# What fontconfig and Python need; secrets of the service stay out of the child.
PASSED_ON = (
    "PATH",
    "HOME",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "FONTCONFIG_FILE",
    "FONTCONFIG_PATH",
    "XDG_CACHE_HOME",
)

# Python, the C library, GLib and C++ in turn.
OUT_OF_MEMORY = ("MemoryError", "Cannot allocate memory", "failed to allocate", "std::bad_alloc")

Progress = Callable[[float, str], None]


def unheard(_fraction: float, _text: str) -> None:
    """The progress that nobody asked for."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a child may use, memory on top of the bare renderer's. A page costs about 5 MiB and 0.25 s."""

    memory_mib: int = 3072
    seconds: float = 900


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that the child is told. `images` maps a name to SVG, `labels` the id of a link target to words,
    `seal` are the words for the empty field that is signed later; without them there is none.
    """

    html: str
    identifier: str
    moment: datetime
    images: Mapping[str, str]
    labels: Mapping[str, str]
    attachments: Sequence[Attachment] = ()
    seal: str = ""


def run_job(job: Job, *, target: Path, limits: Limits, progress: Progress | None = None) -> int:
    """Render `job` to `target`, which appears whole or not at all. Returns the number of pages.

    Raises RenderFailed. If `progress` raises (a cancelled report), the child is ended and the exception
    goes on.
    """
    with tempfile.TemporaryDirectory(prefix=".render-", dir=target.parent) as name:
        folder = Path(name)
        _write_job(job, folder, limits)
        pages = _watch(folder, job.moment, limits, progress or unheard)
        with (folder / "report.pdf").open("rb") as done:
            os.fsync(done.fileno())
        (folder / "report.pdf").replace(target)
    return pages


def _write_job(job: Job, folder: Path, limits: Limits) -> None:
    for sub in ("images", "attachments"):
        (folder / sub).mkdir()
    for name, svg in job.images.items():
        (folder / "images" / name).write_text(svg, encoding="utf-8")
    for n, attachment in enumerate(job.attachments):
        (folder / "attachments" / str(n)).write_bytes(attachment.content)
    facts = {
        "html": job.html,
        "identifier": job.identifier,
        "moment": job.moment.astimezone(UTC).isoformat(),
        "images": list(job.images),
        "labels": dict(job.labels),
        "seal": job.seal,
        "memory_mib": limits.memory_mib,
        "attachments": [
            {"name": a.name, "description": a.description, "relationship": a.relationship}
            for a in job.attachments
        ],
    }
    (folder / "job.json").write_text(json.dumps(facts), encoding="utf-8")


def _environment(moment: datetime) -> dict[str, str]:
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    # Subset fonts carry a date; with this one it is the report's.
    epoch = str(int(moment.timestamp()))
    return {
        **kept,
        # Else each thread reserves a piece of memory of its own, which counts as used.
        "MALLOC_ARENA_MAX": "1",
        "SOURCE_DATE_EPOCH": epoch,
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


def _watch(folder: Path, moment: datetime, limits: Limits, progress: Progress) -> int:
    """Start the child, read what it says until it ends or its time is over. Returns the number of pages."""
    errors = folder / "stderr"
    command = [sys.executable, "-m", "reports.rendering.worker", str(folder)]
    with errors.open("wb") as sink:
        child = subprocess.Popen(  # noqa: S603  our own interpreter and module, no shell
            command,
            cwd=ROOT,
            env=_environment(moment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=sink,
        )
    last, late = _until_end(child, limits.seconds, progress)
    if late:
        text = _("The report was not finished within %(n)g seconds.") % {"n": limits.seconds}
        raise RenderFailed("timeout", text)
    if child.returncode != 0 or not last.get("done"):
        raise _failure(last, child.returncode, errors.read_text(errors="replace"), limits)
    return int(last["pages"])


def _until_end(
    child: "subprocess.Popen[bytes]", seconds: float, progress: Progress
) -> tuple[dict[str, Any], bool]:
    """The last thing that the child said, and whether its time was over. The child is gone afterwards."""
    late = threading.Event()

    def end() -> None:
        late.set()
        child.kill()

    clock = threading.Timer(seconds, end)
    clock.start()
    with child:  # waits, and closes the pipe
        try:
            last = _listen(child, progress)
            child.wait()
        finally:
            clock.cancel()
            if child.poll() is None:
                child.kill()
    return last, late.is_set()


def _listen(child: "subprocess.Popen[bytes]", progress: Progress) -> dict[str, Any]:
    last: dict[str, Any] = {}
    for line in child.stdout or ():
        last = json.loads(line)
        if last.get("step") == "layout":
            progress(last["fraction"], _("Laying out page %(n)d") % {"n": last["page"]})
        elif last.get("step") == "write":
            progress(last["fraction"], _("Writing the PDF"))
        elif last.get("step") == "polish":
            progress(last["fraction"], _("Completing tags and metadata"))
    return last


def _failure(last: Mapping[str, Any], code: int, errors: str, limits: Limits) -> RenderFailed:
    kind = str(last.get("error", ""))
    if kind == "memory" or _ran_out(kind, code, errors):
        return RenderFailed(
            "memory",
            _("The report needs more than the allowed %(n)d MiB of memory.") % {"n": limits.memory_mib},
        )
    if kind == "refused_address":
        return RenderFailed(kind, str(last["text"]))
    said = str(last.get("text") or errors.strip()[-500:] or f"exit code {code}")
    return RenderFailed("crashed", _("The renderer stopped: %(text)s") % {"text": said})


def _ran_out(kind: str, code: int, errors: str) -> bool:
    """Whether a child that could not say so ended for want of memory: as the libraries below it word it, or
    killed by the kernel, since nobody else kills it here.
    """
    return kind == "" and (code == -signal.SIGKILL or any(words in errors for words in OUT_OF_MEMORY))
