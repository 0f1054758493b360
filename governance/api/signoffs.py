"""`/api/v1/gates/{id}/signoffs/`: the signatures under a gate; signing by the same service as the page."""

from __future__ import annotations

from http import HTTPStatus
from typing import cast

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.models import Gate, Signoff
from governance.queries.pages import gates_visible_to
from governance.services.signoffs import sign_gate
from lifecycle.models import User


class SignoffOut(serializers.ModelSerializer[Signoff]):
    """A signature as it stands under the record: who, when, what it means, under which digest."""

    class Meta:
        model = Signoff
        fields = (
            "id", "gate", "evaluation", "signer_name", "decision", "meaning", "comment", "digest",
            "signed_at", "second_factor",
        )  # fmt: skip


class SignoffIn(serializers.Serializer[object]):
    """A signature. Password and second factor are given again, whatever the request was made with."""

    digest = serializers.CharField(max_length=64, help_text="of the evaluation that was shown")
    decision = serializers.ChoiceField(choices=Signoff.Decision.choices)
    meaning = serializers.ChoiceField(choices=Signoff.Meaning.choices)
    comment = serializers.CharField(required=False, allow_blank=True, max_length=10_000, default="")
    target_phase = serializers.CharField(required=False, allow_blank=True, max_length=10, default="")
    password = serializers.CharField(write_only=True, trim_whitespace=False, max_length=200)
    code = serializers.CharField(write_only=True, required=False, allow_blank=True, max_length=40, default="")


class SignoffList(APIView):
    """The signatures under one gate."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="gate_signoffs", responses=SignoffOut(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """All of them, the first one first. 2 queries."""
        gate = _gate(request, pk)
        return Response(SignoffOut(gate.signoffs.order_by("signed_at", "pk"), many=True).data)

    @extend_schema(operation_id="gate_sign", request=SignoffIn, responses={201: SignoffOut})
    def post(self, request: Request, pk: int) -> Response:
        """Put one's name under the gate."""
        gate = _gate(request, pk)
        given = SignoffIn(data=request.data)
        given.is_valid(raise_exception=True)
        signed = sign_gate(gate=gate, actor=cast("User", request.user), **given.validated_data)
        return Response(SignoffOut(signed).data, status=HTTPStatus.CREATED)


def _gate(request: Request, pk: int) -> Gate:
    found = gates_visible_to(cast("User", request.user)).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found
