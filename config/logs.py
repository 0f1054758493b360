"""How every process of Gatebook logs: one line an event to the standard error, as text or as JSON."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

# Not lines of ours: what happens every few seconds is told only when it goes wrong.
QUIET = [
    "celery.app.trace",
    "celery.beat",
    "celery.worker.strategy",
    "fontTools",
    "gunicorn.access",
    "urllib3",  # names addresses whole, and some of them are secrets
    "kombu",
    "weasyprint",
]
# These bring handlers of their own, which are put aside so that no line is written twice.
OWN_HANDLERS = ["django", "django.server", "gunicorn.error"]


def log_settings(form: str, level: str) -> dict[str, Any]:
    """The `LOGGING` dictionary for a form (`text` or `json`) and a least level."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"format": "{asctime} {levelname:<7} {name}: {message}", "style": "{"},
            "json": {"()": "config.logs.JsonFormatter"},
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "json" if form == "json" else "text"}
        },
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            **{name: {"handlers": [], "propagate": True} for name in OWN_HANDLERS},
            **{name: {"handlers": [], "level": "WARNING", "propagate": True} for name in QUIET},
        },
    }


class JsonFormatter(logging.Formatter):
    """Time in UTC, level, logger, process, message, and the traceback when there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
