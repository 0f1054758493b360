import pytest

from config import checks
from config.fonts import FONTS, FontFinder


def ids(found):
    return [message.id for message in found]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", []),
        ("https://gatebook.example", []),
        ("http://localhost:8000", []),
        ("http://[::1]:8000", []),
        ("http://gatebook.example", ["gatebook.W001"]),
        ("gatebook.example", ["gatebook.E001"]),
        ("ftp://gatebook.example", ["gatebook.E001"]),
        ("https://gatebook.example/below", ["gatebook.E002"]),
        ("https://me@gatebook.example", ["gatebook.E002"]),
    ],
)
def test_the_address_is_an_origin(settings, url, expected):
    settings.GATEBOOK_URL = url

    found = checks.check_address(None)

    assert ids(found) == expected
    assert all(message.hint for message in found)


def test_a_short_key_is_refused(settings):
    settings.SECRET_KEY = "short"

    assert ids(checks.check_secret_key(None)) == ["gatebook.E003"]


@pytest.mark.parametrize(("debug", "expected"), [(True, ["gatebook.E004"]), (False, [])])
def test_debug_and_a_public_address_exclude_each_other(settings, debug, expected):
    settings.DEBUG, settings.GATEBOOK_URL = debug, "https://gatebook.example"

    assert ids(checks.check_debug(None)) == expected


@pytest.mark.parametrize(
    ("broker", "expected"),
    [
        ("filesystem://", []),
        ("redis://localhost:6379/0", []),
        ("redis+socket:///run/redis.sock", []),
        ("redis://queue.example:6379/0", ["gatebook.W002"]),
    ],
)
def test_a_broker_elsewhere_beside_a_database_file_is_a_contradiction(broker, expected):
    assert ids(checks.one_machine("django.db.backends.sqlite3", broker)) == expected
    assert checks.one_machine("django.db.backends.postgresql", broker) == []


def test_an_unknown_log_format_is_named(settings):
    settings.LOG_FORMAT = "xml"

    assert ids(checks.check_choices(None)) == ["gatebook.E005"]


def test_every_font_is_there_and_a_missing_one_would_be_named(monkeypatch):
    assert FontFinder().check() == []

    monkeypatch.setitem(FONTS, "Gone.ttf", ("no_such_package", "Gone.ttf"))

    found = FontFinder().check()
    assert ids(found) == ["gatebook.E010"]
    assert "Gone.ttf" in found[0].msg


@pytest.mark.parametrize(
    ("allow", "authorities", "expected"),
    [
        ([], "", []),
        (["10.0.0.0/8", "mlflow.lan", ".lan", "::1"], "", []),
        (["10.0.0.0/8", "ten"], "", []),
        (["10.0.0.0/64"], "", ["gatebook.E020"]),
        (["https://mlflow.lan"], "", ["gatebook.E020"]),
        (["0.0.0.0/0"], "", ["gatebook.W020"]),
        ([], "no certificate", ["gatebook.E021"]),
    ],
)
def test_what_may_be_reached_is_said_in_words_that_mean_something(settings, allow, authorities, expected):
    settings.GATEBOOK_OUTBOUND_ALLOW, settings.GATEBOOK_OUTBOUND_CA = allow, authorities

    found = checks.check_outbound(None)

    assert ids(found) == expected
    assert all(message.hint for message in found)


def test_the_keys_for_signatures_of_models_are_keys(settings, tmp_path):
    settings.GATEBOOK_MODEL_KEYS = ""
    assert checks.check_model_keys(None) == []
    settings.GATEBOOK_MODEL_KEYS = str(tmp_path / "nowhere")
    assert ids(checks.check_model_keys(None)) == ["gatebook.E030"]
    settings.GATEBOOK_MODEL_KEYS = str(tmp_path)
    assert checks.check_model_keys(None) == []
    (tmp_path / "bad.pem").write_text("no key")
    assert "bad.pem" in str(checks.check_model_keys(None)[0])
