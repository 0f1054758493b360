"""`./gatebook` on machines that lack something, played by a folder of stand-ins that is all its PATH."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ["dirname", "cat", "rm", "tail", "env"]


@pytest.fixture
def machine(tmp_path):
    (tmp_path / "bin").mkdir()
    for name in NEEDED:
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    shutil.copy(ROOT / "gatebook", tmp_path)
    (tmp_path / "requirements.lock").touch()
    add(tmp_path, "id", "echo 1000")
    return tmp_path


def add(machine, name, script):
    path = machine / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def run(machine, *arguments):
    return subprocess.run(
        [str(machine / "gatebook"), *arguments],
        env={"PATH": str(machine / "bin")},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def ready(machine):
    """A .venv as the script leaves it, without anything in it that works."""
    (machine / ".venv" / "bin").mkdir(parents=True)
    python = machine / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\necho "python $*"\n')
    python.chmod(0o755)
    (machine / ".venv" / ".gatebook-pango").touch()
    (machine / ".venv" / ".gatebook-lock").touch()
    peers = machine / ".venv-peers" / "bin"
    peers.mkdir(parents=True)
    (peers / "python").symlink_to(python)
    (machine / ".venv-peers" / ".gatebook-lock").touch()


def test_without_a_verb_it_says_what_there_is(machine):
    done = run(machine)

    assert done.returncode == 0
    assert all(verb in done.stdout for verb in ["demo", "serve", "test", "check", "manage", "bench"])


def test_an_unknown_verb_is_a_mistake(machine):
    done = run(machine, "dance")

    assert done.returncode == 2
    assert "unknown verb: dance" in done.stderr


def test_a_missing_python_is_named_with_its_packages(machine):
    done = run(machine, "manage", "check")

    assert done.returncode == 2
    assert "apt-get install python3 python3-venv" in done.stderr


def test_an_old_python_is_named_with_its_version(machine):
    add(machine, "python3", 'case "$1" in --version) echo Python 3.9.2 ;; *) exit 1 ;; esac')

    done = run(machine, "manage", "check")

    assert done.returncode == 2
    assert "Python 3.9.2" in done.stderr
    assert "needs Python 3.11 or newer" in done.stderr


def test_a_python_without_venv_gets_the_exact_command(machine):
    add(machine, "python3", 'case "$2" in *ensurepip*) exit 1 ;; esac')
    add(machine, "apt-get", "exit 9")

    done = run(machine, "manage", "check")

    assert done.returncode == 2
    assert (
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends python3-venv" in done.stderr
    )


def test_a_missing_browser_is_named_with_its_packages_where_there_is_no_apt(machine):
    ready(machine)

    done = run(machine, "test")

    assert done.returncode == 2
    assert "a browser for the browser tests is missing" in done.stderr
    assert "chromium poppler-utils" in done.stderr


def test_an_administrator_gets_what_is_missing_installed(machine):
    ready(machine)
    add(machine, "id", "echo 0")
    add(machine, "apt-get", f'echo "$*" >> {machine}/asked')

    done = run(machine, "test", "-q")

    asked = (machine / "asked").read_text().splitlines()
    assert asked[0].startswith("update")
    assert asked[1].endswith("chromium poppler-utils")
    assert done.stdout.splitlines() == [
        "python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --database sqlite -q",
        "python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --database postgres -q",
    ]


def test_one_database_can_be_asked_for(machine):
    ready(machine)
    add(machine, "chromium", "true")
    add(machine, "pdfinfo", "true")

    done = run(machine, "test", "--database", "postgres", "tests/ledger")

    assert done.stdout.splitlines() == [
        "python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --database postgres tests/ledger"
    ]


def test_the_first_failure_is_the_suites_code(machine):
    ready(machine)
    add(machine, "chromium", "true")
    add(machine, "pdfinfo", "true")
    (machine / ".venv" / "bin" / "python").write_text(
        '#!/bin/sh\ncase "$*" in *sqlite*) exit 3 ;; *) exit 4 ;; esac\n'
    )

    assert run(machine, "test").returncode == 3


def test_arguments_pass_through_untouched(machine):
    ready(machine)

    done = run(machine, "manage", "report", "lifecycle", "two words")

    assert done.stdout == "python manage.py report lifecycle two words\n"
    assert os.access(machine / "gatebook", os.X_OK)
