"""`POST /api/v1/admission`: the validating webhook of a Kubernetes cluster (`admission.k8s.io/v1`)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, cast

from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.admission import API_VERSION, read_review, uid_in
from governance.errors import Invalid
from governance.services.admissions import admit
from governance.services.gate_checks import unreachable
from lifecycle.models import User

MOST_BYTES = 4 * 1024 * 1024
"""Kubernetes keeps objects of up to 1.5 MiB, and a review holds the old one beside the new one."""


class AdmissionView(APIView):
    """Answers with `allowed` and the reason; whatever cannot be read is not allowed."""

    permission_classes = (IsAuthenticated,)
    required_scopes = ("gate_check", "write")

    @extend_schema(
        operation_id="admission",
        request={"application/json": OpenApiTypes.OBJECT},
        responses=OpenApiTypes.OBJECT,
    )
    def post(self, request: Request) -> Response:
        """Judge one object."""
        if _length(request) > MOST_BYTES:
            return _answer(
                "", allowed=False, reason="The review is too large.", code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            )
        review = self._review()
        try:
            question = read_review(review)
        except Invalid as no:
            return _answer(
                uid_in(review), allowed=False, reason=f"{no.where}: {no}", code=HTTPStatus.BAD_REQUEST
            )
        found = admit(question=question, actor=cast("User", request.user))
        return _answer(question.uid, allowed=found.allowed, reason=found.reason, digests=found.digests)

    def handle_exception(self, exc: Exception) -> Response:
        """A database that does not answer, be it for the token's sake, is a "deny" with the uid."""
        if isinstance(exc, DatabaseError):
            return _answer(uid_in(self._review()), allowed=False, reason=unreachable("", "", {}).reason)
        return super().handle_exception(exc)

    def _review(self) -> object:
        try:
            return json.loads(self.request._request.body)  # noqa: SLF001  # before any parser has a say
        except (ValueError, RecursionError, RequestDataTooBig):
            return None


def _length(request: Request) -> int:
    text = str(request.META.get("CONTENT_LENGTH") or 0)
    return int(text) if text.isdigit() else 0


def _answer(
    uid: str, *, allowed: bool, reason: str, code: int = HTTPStatus.FORBIDDEN, digests: tuple[str, ...] = ()
) -> Response:
    response: dict[str, Any] = {"uid": uid, "allowed": allowed}
    if not allowed:
        response["status"] = {"code": int(code), "message": f"Gatebook: {reason}"}
    response["auditAnnotations"] = {"reason": reason[:1000], "models": ",".join(digests)}
    # The HTTP status is 200 even for what could not be read: the API server reads the answer only then.
    return Response({"apiVersion": API_VERSION, "kind": "AdmissionReview", "response": response})
