"""`POST /api/v1/webhooks/github/`: GitHub's deployment protection rule asks. The signature proves it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.db import DatabaseError
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.services.gate_checks import unreachable
from governance.services.protection_rules import LONGEST, Sent, Unproven, take_question, takes_webhooks
from lifecycle.api.webhooks import AnyBody, NotProven, TooLarge


class GithubWebhookOut(serializers.Serializer[Any]):
    """What became of it."""

    outcome = serializers.ChoiceField(choices=["taken", "seen_before", "ignored"])


class GithubWebhookView(APIView):
    """Takes `deployment_protection_rule`; what it asks is answered to GitHub by a worker."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (AnyBody,)

    @extend_schema(
        request={"application/json": {"type": "object"}}, auth=[], operation_id="webhooks_github",
        responses={200: GithubWebhookOut, 202: GithubWebhookOut},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """202 for a question that is new; 404 while no app is set up."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdigit() or int(length) > LONGEST:
            raise TooLarge
        if not takes_webhooks():
            raise exceptions.NotFound(_("No GitHub app is set up here."))
        given = request.data
        body: bytes = given.get("body", b"") if isinstance(given, dict) else b""
        if len(body) > LONGEST:
            raise TooLarge
        heads = request.headers
        sent = Sent(
            heads.get("X-GitHub-Event", ""), heads.get("X-GitHub-Delivery", ""),
            heads.get("X-Hub-Signature-256", ""), body,
        )  # fmt: skip
        try:
            outcome = take_question(sent)
        except Unproven as no:
            raise NotProven(str(no), code="bad_signature") from no
        done = status.HTTP_202_ACCEPTED if outcome == "taken" else status.HTTP_200_OK
        return Response({"outcome": outcome}, status=done)

    def handle_exception(self, exc: Exception) -> Response:
        """Without a database nothing is taken and nothing approved: the job goes on waiting."""
        if isinstance(exc, DatabaseError):
            denied = {"outcome": "not_taken", "reason": unreachable("", "", {}).reason}
            return Response(denied, status=HTTPStatus.SERVICE_UNAVAILABLE)
        return super().handle_exception(exc)
