"""`manage gate_check`: 0 allow, 1 deny, 2 a bad call, and JSON in each case."""

import json

import pytest
from django.core.management import ManagementUtility

from tests import make_gates

pytestmark = pytest.mark.django_db


def run(capsys, *arguments):
    """Exit code, standard output and standard error, as a shell would see them."""
    code = 0
    try:
        ManagementUtility(["manage.py", "gate_check", *arguments]).execute()
    except SystemExit as end:
        code = end.code
    said = capsys.readouterr()
    return code, said.out, said.err


def test_allow_ends_with_0(capsys):
    given = make_gates.authorization()

    code, out, _ = run(
        capsys, "--model-digest", given.model_digest, "--environment", "production", "--scope", "country=US"
    )

    said = json.loads(out)
    assert (code, said["decision"]) == (0, "allow")
    assert (said["scope"], said["authorization"]["id"]) == ({"country": ["US"]}, given.pk)


def test_deny_ends_with_1_and_says_why(capsys):
    code, out, _ = run(capsys, "--model-digest", "0" * 64, "--environment", "production")

    said = json.loads(out)
    assert (code, said["decision"]) == (1, "deny")
    assert said["reasons"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--model-digest", "0" * 64],
        ["--environment", "production"],
        ["--model-digest", "abc", "--environment", "production"],
        ["--model-digest", "0" * 64, "--environment", ""],
        ["--model-digest", "0" * 64, "--environment", "production", "--scope", "Italy"],
        ["--model-digest", "0" * 64, "--environment", "production", "--frobnicate"],
    ],
)
def test_a_bad_call_ends_with_2_and_says_what_is_wrong(capsys, arguments):
    code, out, err = run(capsys, *arguments)

    assert (code, out) == (2, "")
    # The pool may add a line: it complains that the command closes a connection inside this transaction.
    assert json.loads(err.splitlines()[0])["error"]
