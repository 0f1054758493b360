"""The digest of rows: of their order only if the specification asks for it."""

import csv
import datetime as dt
import decimal
import io
import random
import sqlite3

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lifecycle.artifacts import rows, tables
from lifecycle.artifacts.rows import Column, digest_rows, row_bytes
from lifecycle.artifacts.tables import open_table
from lifecycle.errors import Invalid

COLUMNS = [Column("a", "int64"), Column("b", "string")]
CELLS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=4)
    | st.binary(max_size=3)
)
TABLES = st.lists(st.tuples(st.integers(-3, 3), st.text("ab,\n", max_size=2)), max_size=12)


def digest(table, order, columns=COLUMNS):
    return digest_rows(columns, [table], order).digest


@given(TABLES, st.randoms())
def test_permuted_rows_keep_the_digest_of_any_order_and_change_that_of_their_order(table, luck):
    mixed = list(table)
    luck.shuffle(mixed)

    assert digest(mixed, "any") == digest(table, "any")
    assert (digest(mixed, "kept") == digest(table, "kept")) == (mixed == table)
    assert digest(table, "any") != digest(table, "kept")


@given(TABLES, st.sampled_from(["any", "kept"]))
def test_a_row_that_is_there_twice_counts_twice(table, order):
    assume(table)

    assert digest([*table, table[0]], order) != digest(table, order)


@given(TABLES, TABLES)
def test_two_tables_have_one_digest_only_if_they_have_the_same_rows(one, other):
    assert (digest(one, "any") == digest(other, "any")) == (sorted(one) == sorted(other))


@given(st.lists(CELLS, max_size=4), st.lists(CELLS, max_size=4))
def test_no_two_rows_have_the_same_bytes(one, other):
    same = len(one) == len(other) and all(
        type(a) is type(b) and a == b for a, b in zip(one, other, strict=True)
    )
    assert (row_bytes(one) == row_bytes(other)) == same


def test_neighbours_do_not_flow_into_each_other():
    assert row_bytes(["ab", "c"]) != row_bytes(["a", "bc"])
    assert row_bytes([None, ""]) != row_bytes(["", None])
    assert row_bytes([1]) != row_bytes([True])
    assert row_bytes([-0.0]) == row_bytes([0.0])
    assert row_bytes([float("nan")]) == row_bytes([float("inf") - float("inf")])


def test_names_and_types_are_part_of_it():
    renamed = [Column("a", "int64"), Column("c", "string")]
    retyped = [Column("a", "int32"), Column("b", "string")]

    assert len({digest([], "kept", columns) for columns in (COLUMNS, renamed, retyped)}) == 3


@pytest.mark.parametrize(
    "value", [dt.date(2026, 1, 2), dt.timedelta(1), decimal.Decimal("1.10"), [1, None], {"b": 1, "a": [2]}]
)
def test_rarer_values_have_a_digest_too(value):
    assert len(digest([(value, "")], "any")) == 64


def test_what_has_no_digest_is_refused():
    with pytest.raises(Invalid) as no:
        digest([(object(), "")], "kept")
    assert no.value.code == "unknown_value"


def test_more_rows_than_a_buffer_holds_are_sorted_through_files(monkeypatch):
    monkeypatch.setattr(rows, "_BUFFER", 64)
    table = [(number, str(number % 7)) for number in range(5000)]
    mixed = table[:]
    random.Random(1).shuffle(mixed)

    assert digest(mixed, "any") == digest(table, "any")
    monkeypatch.undo()
    assert digest(mixed, "any") == digest(table, "any")


# ---- tables ----


def write_csv(path, lines):
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return path


def read(path, kind, order="any", query=""):
    table = open_table(path, kind, query)
    found = digest_rows(table.columns, table.batches, order)
    return found, table.schema


@given(
    st.lists(st.tuples(st.text('a"\n,é', max_size=3), st.integers()), min_size=1, max_size=8), st.randoms()
)
def test_a_csv_is_read_whatever_its_order_with_the_types_of_all_its_rows(tmp_path_factory, lines, luck):
    folder = tmp_path_factory.mktemp("csv")
    mixed = list(lines)
    luck.shuffle(mixed)
    one = write_csv(folder / "one.csv", [("name", "count"), *lines])
    other = write_csv(folder / "other.csv", [("name", "count"), *mixed])

    first, schema = read(one, "csv")
    second, again = read(other, "csv")

    assert (first, schema) == (second, again)
    assert first.rows == len(lines)


@pytest.mark.parametrize(
    ("cells", "word"),
    [
        (["1", "-2", ""], "integer"), (["1", "2.5"], "number"), (["2026-01-02"], "date"),
        (["2026-01-02T10:00:00Z", "2026-01-02 10:00"], "time"), (["1", "x"], "text"), (["", ""], "empty"),
    ],
)  # fmt: skip
def test_the_type_of_a_csv_s_column_is_what_all_its_cells_are(tmp_path, cells, word):
    path = write_csv(tmp_path / "x.csv", [("a", "b"), *[(cell, "1") for cell in cells]])

    assert read(path, "csv")[1][0] == {"name": "a", "type": word}


def test_parquet_and_sql_are_read_in_batches_and_any_order_is_any_order(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "BATCH", 7)
    frame = pd.DataFrame(
        {"n": range(50), "word": [f"w{n % 5}" for n in range(50)], "x": [n / 3 for n in range(50)]}
    )
    mixed = frame.sample(frac=1, random_state=1)
    frame.to_parquet(tmp_path / "one.parquet", index=False)
    mixed.to_parquet(tmp_path / "two.parquet", index=False)
    with sqlite3.connect(tmp_path / "db.sqlite") as base:
        frame.to_sql("t", base, index=False)
    base.close()

    one, schema = read(tmp_path / "one.parquet", "parquet")
    assert read(tmp_path / "two.parquet", "parquet")[0] == one
    assert (
        read(tmp_path / "two.parquet", "parquet", "kept")[0]
        != read(tmp_path / "one.parquet", "parquet", "kept")[0]
    )
    assert (one.rows, schema[0]) == (50, {"name": "n", "type": "int64"})
    up = read(tmp_path / "db.sqlite", "sql", query="select n, word from t order by n")[0]
    down = read(tmp_path / "db.sqlite", "sql", query="select n, word from t order by n desc")[0]
    assert up == down
    assert up.rows == 50


@pytest.mark.parametrize(
    "query",
    [
        "delete from t", "drop table t", "insert into t values (1)", "attach 'x' as y",
        "pragma user_version=1",
        "select load_extension('x')", "select 1; select 2", "update t set a=1", "", "select * from nowhere",
        "create table z(a)", "vacuum",
    ],
)  # fmt: skip
def test_a_query_that_does_more_than_read_is_refused_and_changes_nothing(tmp_path, query):
    path = tmp_path / "db.sqlite"
    with sqlite3.connect(path) as base:
        base.execute("create table t(a)")
        base.execute("insert into t values (5)")
    base.close()
    before = path.read_bytes()

    with pytest.raises(Invalid) as no:
        read(path, "sql", query=query)

    assert no.value.where == "/query"
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (b"", "csv", "file_empty"), (b"a,b\n1\n", "csv", "not_parsable"),
        (b"a,a\n1,2\n", "csv", "duplicate_columns"),
        (b"a,b\n\xff,1\n", "csv", "not_parsable"), (b'a,b\n"x,1\n', "csv", "not_parsable"),
        (b"PAR1 is not enough", "parquet", "not_parsable"), (b"no database", "sql", "query_refused"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_with_its_reason(tmp_path, content, kind, code):
    path = tmp_path / "file"
    path.write_bytes(content)

    with pytest.raises(Invalid) as no:
        read(path, kind, query="select 1 from sqlite_master")
    assert no.value.code == code


def test_a_damaged_parquet_file_and_one_with_too_many_cells_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "x.parquet"
    pd.DataFrame({"a": range(2000), "b": [str(n) * 20 for n in range(2000)]}).to_parquet(path)
    raw = bytearray(path.read_bytes())
    raw[200:1200] = b"\xff" * 1000
    (tmp_path / "broken.parquet").write_bytes(raw)

    with pytest.raises(Invalid) as no:
        read(tmp_path / "broken.parquet", "parquet")
    assert no.value.code == "not_parsable"
    monkeypatch.setattr(tables, "MAX_CELLS", 100)
    with pytest.raises(Invalid) as no:
        read(path, "parquet")
    assert no.value.code == "file_too_large"
