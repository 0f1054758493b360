"""The gate check: closed by default, with reasons."""

from datetime import timedelta

import pytest

from governance.errors import Invalid
from governance.queries.gate_checks import gate_check, read_scope
from governance.services.authorizations import suspend_authorization, withdraw_authorization
from tests import make_gates

pytestmark = pytest.mark.django_db


@pytest.fixture
def given():
    return make_gates.authorization(scope={"country": ["US", "IT"]})


def check(given, **changes):
    return gate_check(**({"model_digest": given.model_digest, "environment": "production"} | changes))


def test_what_is_authorized_is_allowed_and_says_by_what(given, django_assert_num_queries):
    with django_assert_num_queries(1):
        decision = check(given)

    assert decision.allow
    assert decision.authorization == given
    assert "country: US, IT" in decision.reasons[0]


@pytest.mark.parametrize("how", ["sha256:{}", "SHA256:{}", " {} "])
def test_a_digest_may_carry_its_prefix(given, how):
    assert check(given, model_digest=how.format(given.model_digest)).allow
    assert check(given, model_digest=given.model_digest.upper()).allow


@pytest.mark.parametrize("digest", ["", "abc", "md5:" + "0" * 64, "0" * 63, "g" * 64, "0" * 65, "%"])
def test_what_is_no_digest_is_a_bad_call(digest):
    with pytest.raises(Invalid) as no:
        gate_check(model_digest=digest, environment="production")

    assert no.value.where == "model_digest"


def test_an_environment_has_to_be_named(given):
    with pytest.raises(Invalid) as no:
        check(given, environment=" ")

    assert no.value.where == "environment"


def test_an_unknown_digest_is_denied():
    decision = gate_check(model_digest="0" * 64, environment="production")

    assert not decision.allow
    assert "No model with the digest 0000000000000000" in decision.reasons[0]


@pytest.mark.parametrize("environment", ["staging", "Production", "production2"])
def test_another_environment_is_denied_and_names_those_there_are(given, environment):
    decision = check(given, environment=environment)

    assert not decision.allow
    assert "only for production" in decision.reasons[0]


@pytest.mark.parametrize(
    ("scope", "allow"),
    [
        ({}, True),
        ({"country": ["US"]}, True),
        ({"country": ["US", "IT"]}, True),
        ({"country": ["JP"]}, False),
        ({"country": ["US", "JP"]}, False),
        ({"country": ["us"]}, False),
        ({"season": ["winter"]}, False),
        ({"country": ["US"], "season": ["winter"]}, False),
    ],
)
def test_a_scope_beyond_the_authorized_one_is_denied(given, scope, allow):
    assert check(given, scope=scope).allow == allow


def test_an_unlimited_authorization_covers_every_scope():
    given = make_gates.authorization(scope={})

    assert check(given, scope={"country": ["JP"]}).allow


def test_time_decides_to_the_second(given):
    assert not check(given, at=given.valid_from - timedelta(seconds=1)).allow
    assert check(given, at=given.valid_from).allow
    assert check(given, at=given.valid_until - timedelta(seconds=1)).allow
    assert not check(given, at=given.valid_until).allow


@pytest.mark.parametrize("move", [suspend_authorization, withdraw_authorization])
def test_what_was_suspended_or_withdrawn_is_denied_with_its_reason(given, move):
    move(authorization=given, actor=given.project.created_by, reason="It drifts")

    decision = check(given)

    assert not decision.allow
    assert "It drifts" in decision.reasons[0]


def test_every_objection_is_named(given):
    suspend_authorization(authorization=given, actor=given.project.created_by, reason="It drifts")

    decision = check(given, scope={"country": ["JP"]}, at=given.valid_until)

    assert len(decision.reasons) == 3


def test_a_withdrawn_authorization_does_not_hide_one_that_holds(given):
    home = make_gates.project()
    again = home.model_versions.create(
        number=1, digest=given.model_digest, path="x", size=1, created_at=given.valid_from
    )
    other = make_gates.authorization(home, model_version=again)
    withdraw_authorization(authorization=other, actor=home.created_by, reason="Mistake")

    assert check(given).authorization == given
    assert not check(given, project=home).allow


@pytest.mark.parametrize("text", ["", "country", "=IT", "country=", " = "])
def test_a_scope_is_written_key_and_value(text):
    with pytest.raises(Invalid):
        read_scope(text)


def test_the_answer_as_data_says_everything(given):
    said = check(given, scope={"country": ("US",)}).as_dict()

    assert said["decision"] == "allow"
    assert said["scope"] == {"country": ["US"]}
    assert said["authorization"]["gate"] == given.gate_id
    assert set(said) == {
        "decision", "model_digest", "environment", "scope", "checked_at", "reasons", "authorization",
    }  # fmt: skip
