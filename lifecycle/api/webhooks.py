"""`/api/v1/webhooks/mlflow/<key>/`: what MLflow announces. No session, no token: the signature proves it."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lifecycle.services.connector_webhooks import (
    LONGEST,
    Sent,
    Unproven,
    open_to_webhooks,
    take_webhook,
)


class WebhookOut(serializers.Serializer[Any]):
    """What became of a webhook."""

    outcome = serializers.ChoiceField(choices=["taken", "seen_before"])


class AnyBody(BaseParser):
    """Leaves the body alone: it is judged as bytes before anything reads it."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> dict[str, bytes]:
        """At most one byte more than is allowed."""
        return {"body": stream.read(LONGEST + 1)}


class TooLarge(exceptions.APIException):
    """413."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = "A webhook has at most 10 MB."


class NotProven(exceptions.APIException):
    """401, without a challenge: there is nothing to log in with."""

    status_code = status.HTTP_401_UNAUTHORIZED
    default_code = "not_proven"


class MlflowWebhookView(APIView):
    """Takes webhooks of MLflow."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (AnyBody,)

    @extend_schema(
        request={"application/json": {"type": "object"}},
        responses={200: WebhookOut, 202: WebhookOut},
        auth=[],
        operation_id="webhooks_mlflow",
    )
    def post(self, request: Request, key: str) -> Response:
        """Announce a change of the registry; 202 the first time, 200 for a delivery that came before.

        Signed as MLflow signs: `X-MLflow-Signature`, `X-MLflow-Timestamp` (at most 5 minutes from the time
        here), `X-MLflow-Delivery-Id`. Unknown connectors and those without a webhook secret are 404.
        """
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdigit() or int(length) > LONGEST:
            raise TooLarge
        connector = open_to_webhooks(key)
        if connector is None:
            raise exceptions.NotFound(_("No connector takes webhooks here."))
        given = request.data
        body: bytes = given.get("body", b"") if isinstance(given, dict) else b""
        if len(body) > LONGEST:
            raise TooLarge
        sent = Sent(
            request.headers.get("X-MLflow-Delivery-Id", ""), request.headers.get("X-MLflow-Timestamp", ""),
            request.headers.get("X-MLflow-Signature", ""), body,
        )  # fmt: skip
        try:
            outcome = take_webhook(connector=connector, sent=sent)
        except Unproven as no:
            raise NotProven(str(no), code=no.code) from no
        done = status.HTTP_202_ACCEPTED if outcome == "taken" else status.HTTP_200_OK
        return Response({"outcome": outcome}, status=done)
