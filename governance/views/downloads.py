"""What can be taken along: the verifier of passes, one file that runs anywhere; the form of sign-offs."""

from __future__ import annotations

from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from governance.offline import verify_gate


@require_safe
def verifier(request: HttpRequest) -> HttpResponse:
    """The offline verifier as a file. No query, and no log-in: it says nothing of anybody."""
    answer = HttpResponse(
        Path(verify_gate.__file__).read_bytes(), content_type="text/x-python; charset=utf-8"
    )
    answer["Content-Disposition"] = 'attachment; filename="verify_gate.py"'
    return answer


@require_safe
def sign_off_schema(request: HttpRequest) -> HttpResponse:
    """The JSON Schema of the sign-off predicate. No query, and no log-in: it says nothing of anybody."""
    found = Path(verify_gate.__file__).with_name("sign-off-1.schema.json").read_bytes()
    return HttpResponse(found, content_type="application/schema+json")
