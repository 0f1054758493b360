import datetime as dt
import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger.canonical import MAX_PAYLOAD, leaf_bytes, payload_body, payload_digest, time_text
from ledger.errors import Invalid

# Everything that UTF-8 can carry: no surrogates.
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)


@given(text, text, text, text, text, st.integers(0, 2**53 - 1), st.datetimes(timezones=st.just(dt.UTC)))
def test_leaf_bytes_are_rfc_8785(actor, action, subject_type, subject_id, project, index, moment):
    columns = {
        "actor": actor,
        "action": action,
        "subject_type": subject_type,
        "subject_id": subject_id,
        "project": project,
        "index": index,
        "time": time_text(moment),
        "payload_hash": "ab" * 32,
    }

    assert leaf_bytes(**columns) == rfc8785.dumps({**columns, "v": 1})


def test_the_longest_leaf_fits_a_tile():
    longest = "\x01" * 100

    leaf = leaf_bytes(
        index=2**53 - 1,
        time=time_text(dt.datetime.now(dt.UTC)),
        actor=longest,
        action=longest,
        subject_type=longest,
        subject_id=longest,
        project=longest,
        payload_hash="ab" * 32,
    )

    assert len(leaf) < 65_536


def test_the_time_is_utc_with_six_decimals():
    moment = dt.datetime(2026, 7, 1, 1, 30, tzinfo=dt.timezone(dt.timedelta(hours=2)))

    assert time_text(moment) == "2026-06-30T23:30:00.000000Z"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)


@given(text, text, st.dictionaries(text, json_values, max_size=5))
def test_a_payload_says_what_it_was_given(actor, subject, detail):
    body = payload_body(actor_label=actor, subject_label=subject, detail=detail)

    # A JSON number is a double: 1e17 is written as an integer, which Python would read as one.
    read = json.loads(body, parse_int=float)
    assert read == {"actor": actor, "subject": subject, "detail": detail}
    assert rfc8785.dumps(read).decode() == body


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("detail", "where", "says"),
    [
        ({"a": {"b": [1, float("nan")]}}, "/detail/a/b/1", "nan is not a JSON number"),
        ({"a": float("inf")}, "/detail/a", "inf is not a JSON number"),
        ({"a/b~c": dt.date(2026, 1, 1)}, "/detail/a~1b~0c", "a date is not JSON"),
        ({"a": 2**53}, "/detail/a", "beyond the integers"),
        ({"a": "\ud800"}, "/detail/a", "not valid Unicode"),
        ({"\ud800": 1}, "/detail", "not valid Unicode"),
        ({"a": {1: 2}}, "/detail/a", "the key 1 is not a text"),
        ({"a": b"bytes"}, "/detail/a", "a bytes is not JSON"),
        ({"a": {1, 2}}, "/detail/a", "a set is not JSON"),
        ({"a": nested(5000)}, "/detail/a", "nested too deeply"),
    ],
)
def test_what_is_not_json_is_named_with_its_place(detail, where, says):
    with pytest.raises(Invalid) as no:
        payload_body(actor_label="A", subject_label="S", detail=detail)

    assert no.value.code == "not_json"
    assert no.value.where.startswith(where)
    assert says in str(no.value)


def test_a_payload_may_be_large_but_not_too_large():
    room = MAX_PAYLOAD - len(payload_body(actor_label="A", subject_label="S", detail={"text": ""}))
    payload_body(actor_label="A", subject_label="S", detail={"text": "x" * room})

    with pytest.raises(Invalid) as no:
        payload_body(actor_label="A", subject_label="S", detail={"text": "x" * (room + 1)})

    assert no.value.code == "payload_too_large"
    assert f"{MAX_PAYLOAD:,}" in str(no.value)


def test_the_same_words_under_another_salt_have_another_digest():
    assert payload_digest(b"a" * 16, "yes") != payload_digest(b"b" * 16, "yes")
