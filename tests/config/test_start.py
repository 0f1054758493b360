"""What a process loads before it has done anything: seconds of every command and every web process."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ["sklearn", "pandas", "scipy", "skops", "pyarrow", "weasyprint", "altair", "vl_convert", "pikepdf"]
ADDRESSES = "from django.urls import get_resolver; get_resolver().url_patterns"


def heavy_after(code):
    """The heavy packages that a fresh interpreter has loaded after Django is set up and `code` has run."""
    lines = [
        "import os, sys, django",
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'",
        "django.setup()",
        code,
        f"print(*[name for name in {HEAVY} if name in sys.modules])",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("", id="setup"),
        pytest.param(ADDRESSES, id="addresses"),
        pytest.param("import config.wsgi", id="web process"),
        pytest.param("from config.celery import app; app.loader.import_default_modules()", id="worker"),
        pytest.param(
            "from lifecycle.executors import parse_training, parse_monitoring, parse_validation",
            id="specifications",
        ),
        pytest.param("import governance.management.commands.gate_check", id="gate check"),
    ],
)
def test_no_heavy_package_is_loaded_before_it_is_needed(code):
    assert heavy_after(code) == []


def test_asking_for_an_executor_loads_what_it_computes_with():
    assert {"sklearn", "pandas", "skops"} <= set(heavy_after("from lifecycle.executors import train"))


def test_the_executors_have_no_other_name():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        from lifecycle import executors

        executors.trian  # noqa: B018
