"""Time-stamps by somebody else (RFC 3161), through the one guarded way out."""

import asyncio
from pathlib import Path

from asn1crypto import pem, tsp
from asn1crypto import x509 as asn1_x509
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _
from pyhanko.sign.timestamps import TimeStamper

from lifecycle import outbound
from reports.sealing.errors import SealFailed

LIMITS = outbound.Limits(seconds=30, size=256 * 1024)
HEADERS = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}


class GuardedTimeStamper(TimeStamper):
    """Asks the service of the settings."""

    def __init__(self, url: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.url = url

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Ask, in a thread, since the guarded client is synchronous."""
        return await asyncio.to_thread(self._ask, req.dump())

    def _ask(self, question: bytes) -> tsp.TimeStampResp:
        try:
            answer = outbound.fetch("POST", self.url, body=question, headers=HEADERS, limits=LIMITS)
        except outbound.OutboundError as error:
            raise SealFailed(
                "no_time_stamp", _("The time-stamp service was not reached: %(why)s") % {"why": error}
            ) from error
        if answer.status != 200:
            text = _("The time-stamp service answered %(status)d.") % {"status": answer.status}
            raise SealFailed("no_time_stamp", text)
        return tsp.TimeStampResp.load(answer.body)


def time_stamper() -> GuardedTimeStamper | None:
    """The service that stamps, if one is set."""
    url = settings.GATEBOOK_REPORT_TSA
    return GuardedTimeStamper(url) if url else None


def trusted_roots() -> list[asn1_x509.Certificate]:
    """Certificates (PEM) that the time-stamp's and the seal's chains end at; none if the setting is empty."""
    path = settings.GATEBOOK_REPORT_ROOTS
    if not path:
        return []
    try:
        blocks = list(pem.unarmor(Path(path).read_bytes(), multiple=True))
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"GATEBOOK_REPORT_ROOTS names {path}: {error}") from error
    return [asn1_x509.Certificate.load(der) for _kind, _head, der in blocks]
