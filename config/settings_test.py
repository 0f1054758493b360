"""Settings for the test suite: production's, but for what would make tests slow or need a build first."""

from config.settings import *  # noqa: F403

# The real hasher is slow on purpose, and tests make hundreds of people.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# The manifest of hashed names exists after `collectstatic` only.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True

# A file as in production: threads, the live server and other processes then meet the same locks as there.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": str(GATEBOOK_HOME / "test.sqlite3")}  # noqa: F405
