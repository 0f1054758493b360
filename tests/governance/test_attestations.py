"""Attestations are read and verified by the libraries of those who made the formats."""

import json

import pytest
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from governance.errors import Refused
from governance.models import Attestation
from governance.services.attestations import attest_gate, keys
from ledger.actors import SystemActor
from ledger.keys import rotate_key
from tests import make_gates

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


def _as_pb(content):
    from google.protobuf import json_format
    from in_toto_attestation.v1 import statement_pb2

    return json_format.Parse(json.dumps(content), statement_pb2.Statement())
