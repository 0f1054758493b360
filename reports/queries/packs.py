"""An audit pack: a sealed report with all that is needed to read and to check it, in one ZIP.

What lies inside the PDF is laid beside it as files, byte for byte, for those who do not open attachments.
"""

import io
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from ledger.publishing import origin, verifiers
from reports import verify
from reports.formats.archives import File, write_archive
from reports.formats.comma import csv_bytes
from reports.formats.tables import tables_of
from reports.models import Report
from reports.queries.files import opened

PROOFS = ("entry.json", "report.tlog-proof", "checkpoint.txt", "consistency.json")
README = """\
{title}
{underline}

{name} as of {as_of}, report {report}.
Ledger: {origin}

report.pdf      the report: sealed, with everything below inside it
data.json       its content as data; tables/ has the same as CSV
evidence/       evidence.json and the frozen snapshots that it names by their SHA-256
attestations/   the gates' sign-offs as in-toto statements (DSSE), where the report has any
proofs/         its entry in the ledger, the entry's inclusion, the signed checkpoint
keys.txt        the public keys of the ledger, as the site gives them today
verify.py       checks the report; it needs Python 3.9 or newer, nothing else, and no connection

To check it:

    python verify.py report.pdf --key keys.txt

A key is as good as the way it came by. Compare keys.txt with a key that you noted before you got this pack,
or that somebody else gave you. With a checkpoint of your own, add --checkpoint FILE.

SHA-256 of report.pdf: {digest}
"""


def pack_bytes(report: Report, data: dict[str, Any]) -> bytes:
    """The ZIP; equal while the ledger has the same keys. Raises Http404 if the PDF is gone."""
    with opened(report, report.path) as file:
        pdf = bytes(file.read())
    out = io.BytesIO()
    write_archive(out, _files(report, pdf, data), datetime.fromisoformat(data["as_of"]))
    return out.getvalue()


def _files(report: Report, pdf: bytes, data: dict[str, Any]) -> Iterator[File]:
    yield "README.txt", _readme(report, data).encode()
    yield "report.pdf", pdf
    with opened(report, report.data_path) as file:
        yield "data.json", bytes(file.read())
    for table in tables_of(data):
        yield f"tables/{table.name}.csv", csv_bytes(table)
    yield from _inside(pdf)
    yield "keys.txt", "".join(f"{key}\n" for key in verifiers()).encode()
    yield "verify.py", Path(verify.__file__).read_bytes()


def _readme(report: Report, data: dict[str, Any]) -> str:
    return README.format(
        title=data["title"],
        underline="=" * len(data["title"]),
        name=data["name"],
        as_of=data["as_of"],
        report=data["report"],
        origin=origin(),
        digest=report.digest,
    )


def _inside(pdf: bytes) -> Iterator[File]:
    """The attachments, each in the folder of its sort, under the last part of its name."""
    import pikepdf  # noqa: PLC0415  (only a pack opens the file)

    with pikepdf.open(io.BytesIO(pdf)) as document:
        for name in sorted(document.attachments):
            content = document.attachments[name].get_file().read_bytes()
            yield f"{_folder(name)}/{PurePosixPath(name).name}", content


def _folder(name: str) -> str:
    if name in PROOFS:
        return "proofs"
    return "attestations" if name.endswith(".dsse.json") else "evidence"
