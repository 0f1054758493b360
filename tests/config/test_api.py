import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from ledger.errors import Invalid, Refused


def answer_to(error):
    class Failing(APIView):
        authentication_classes = []
        permission_classes = []

        def get(self, request):
            raise error

    response = Failing.as_view()(APIRequestFactory().get("/api/v1/anything"))
    response.render()
    return response


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Refused("not_on_offer", "It is not on offer."), 409, "not_on_offer"),
        (Invalid("unknown_column", "No column x.", "/features/3"), 400, "unknown_column"),
        (PermissionDenied("Only the taker can accept."), 403, "permission_denied"),
        (Http404(), 404, "not_found"),
        (exceptions.NotFound(), 404, "not_found"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.ParseError(), 400, "parse_error"),
        (exceptions.UnsupportedMediaType("text/xml"), 415, "unsupported_media_type"),
        (exceptions.Throttled(wait=7), 429, "throttled"),
    ],
)
def test_every_known_refusal_is_a_problem_document_with_a_stable_code(error, status, code):
    response = answer_to(error)

    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert response.data["status"] == status
    assert response.data["code"] == code
    assert response.data["detail"]
    assert response.data["title"]


def test_a_refusal_says_why_and_an_invalid_input_says_where():
    assert answer_to(Refused("late", "The offer has ended.")).data["detail"] == "The offer has ended."
    assert answer_to(Invalid("bad", "No.", "/target")).data["where"] == "/target"
    assert "where" not in answer_to(Invalid("bad", "No.")).data


def test_a_serializers_errors_come_with_their_places():
    error = exceptions.ValidationError(
        {"name": ["Too long."], "features": [{}, {"type": ["Unknown."]}], "non_field_errors": ["Odd."]}
    )

    response = answer_to(error)

    assert response.data["code"] == "invalid"
    assert response.data["errors"] == [
        {"where": "/name", "code": "invalid", "text": "Too long."},
        {"where": "/features/1/type", "code": "invalid", "text": "Unknown."},
        {"where": "", "code": "invalid", "text": "Odd."},
    ]


def test_throttling_says_how_long_to_wait():
    assert answer_to(exceptions.Throttled(wait=7))["Retry-After"] == "7"


def test_an_unknown_error_is_left_to_the_log():
    with pytest.raises(ZeroDivisionError):
        answer_to(ZeroDivisionError())


def test_an_address_that_is_not_there_is_a_problem_document_below_api_only(client, db):
    below, above = client.get("/api/v1/no-such-thing"), client.get("/no-such-thing")

    assert (below.status_code, below["Content-Type"]) == (404, "application/problem+json")
    assert below.json()["code"] == "not_found"
    assert (above.status_code, above["Content-Type"].partition(";")[0]) != (404, "application/problem+json")
