"""One increment behind the body: the proofs are put in, and the signature over the whole file.

The body stays as it is, byte for byte, so that its digest, which the ledger has, can be checked in the
sealed file itself. pyHanko rewrites the catalogue, what it names, and the field: no page.
"""

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.embed import EmbeddedFileObject, EmbeddedFileParams, FileSpec
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator import ValidationContext

from reports.rendering.attachments import Attachment
from reports.rendering.polish import SEAL
from reports.sealing.errors import SealFailed
from reports.sealing.identity import Identity
from reports.sealing.stamps import time_stamper, trusted_roots

MIME = {"json": "application/json", "txt": "text/plain"}


class _Writer(IncrementalPdfFileWriter):
    """Leaves alone what was checked: metadata with its dates, and the version that PDF/A-3 asks for."""

    def _update_meta(self) -> None:
        pass

    def ensure_output_version(self, version: tuple[int, int]) -> None:
        pass


def seal(body: bytes, *, by: Identity, proofs: Sequence[Attachment], moment: datetime) -> bytes:
    """The body and one increment: PAdES, B-B; B-T with a time-stamp service; B-LT with known roots as well.

    Certified: nothing may be changed afterwards. Raises SealFailed.
    """
    if not by.valid_from <= moment <= by.valid_until:
        until = f"{by.valid_until:%Y-%m-%d}"
        raise SealFailed(
            "expired", _("The certificate for reports was valid until %(until)s.") % {"until": until}
        )
    writer = _Writer(io.BytesIO(body))
    _embed(writer, proofs, moment)
    stamper, roots = time_stamper(), trusted_roots()
    long_term: dict[str, Any] = {}
    if stamper is not None and roots:
        context = ValidationContext(trust_roots=[*roots, by.certificate], allow_fetching=True)
        long_term = {"embed_validation_info": True, "validation_context": context}
    about = signers.PdfSignatureMetadata(
        field_name=SEAL,
        subfilter=fields.SigSeedSubFilter.PADES,
        md_algorithm="sha256",
        reason=_("Seal of the report"),
        certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
        **long_term,
    )
    style = StaticStampStyle(border_width=0, background=None)
    signer = signers.PdfSigner(about, by.signer, timestamper=stamper, stamp_style=style)
    # pyHanko runs a loop of its own, which a thread that has one already (an asynchronous server) refuses.
    with ThreadPoolExecutor(max_workers=1) as one:
        sealed: bytes = one.submit(signer.sign_pdf, writer).result().getvalue()
    return sealed


def _embed(writer: _Writer, proofs: Sequence[Attachment], moment: datetime) -> None:
    """Into the name tree, which is kept in order, and among the files associated with the document."""
    tree = writer.root["/Names"]["/EmbeddedFiles"]
    names = tree["/Names"]
    found = {str(names[n]): names.raw_get(n + 1) for n in range(0, len(names), 2)}
    associated = writer.root["/AF"]
    for proof in proofs:
        reference = writer.add_object(_spec(writer, proof, moment))
        found[proof.name] = reference
        associated.append(reference)
    pairs = [part for name in sorted(found) for part in (generic.pdf_string(name), found[name])]
    tree["/Names"] = generic.ArrayObject(pairs)
    writer.update_container(tree)
    writer.update_container(associated)
    writer.update_root()  # type: ignore[no-untyped-call]


def _spec(writer: _Writer, proof: Attachment, moment: datetime) -> generic.DictionaryObject:
    stream = EmbeddedFileObject.from_file_data(
        writer,
        proof.content,
        params=EmbeddedFileParams(creation_date=moment, modification_date=moment),
        mime_type=MIME.get(proof.name.rsplit(".", 1)[-1], "text/plain"),
    )
    spec = FileSpec(
        file_spec_string=proof.name,
        file_name=proof.name,
        embedded_data=stream,
        description=proof.description,
        af_relationship=generic.pdf_name(f"/{proof.relationship}"),
    )
    return spec.as_pdf_object()
