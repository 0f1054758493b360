"""The benchmarks run; what they measure is for a person to read."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def bench(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_help_names_the_benchmarks():
    done = bench("--help")

    assert done.returncode == 0
    assert "gate_check" in done.stdout


def test_an_unknown_name_is_refused():
    done = bench("speed")

    assert done.returncode == 2
    assert "unknown: speed" in done.stderr


PARTS = sorted(f"bench.{each.stem}" for each in (ROOT / "bench").glob("large*.py"))


@pytest.mark.parametrize("first", PARTS)
def test_any_part_of_the_large_database_can_be_imported_first(first, monkeypatch):
    for name in PARTS:
        monkeypatch.delitem(sys.modules, name, raising=False)

    module = importlib.import_module(first)

    assert "they need each other" not in Path(module.__file__).read_text()
    for name in PARTS:
        sys.modules.pop(name, None)  # none that was made here stays beside those of other tests


@pytest.mark.slow
def test_a_quick_run_writes_medians_and_ratios(tmp_path):
    file = tmp_path / "figures.jsonl"

    done = bench("append", "--quick", "--database", "sqlite", "--json", str(file))

    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    cases = {line["case"]: line for line in lines}
    assert cases["ledger.append"]["min"] <= cases["ledger.append"]["median"] <= cases["ledger.append"]["max"]
    assert cases["ledger.append"]["ratio"] > 0
    assert cases["bare row, committed"]["ratio"] is None
