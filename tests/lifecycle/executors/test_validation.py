import csv
import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from lifecycle.executors import Invalid, parse_validation, validate_data
from tests.lifecycle.executors import given


def check(root, frame=None, **rules):
    given.write_csv(root, frame)
    spec = parse_validation({"data": {"uri": "data.csv", "format": "csv"}, **rules})
    return validate_data(spec, root=root, workdir=root)


def broken(report):
    return {(each.rule, each.column): each.count for each in report.violations}


def refused(root, frame=None, **rules):
    with pytest.raises(Invalid) as no:
        check(root, frame, **rules)
    return no.value.code, no.value.where, no.value.text


def test_failing_rows_are_set_aside_with_the_rules_they_break(tmp_path):
    frame = given.table()
    frame.loc[[3, 7], "size"] = [-1.0, 1000.0]
    frame.loc[7, "colour"] = "violet"

    report = check(
        tmp_path,
        frame,
        columns=[
            {"name": "size", "kind": "number", "minimum": 0, "maximum": 500},
            {"name": "colour", "kind": "text", "allowed": ["red", "green", "blue"]},
        ],
    )

    assert broken(report) == {("minimum", "size"): 1, ("maximum", "size"): 1, ("allowed", "colour"): 1}
    assert (report.violation_rows, report.violations[0].rows) == (2, [4])
    with report.aside_path.open(newline="") as file:
        kept = list(csv.DictReader(file))
    assert [(row["(row)"], row["(rules)"]) for row in kept] == [
        ("4", "minimum size"), ("8", "maximum size; allowed colour"),
    ]  # fmt: skip
    assert report.set_aside["sha256"] == report.aside_path.stem
    assert json.dumps(report.to_record(), allow_nan=False)


def test_data_that_hold_to_the_rules_leave_nothing_aside(tmp_path):
    report = check(tmp_path, columns=[{"name": "size", "kind": "number"}], unique=["day"])

    assert (report.verdict, report.set_aside, report.violation_rows) == ("valid", None, 0)


def test_a_value_that_must_be_unique_is_named_where_it_comes_again(tmp_path):
    frame = given.table()
    frame.loc[5, "day"] = frame.loc[2, "day"]

    report = check(tmp_path, frame, columns=[{"name": "day", "kind": "date", "unique": True}])

    assert broken(report) == {("unique", "day"): 1}
    assert report.violations[0].rows == [6]


def test_old_data_are_not_fresh(tmp_path):
    day = datetime(2026, 2, 10, tzinfo=UTC).isoformat()

    old = check(tmp_path, freshness={"column": "day", "max_age_hours": 24, "at": day})
    fresh = check(tmp_path, freshness={"column": "day", "max_age_hours": 240, "at": day})

    assert broken(old) == {("freshness", "day"): 400}
    assert (fresh.verdict, fresh.age_hours) == ("valid", 144.0)
    assert "144 hours old" in old.violations[0].text


def test_rows_shared_with_another_split_are_counted_and_set_aside(tmp_path):
    given.write_csv(tmp_path, given.table().iloc[390:], "test.csv")
    other = {"name": "test", "data": {"uri": "test.csv", "format": "csv"}, "on": ["day"]}

    shared = check(tmp_path, disjoint=[other])
    apart = check(tmp_path, given.table().iloc[:390], disjoint=[other])

    assert broken(shared) == {("overlap", "day"): 10}
    assert (shared.overlap_rows, shared.set_aside["rows"]) == (10, 10)
    assert (apart.verdict, apart.overlap_rows) == ("valid", 0)
    assert apart.disjoint["test"]["rows"] == 10


def test_the_digest_of_a_schema_is_that_of_its_rules_and_not_of_the_file(tmp_path):
    rules = {"columns": [{"name": "size", "kind": "number"}], "schema_version": {"name": "s", "version": 2}}
    first = check(tmp_path, **rules)
    given.write_csv(tmp_path, given.table(seed=9), "other.csv")
    spec = parse_validation({"data": {"uri": "other.csv", "format": "csv"}, **rules})

    second = validate_data(spec, root=tmp_path)
    changed = check(tmp_path, **(rules | {"min_rows": 30}))

    assert first.schema == second.schema
    assert first.schema["sha256"] != changed.schema["sha256"]


@pytest.mark.parametrize(
    ("rules", "where"),
    [
        ({"unique": ["dya"]}, "/unique/0"),
        ({"freshness": {"column": "dya", "max_age_hours": 1}}, "/freshness/column"),
        (
            {"disjoint": [{"name": "t", "data": {"uri": "data.csv", "format": "csv"}, "on": ["dya"]}]},
            "/disjoint/0/on/0",
        ),
    ],
)
def test_a_column_that_is_not_there_is_named_with_its_place(tmp_path, rules, where):
    code, place, text = refused(tmp_path, **rules)

    assert (code, place) == ("unknown_column", where)
    assert "“day”" in text


@pytest.mark.parametrize(
    ("rules", "where"),
    [
        ({"columns": [{"name": "a", "kind": "text", "minimum": 1}]}, "/columns/0"),
        ({"columns": [{"name": "a", "kind": "number", "minimum": 2, "maximum": 1}]}, "/columns/0"),
        ({"columns": [{"name": "a", "kind": "text"}, {"name": "a", "kind": "text"}]}, "/"),
        ({"freshness": {"column": "day", "max_age_hours": 0}}, "/freshness/max_age_hours"),
        ({"schema_version": {"name": "Ä", "version": 1}}, "/schema_version/name"),
    ],
)
def test_a_bad_schema_names_the_place(tmp_path, rules, where):
    assert refused(tmp_path, **rules)[:2] == ("bad_specification", where)


def test_a_column_of_numbers_where_times_are_asked_for_is_refused(tmp_path):
    assert refused(tmp_path, freshness={"column": "size", "max_age_hours": 1})[0] == "not_a_time"


def test_an_odd_table_is_judged_and_not_stumbled_over(tmp_path):
    frame = pd.DataFrame({"a": ["1", "x", None, "inf"] * 10, "b": [np.nan] * 40, "c": [True, False] * 20})

    report = check(
        tmp_path,
        frame,
        columns=[
            {"name": "a", "kind": "number", "minimum": 0, "maximum": 5, "max_missing_share": 0.5},
            {"name": "b", "kind": "date", "max_missing_share": 1},
            {"name": "c", "kind": "boolean", "unique": True},
        ],
    )

    assert broken(report) == {
        ("type", "a"): 10, ("infinite", "a"): 10, ("maximum", "a"): 10, ("unique", "c"): 38,
    }  # fmt: skip
