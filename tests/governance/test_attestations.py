"""Attestations are read and verified by the libraries of those who made the formats."""

import json

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse
from in_toto_attestation.v1.statement import Statement
from jsonschema import Draft202012Validator
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from governance.errors import Refused
from governance.models import Attestation, Gate, Signoff
from governance.services.attestations import attest_gate, keys
from ledger.actors import SystemActor
from ledger.keys import rotate_key
from tests import make, make_gates
from tests.governance.given import sign

pytestmark = pytest.mark.django_db


def verified(envelope):
    """The statement, once securesystemslib has verified the envelope with the published keys."""
    known = [
        SSlibKey(each["keyid"], each["keytype"], each["scheme"], {"public": each["public"]})
        for each in keys()
    ]
    opened = Envelope.from_dict(json.loads(envelope))
    opened.verify(known, 1)
    return json.loads(opened.payload)


def test_a_passed_gate_says_who_signed_what_and_what_was_tested():
    given = make_gates.authorization()

    found = {each.kind: verified(each.envelope) for each in attest_gate(gate=given.gate)}

    assert set(found) == {"sign-off", "verdict", "test-result"}
    for content in found.values():
        Statement.copy_from_pb(_as_pb(content)).validate()
        assert content["subject"][0]["digest"] == {"sha256": given.model_digest}
    signed = found["sign-off"]["predicate"]["signatures"]
    assert [each["meaning"] for each in signed] == ["approval", "approval"]
    assert found["sign-off"]["predicate"]["authorization"]["environment"] == "production"
    assert found["verdict"]["predicateType"] == "https://in-toto.io/attestation/svr/v0.2"
    assert found["test-result"]["predicate"]["result"] == "PASSED"
    assert attest_gate(gate=given.gate) == list(Attestation.objects.order_by("pk")), "made once"


def test_what_a_retired_key_signed_still_verifies():
    given = make_gates.authorization()
    before = attest_gate(gate=given.gate)[0]

    rotate_key(actor=SystemActor("test"), reason="Yearly")
    after = attest_gate(gate=make_gates.authorization().gate)[0]

    assert before.key_id != after.key_id
    assert verified(before.envelope)
    assert verified(after.envelope)


def test_an_open_gate_is_not_attested():
    gate = make_gates.gate()
    make_gates.evaluation(gate)
    with pytest.raises(Refused):
        attest_gate(gate=gate)


def schema(client):
    """As anybody gets it, without a log-in."""
    answer = client.get(reverse("governance:sign-off-schema"))
    assert answer["Content-Type"] == "application/schema+json"
    return answer.json()


@pytest.mark.parametrize("outcome", ["approve", "reject", "acknowledge"])
def test_the_published_schema_fits_what_is_signed_and_nothing_else(client, outcome):
    if outcome == "approve":
        asked = make_gates.authorization().gate
    else:
        asked = make_gates.gate(make_gates.project(required=1))
        make_gates.evaluation(asked)
        if outcome == "acknowledge":
            sign(asked, make.member(asked.iteration.project, "reviewer"), decision="acknowledge")
        sign(asked, make.member(asked.iteration.project, "reviewer"), decision="reject", comment="No")
    content = verified(attest_gate(gate=asked)[0].envelope)
    known = Draft202012Validator(schema(client))
    known.check_schema(schema(client))

    assert content["predicateType"] == schema(client)["$id"]
    known.validate(content["predicate"])
    for changed in ({"outcome": "fine"}, {"more": 1}, {"decidedAt": "yesterday"}):
        assert not known.is_valid(content["predicate"] | changed)


def test_the_schema_knows_every_word_that_a_signature_can_have(client):
    signature = schema(client)["properties"]["signatures"]["items"]["properties"]

    assert set(signature["meaning"]["enum"]) == set(Signoff.Meaning.values)
    assert set(signature["decision"]["enum"]) == set(Signoff.Decision.values)
    assert set(signature["secondFactor"]["enum"]) == {*Authenticator.Type.values, None}
    outcomes = set(schema(client)["properties"]["outcome"]["enum"])
    assert outcomes == set(Gate.State.values) - {"open", "withdrawn"}


def _as_pb(content):
    from google.protobuf import json_format
    from in_toto_attestation.v1 import statement_pb2

    return json_format.Parse(json.dumps(content), statement_pb2.Statement())
