"""`python -m bench [NAME …]`: how fast Gatebook is on this machine, and how far from what is possible."""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from bench.homes import DATABASES, NotEmpty, home
from bench.options import FULL, QUICK, Effort

BENCHMARKS = {
    "append": "bench.appending",
    "verify": "bench.verifying",
    "gate_check": "bench.gate_checks",
    "ingest": "bench.ingest",
    "pages": "bench.pages",
    "compliance": "bench.compliance",
    "report": "bench.reporting",
}
WITHOUT_DATABASE = {"report"}
"""What is the same on every database is measured on the first only."""
ROOT = Path(__file__).resolve().parents[1]


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="./gatebook bench",
        description="Each figure is a median with its range, beside a bare floor of the same minute. "
        "Compare ratios: other work on the machine makes every figure worse.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(BENCHMARKS)}")
    parser.add_argument("--database", choices=DATABASES, help="on one database only; default: on both")
    parser.add_argument("--quick", action="store_true", help="a look: few rounds, small sizes")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="append one JSON object a line to this file"
    )
    return parser


def main() -> int:
    """Measure here if one database is named, else in one process for each."""
    parser = arguments()
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(BENCHMARKS)):
        parser.error(f"unknown: {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    names = [name for name in BENCHMARKS if name in (options.names or BENCHMARKS)]
    if options.database:
        return measure(options.database, names, QUICK if options.quick else FULL, options.json)
    passed_on = [
        *(["--quick"] if options.quick else []),
        *(["--json", str(options.json)] if options.json else []),
    ]
    # Ctrl-C reaches the child too, which then tidies up; its code says so.
    signal.signal(signal.SIGINT, lambda *_: None)
    for database in DATABASES:
        mine = [name for name in names if database == DATABASES[0] or name not in WITHOUT_DATABASE]
        if mine:
            command = [sys.executable, "-m", "bench", *mine, "--database", database, *passed_on]
            code = subprocess.run(command, check=False).returncode
            if code:
                return code
    return 0


def measure(database: str, names: list[str], effort: Effort, file: Path | None) -> int:
    """Prepare an empty installation, run the benchmarks in it, and leave nothing behind."""
    os.chdir(ROOT)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all is tidied up
    started = time.monotonic()
    try:
        with home(database):
            _prepare()
            from bench import machine  # noqa: PLC0415  # these need the settings
            from bench.measure import Report  # noqa: PLC0415

            facts = machine.facts()
            print(", ".join(f"{name} {value}" for name, value in facts.items()))
            report = Report(database, file, facts)
            for name in names:
                run: Callable[[Report, Effort], None] = import_module(BENCHMARKS[name]).run
                run(report, effort)
    except NotEmpty as no:
        print(no, file=sys.stderr)
        return 2
    print(f"\n{database}: {time.monotonic() - started:.0f} s in all")
    return 0


def _prepare() -> None:
    import django  # noqa: PLC0415  # after the environment is set
    from django.core.management import call_command  # noqa: PLC0415

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)


if __name__ == "__main__":
    sys.exit(main())
