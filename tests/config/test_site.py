import json
import logging
import sys
import tomllib
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.urls import URLResolver, get_resolver

import config
from config.fonts import FONTS
from config.logs import JsonFormatter
from config.static import collect

ROOT = Path(__file__).resolve().parents[2]
# What a stranger may read, each on purpose.
PUBLIC = {
    "healthz",
    "readyz",
    "login",
    "logged-out",
    "password/choose/x/x",
    "ledger/checkpoint",
    "ledger/keys",
    "api/v1/keys",
    "verify_gate.py",
    "schemas/sign-off-1.json",
    "verify",
    "verify.py",
}
SAMPLES = {
    "int": 1,
    "str": "x",
    "slug": "x",
    "tile": "000",
    "uuid": "5b7d6e0e-6a0b-4a52-9c28-0e6f6a3c7a11",
    "path": "x",
}


def addresses(resolver, before=""):
    """Every address of the site, with a made-up value for each part that varies."""
    for entry in resolver.url_patterns:
        here = before + sample(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from addresses(entry, here)
        else:
            yield here


def sample(pattern):
    route = getattr(pattern, "_route", None)
    if route is None:  # REST framework's routers write regular expressions
        return (
            pattern._regex.lstrip("^")
            .rstrip("$")
            .replace(r"\.(?P<format>[a-z0-9]+)/?", "")
            .replace("(?P<pk>[^/.]+)", "1")
        )
    for name, converter in pattern.converters.items():
        kind = type(converter).__name__.removesuffix("Converter").lower()
        kind = {"string": "str"}.get(kind, kind)
        route = route.replace(f"<{kind}:{name}>", str(SAMPLES.get(kind, "x"))).replace(f"<{name}>", "x")
    return route


@pytest.mark.django_db
def test_no_address_breaks_or_opens_for_a_stranger(client):
    client.raise_request_exception = False
    broken, opened = [], []

    for route in sorted(set(addresses(get_resolver()))):
        response = client.get(f"/{route}")
        if response.status_code >= 500:
            broken.append((route, response.status_code))
        if response.status_code == 200 and route.rstrip("/") not in PUBLIC:
            opened.append(route)

    assert (broken, opened) == ([], [])


@pytest.mark.django_db
def test_supervisors_get_their_answers(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok"}
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db
def test_every_answer_carries_the_strict_policy(client):
    response = client.get("/healthz")

    policy = dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert "unsafe" not in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert "camera=()" in response["Permissions-Policy"]


@pytest.mark.parametrize("name", sorted(FONTS))
def test_each_font_is_found_below_fonts(name):
    found = finders.find(f"fonts/{name}")

    assert Path(found).read_bytes()[:4] in {b"\x00\x01\x00\x00", b"OTTO"}


@pytest.mark.parametrize("path", ["fonts/../secret", "fonts/OFL.txt", "Manrope-Bold.ttf", "fonts/"])
def test_nothing_but_the_listed_fonts_is_served(path):
    assert not any("font_" in place for place in finders.find(path, find_all=True))


def test_static_files_are_collected_once_and_again_after_a_change(settings, tmp_path):
    source = tmp_path / "source"
    (source / "css").mkdir(parents=True)
    (source / "css" / "only.css").write_text("body{}")
    settings.STATIC_ROOT = tmp_path / "collected"
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = [
        "django.contrib.staticfiles.finders.FileSystemFinder",
        "config.fonts.FontFinder",
    ]

    assert collect() is True
    assert collect() is False
    (source / "css" / "only.css").write_text("body { color: red }")
    assert collect() is True

    assert (settings.STATIC_ROOT / "fonts" / "Manrope-Bold.ttf").is_file()
    assert (settings.STATIC_ROOT / "css" / "only.css").read_text() == "body { color: red }"


def test_the_version_is_stated_alike_in_both_places():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert project["version"] == config.__version__


def test_a_json_log_line_holds_message_and_traceback():
    try:
        int("of no value")
    except ValueError:
        record = logging.getLogger("tests").makeRecord(
            "tests", logging.ERROR, __file__, 1, "went %s", ("wrong",), sys.exc_info()
        )

    line = json.loads(JsonFormatter().format(record))

    assert (line["level"], line["logger"], line["message"]) == ("error", "tests", "went wrong")
    assert "of no value" in line["traceback"]
    assert line["time"].endswith("+00:00")


@pytest.mark.django_db
def test_models_and_migrations_agree():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
