"""The one place that speaks to the broker: one short try, and a dead broker costs a log line."""

import logging
import time

from celery import current_app
from celery.exceptions import CeleryError
from django.conf import settings
from kombu.exceptions import KombuError

log = logging.getLogger(__name__)

CONNECT_SECONDS = 2
QUIET_SECONDS = 10.0
"""After a failure the broker is left alone this long, so that no page waits for it again and again."""

_quiet_until = 0.0


def send(job_id: int) -> bool:
    """Tell the broker that a job is there; False, never an error, if it cannot be told.

    The message goes stale when the sweep would send another one, so that copies do not pile up.
    """
    global _quiet_until  # noqa: PLW0603  # what this process knows about its broker
    if time.monotonic() < _quiet_until:
        return False
    try:
        _publish(job_id)
    except (KombuError, CeleryError, OSError, EOFError) as error:
        _quiet_until = time.monotonic() + QUIET_SECONDS
        log.warning("the broker does not answer; job %s waits for the sweep (%s)", job_id, error)
        return False
    _quiet_until = 0.0
    return True


def _publish(job_id: int) -> None:
    url = str(current_app.conf.broker_write_url or current_app.conf.broker_url)
    with current_app.connection_for_write(
        url, connect_timeout=CONNECT_SECONDS, transport_options=_impatient(url)
    ) as broker:
        current_app.send_task(
            "lifecycle.deliver",
            args=[job_id],
            connection=broker,
            retry=False,
            expires=float(settings.OUTBOX_RESEND_SECONDS),
        )


def _impatient(url: str) -> dict[str, object]:
    """The broker's own options, plus those that end a wait early. By default kombu tries for ever."""
    options: dict[str, object] = {**current_app.conf.broker_transport_options, "max_retries": 0}
    if url.startswith(("redis", "sentinel")):
        options |= {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": CONNECT_SECONDS}
    return options
