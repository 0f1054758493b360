"""CEL expressions: said in words, bounded before they run, and divided by nothing but numbers."""

import time
from contextlib import suppress

import cel
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lifecycle.definitions import GATE_VARIABLES, catalogue, problem_of
from lifecycle.definitions.cel_cost import MAX_STEPS, nesting_of, steps_of
from lifecycle.definitions.cel_nodes import Comprehension, Literal, Operation, Unreadable
from lifecycle.definitions.cel_syntax import parse_cel
from lifecycle.definitions.cel_words import words_of
from lifecycle.definitions.expressions import TooCostly, evaluate

TEN = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def nested(depth: int, body: str = "1") -> str:
    for level in range(depth):
        body = f"{TEN}.map(x{level}, {body})"
    return body


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("metrics.accuracy >= 0.85", "Accuracy is at least 0.85."),
        ('slices["country=IT"]["ndcg_at_3"] > 0.5', "ndcg_at_3 for country=IT is more than 0.5."),
        (
            'metrics["f1"] >= previous.metrics["f1"] - 0.01',
            "F1 is at least the f1 of the version before minus 0.01.",
        ),
        (
            'tasks.filter(t, t.phase == "P1" && t.mandatory).all(t, t.verified)',
            "For every task such that its phase is “P1” and it is mandatory: it is verified.",
        ),
        (
            '!findings.exists(f, f.severity == "critical" && f.open)',
            "There is no finding such that its severity is “critical” and it is open.",
        ),
        (
            'handoffs.all(h, !(h.state in ["offered", "returned"]))',
            "For every handoff: its state is not among “offered”, “returned”.",
        ),
        (
            "has(run.rows_test) && run.rows_test != null && run.rows_test > 0",
            "The rows test of the run is more than 0.",
        ),
        (
            "previous != null || size(risks) <= 3",
            "There is an authorized version before or the number of risks is at most 3.",
        ),
        (
            "metrics.a > 1.0 && (metrics.b > 2.0 || metrics.c > 3.0)",
            "A is more than 1.0 and (b is more than 2.0 or c is more than 3.0).",
        ),
        ("!(metrics.a > 1.0 && metrics.b > 2.0)", "A is at most 1.0 or b is at most 2.0."),
        (
            'evidence.exists(e, e.task.startsWith("4."))',
            "There is at least one piece of evidence such that its task begins with “4.”.",
        ),
        ("metrics.a / metrics.b < 1.2", "A divided by b is less than 1.2."),
        ('data.digest != ""', "The digest of the data is not empty."),
        ("metrics.a >", "metrics.a >"),
        ("size(tasks.map(t, t.key)) > 2", "The number of elements of tasks.map(t, t.key) is more than 2."),
    ],
)  # fmt: skip
def test_an_expression_says_what_it_compares(expression, words):
    assert words_of(expression) == words


@pytest.mark.parametrize("criterion", [c for gate in catalogue().gates for c in gate.criteria], ids=str)
def test_every_criterion_of_the_catalogue_can_be_said(criterion):
    said = words_of(criterion.expression)

    assert said != criterion.expression
    assert "`" not in said


names = st.sampled_from(["metrics", "tasks", "run", "previous", "t", "x_1"])
_printable = st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters='"\\`')
leaves = st.one_of(
    st.integers(0, 10**6).map(str),
    st.floats(0, 1e6, allow_nan=False).map(lambda number: f"{number:.6f}"),
    st.text(_printable, max_size=8).map(lambda text: f'"{text}"'),
    names,
    st.sampled_from(["true", "false", "null"]),
)


def _more(inner):
    pairs = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(
            inner,
            st.sampled_from(["<", "<=", ">", ">=", "==", "!=", "in", "+", "-", "*", "/", "%", "&&", "||"]),
            inner,
        ).map(lambda it: f"({it[0]} {it[1]} {it[2]})"),
        inner.map(lambda it: f"!({it})"),
        inner.map(lambda it: f"-({it})"),
        st.tuples(inner, inner, inner).map(lambda it: f"({it[0]} ? {it[1]} : {it[2]})"),
        pairs.map(lambda it: f"{it[0]}[{it[1]}]"),
        st.tuples(inner, names).map(lambda it: f"({it[0]}).{it[1]}"),
        st.tuples(names, names).map(lambda it: f"has({it[0]}.{it[1]})"),
        st.tuples(inner, st.sampled_from(["all", "exists", "filter", "map", "exists_one"]), inner).map(
            lambda it: f"({it[0]}).{it[1]}(t, {it[2]})"
        ),
        st.lists(inner, max_size=3).map(lambda it: f"[{', '.join(it)}]"),
        pairs.map(lambda it: f"{{{it[0]}: {it[1]}}}"),
        inner.map(lambda it: f"size({it})"),
        pairs.map(lambda it: f"({it[0]}).startsWith({it[1]})"),
    )


expressions = st.recursive(leaves, _more, max_leaves=12)


def literals(node):
    own = [node.text] if isinstance(node, Literal) and node.kind in ("number", "string") else []
    return own + [text for child in node.children for text in literals(child)]


@given(expression=expressions)
@QUICK
def test_whatever_the_library_reads_is_read_here_and_all_its_limits_are_said(expression):
    try:
        cel.compile(expression)
    except ValueError:
        return
    tree = parse_cel(expression)

    said = words_of(expression)

    assert all(text in said for text in literals(tree))
    assert expression[tree.start : tree.end] == expression


@given(text=st.text(max_size=60) | st.text("()[]{}.,:?!&|<>=+-*/% \"'ab1t", max_size=60))
@example("'" * 7)
@example('"""""')
@example("1e999 > 2")
@example("\\")
@QUICK
def test_no_text_whatever_it_is_breaks_the_words_or_the_reading(text):
    assert isinstance(words_of(text), str)
    problem_of(text, GATE_VARIABLES)


FACTS = {
    "metrics": {"a": 0.5, "b": 0.0},
    "tasks": [{"key": str(number), "verified": True} for number in range(7)],
    "run": {"metrics": [1, 2, 3]}, "previous": None, "t": [[1, 2], [3]], "x_1": "text",
}  # fmt: skip


@given(expression=expressions)
@QUICK
def test_what_is_let_through_ends_soon(expression):
    began = time.process_time()
    with suppress(ValueError, TypeError, ArithmeticError, LookupError, RuntimeError):
        evaluate(expression, FACTS)
    # Not a measurement: an evaluation that gets away would take minutes.
    assert time.process_time() - began < 30


def test_six_comprehensions_in_each_other_are_refused_when_saved_and_when_evaluated():
    forever = f"size({nested(6)}) == 10"

    assert "lie in each other" in problem_of(forever, GATE_VARIABLES)
    with pytest.raises(TooCostly):
        evaluate(forever, {})


@pytest.mark.parametrize(
    "forever",
    [
        "tasks.all(a, tasks.all(b, tasks.all(c, a != b && b != c)))",
        "size(tasks.map(a, tasks).map(a, a.map(b, tasks.map(c, a)))) > 0",
        "size([[1, 2]]" + ".map(x, x + x)" * 40 + ") == 1",
        'size(["ab"]' + ".map(x, x + x)" * 40 + ") == 1",
        'size(["ab"]' + ".map(x, x + x + x)" * 30 + '.filter(x, x.matches("(a|b)*"))) == 1',
    ],
)
def test_what_grows_with_the_facts_is_not_begun(forever):
    facts = {"tasks": [{"key": str(number)} for number in range(2000)]}
    began = time.process_time()

    with pytest.raises((TooCostly, Unreadable)):
        evaluate(forever, facts)

    assert time.process_time() - began < 5


@given(expression=expressions)
@QUICK
def test_the_count_of_steps_is_never_below_what_is_gone_through(expression):
    try:
        tree = parse_cel(expression)
    except Unreadable:
        return

    assert steps_of(tree, FACTS) >= 1
    assert nesting_of(tree) <= tree.depth


def test_what_a_long_list_costs_is_counted_with_its_length():
    tree = parse_cel("tasks.all(t, t.verified)")

    short, long = (steps_of(tree, {"tasks": [{"verified": True}] * count}) for count in (10, 1000))

    assert 90 * short < long < MAX_STEPS


@pytest.mark.parametrize(
    "text", ["(" * 900, "[" * 900, "!" * 900 + "true", "-" * 900 + "1", "1" + "+1" * 900]
)
def test_what_is_nested_too_deeply_is_refused_in_words(text):
    assert "nested deeper" in problem_of(text, GATE_VARIABLES)


@pytest.mark.parametrize("text", ["m{a: 1}", "metrics.?a", "metrics.a > 1.0 metrics"])
def test_what_cannot_be_read_is_refused_with_its_column(text):
    assert "column" in problem_of(text, GATE_VARIABLES)


@pytest.mark.parametrize(
    "expression",
    ["metrics.a / metrics.b > 1.0", "1 / 0 == 1", "7 % 0 == 1", "1.0 / (metrics.a / metrics.b) == 0.0"],
)
def test_a_division_by_zero_is_an_error_for_fractions_too(expression):
    with pytest.raises(ZeroDivisionError):
        evaluate(expression, {"metrics": {"a": 0.5, "b": 0.0}})


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("6 / 3 / 2 == 1", True),
        ("(6) / (3) == 2", True),
        ("1 / (2 / (3 / 1)) == 1", False),
        ("false && 1 / 0 == 1", False),
        ("metrics.a / 0.25 + 1.0 == 3.0", True),
        ("7 % 4 == 3", True),
    ],
)
def test_other_divisions_give_what_the_library_gives(expression, value):
    facts = {"metrics": {"a": 0.5}}
    try:
        expected = cel.evaluate(expression, facts)
    except ZeroDivisionError:
        expected = None

    try:
        found = evaluate(expression, facts)
    except ZeroDivisionError:
        found = None

    assert found == expected
    assert value in (found, False)


def test_the_tree_holds_comprehensions_and_rows_of_operators():
    tree = parse_cel("tasks.all(t, t.a && t.b && !t.c) // nobody reads this")

    assert isinstance(tree, Comprehension)
    assert isinstance(tree.body, Operation)
    assert len(tree.body.operands) == 3
