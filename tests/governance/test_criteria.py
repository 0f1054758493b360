import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.criteria import Check, defined_check, judge, metric_expression, read_criterion
from governance.errors import Invalid


def check(expression: str, **fields: object) -> Check:
    return Check(key="c", words="Words", expression=expression, blocking=True, **fields)


def of_metric(metric: str, operator: str, limit: float, slice_: str = "") -> Check:
    expression = metric_expression(metric, slice_, operator, limit)
    return check(expression, metric=metric, slice=slice_, operator=operator, limit=limit)


def test_a_metric_at_its_limit_is_met_and_the_reason_names_both_numbers():
    judged = judge(of_metric("ndcg", ">=", 0.5), {"metrics": {"ndcg": 0.5}})

    assert (judged.verdict, judged.observed) == ("met", 0.5)
    assert judged.reason == "Observed 0.5, asked for >= 0.5."


def test_a_missing_metric_is_not_met_and_says_which():
    judged = judge(of_metric("ndcg", ">=", 0.5), {"metrics": {}})

    assert (judged.verdict, judged.observed) == ("not_met", None)
    assert judged.reason == "No evidence holds the metric ndcg."


def test_a_missing_slice_is_not_met_and_says_which():
    judged = judge(of_metric("ndcg", ">=", 0.5, "country=IT"), {"metrics": {"ndcg": 0.9}, "slices": {}})

    assert judged.verdict == "not_met"
    assert judged.reason == "No evidence holds the metric ndcg for country=IT."


@pytest.mark.parametrize("value", [None, "0.9", True, [0.9]])
def test_a_metric_that_is_no_number_is_not_met(value):
    judged = judge(of_metric("ndcg", ">=", 0.5), {"metrics": {"ndcg": value}})

    assert judged.verdict == "not_met"


def test_the_last_authorized_value_stands_beside():
    facts = {"metrics": {"ndcg": 0.6}, "previous": {"metrics": {"ndcg": 0.55}, "slices": {}}}

    assert judge(of_metric("ndcg", ">=", 0.5), facts).previous == 0.55


@pytest.mark.parametrize(
    ("expression", "verdict"),
    [
        ("metrics.a > 0.1", "met"),
        ("metrics.a > 0.9", "not_met"),
        ("metrics.b > 0.1", "not_met"),
        ("metrics.a > ", "unreadable"),
        ("metrics.a", "unreadable"),
        ("metrics.a + 'x' == 'y'", "not_met"),
        ("nothing.a > 1", "unreadable"),
        ("1 / 0 == 1", "not_met"),
    ],
)
def test_whatever_cannot_be_read_does_not_pass(expression, verdict):
    judged = judge(check(expression), {"metrics": {"a": 0.5}})

    assert judged.verdict == verdict
    assert judged.reason


@pytest.mark.parametrize("expression", ["metrics.a >", "nothing.a > 1", "shout(metrics.a)", ""])
def test_a_criterion_that_does_not_parse_is_refused_with_its_place(expression):
    with pytest.raises(Invalid) as no:
        read_criterion(expression, where="gates.G4.criteria[2].expression")

    assert no.value.code == "criterion_unreadable"
    assert no.value.where == "gates.G4.criteria[2].expression"


@given(
    metric=st.text(min_size=1, max_size=30),
    slice_=st.text(max_size=30),
    observed=st.floats(allow_nan=False, allow_infinity=False, width=32),
    limit=st.floats(allow_nan=False, allow_infinity=False, width=32),
    operator=st.sampled_from([">=", "<=", ">", "<"]),
)
def test_any_name_and_number_is_compared_as_python_does(metric, slice_, observed, limit, operator):
    numbers = {metric: observed}
    facts = {"metrics": {}, "slices": {slice_: numbers}} if slice_ else {"metrics": numbers, "slices": {}}

    judged = judge(of_metric(metric, operator, limit, slice_), facts)

    holds = {
        ">=": observed >= limit,
        "<=": observed <= limit,
        ">": observed > limit,
        "<": observed < limit,
    }[operator]
    assert judged.verdict == ("met" if holds else "not_met")


FACTS = {
    "metrics": {"a": 0.5, "b": 0.0}, "slices": {"country=US": {"a": 0.4}}, "run": {},
    "tasks": [{"key": "1.1", "verified": True}, {"key": "1.2", "verified": False}],
    "findings": [{"severity": "high", "title": "Odd rows"}], "evidence": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("metrics.a / metrics.b > 1.0", "It divides by zero."),
        ("metrics.missing > 1.0", "No evidence holds the metric missing."),
        ("run.rows > 1", "There is no “rows” in the evidence."),
        ('metrics.a + 0.0 > "x"', "It compares or combines values of different types."),
        ("tasks[7].verified", "A list has fewer elements than it asks for."),
        ("tasks.all(t, t.verified)", "Not so for: 1.2."),
        ('!findings.exists(f, f.severity == "high")', "There is: Odd rows."),
        ('evidence.exists(e, e.kind == "EVR")', "None of 0 is such."),
        ("metrics.a > 0.9", "Observed 0.5, asked for > 0.9."),
        ("metrics.a - 0.1 > 0.9", "Observed 0.4, asked for > 0.9."),
        (
            "true && tasks.all(t, t.verified) && metrics.a > 0.9",
            "Not so for: 1.2. Observed 0.5, asked for > 0.9.",
        ),
    ],
)
def test_what_is_not_met_says_why_in_words(expression, reason):
    judged = judge(defined_check({"key": "c", "expression": expression, "blocking": True}), FACTS)

    assert (judged.verdict, judged.reason) == ("not_met", reason)


def test_a_criterion_made_to_run_for_ever_is_not_begun_and_says_so():
    forever = "true"
    for level in range(6):
        forever = f"[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].all(x{level}, {forever})"

    judged = judge(check(forever), FACTS)

    assert judged.verdict == "unreadable"
    assert "steps" in judged.reason
    with pytest.raises(Invalid):
        read_criterion(forever, where="here")


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("metrics.a >= 0.4", ("a", "", ">=", 0.4)),
        ("0.4 < metrics['a']", ("a", "", ">", 0.4)),
        ('slices["country=US"].a > -1.5', ("a", "country=US", ">", -1.5)),
        ("metrics.a >= 0.4 && metrics.b >= 0.1", ("", "", "", None)),
        ("previous.metrics.a >= 0.4", ("", "", "", None)),
        ("metrics.a == 0.4", ("", "", "", None)),
    ],
)
def test_the_limit_of_a_criterion_is_read_from_its_expression(expression, found):
    made = defined_check({"key": "c", "expression": expression, "blocking": True})

    assert (made.metric, made.slice, made.operator, made.limit) == found
    assert made.words


def test_every_value_that_was_looked_at_is_kept():
    judged = judge(
        check("metrics.a > 0.1 && size(tasks) > 0 && tasks.all(t, t.verified) && run == {}"), FACTS
    )

    assert dict(judged.seen) == {"metrics.a": 0.5, "size(tasks)": 2, "size(run)": 0}
