"""Settings: production's by default, taken from the environment (`config/env.py` says how).

docs/settings.md lists every variable. Settings that contradict each other are found by `config/checks.py`.
"""

from pathlib import Path

from csp.constants import NONE, SELF

from config import env as environment
from config.logs import log_settings

BASE_DIR = Path(__file__).resolve().parent.parent
env = environment.Env()

GATEBOOK_HOME = environment.home(env, BASE_DIR / "var")
SECRET_KEY = environment.secret_key(env, GATEBOOK_HOME)
DEBUG = env.bool("GATEBOOK_DEBUG", default=False)

# --- The address people use. One variable sets hosts, trusted origins, links and cookies. ---------

LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
GATEBOOK_URL = env.str("GATEBOOK_URL", default="").strip().rstrip("/")
_site = environment.site(env)
_https = _site is not None and _site.scheme == "https"

ALLOWED_HOSTS = [*LOOPBACK_HOSTS, *([_site.hostname] if _site and _site.hostname else [])]
CSRF_TRUSTED_ORIGINS = [f"{_site.scheme}://{_site.netloc}"] if _site and _site.netloc else []

# --- Parts ----------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "config",
    "reports",
    "governance",
    "lifecycle",
    "ledger",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "template_partials",
    "rules",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "whitenoise.runserver_nostatic",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.middleware.BrowserPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.ReaderZoneMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.product",
            ],
        },
    },
]

# --- People ---------------------------------------------------------------------------------------

AUTH_USER_MODEL = "lifecycle.User"
AUTHENTICATION_BACKENDS = [
    "rules.permissions.ObjectPermissionBackend",
    "django.contrib.auth.backends.ModelBackend",
]
LOGIN_URL = "lifecycle:login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "lifecycle:login"
_VALIDATORS = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATORS}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATORS}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_VALIDATORS}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATORS}.NumericPasswordValidator"},
]

# Second factors are django-allauth's; accounts, log-in and their pages are ours.
MFA_ADAPTER = "lifecycle.second_factors.SecondFactors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_TOLERANCE = 1  # clocks of phones; each code is good once all the same
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not _https  # plain HTTP is on this machine only
ACCOUNT_EMAIL_VERIFICATION = "none"

# --- Records, files, pages' assets ----------------------------------------------------------------

DATABASES = {"default": environment.database(env, GATEBOOK_HOME)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MIGRATION_MODULES: dict[str, str] = {}

MEDIA_ROOT = GATEBOOK_HOME / "media"
STATIC_ROOT = GATEBOOK_HOME / "static"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "config.fonts.FontFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "config.static.StaticStorage"
    },
}
WHITENOISE_MIMETYPES = {".ttf": "font/ttf"}
# Fonts and pictures are dense already; source maps are for developers, who seldom ask.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = [
    "map",
    "woff",
    "woff2",
    "ttf",
    "png",
    "jpg",
    "gif",
    "webp",
    "gz",
    "br",
    "zip",
]

# --- Language and time ----------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# --- What browsers are told -----------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True

SESSION_COOKIE_NAME = "gatebook_session"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_NAME = "gatebook_csrf"
CSRF_COOKIE_HTTPONLY = True  # pages carry the token themselves, on <body hx-headers>
CSRF_COOKIE_SECURE = _https

# An https:// address means that a proxy in front ends TLS, since gunicorn here speaks plain HTTP only.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_SSL_REDIRECT = _https
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # asked from inside, without the proxy
SECURE_HSTS_SECONDS = env.int("GATEBOOK_HSTS_SECONDS", default=31_536_000 if _https else 0)
SILENCED_SYSTEM_CHECKS = [
    # Whether the whole domain and browsers' own lists are bound to HTTPS is for the domain's owner to say.
    "security.W005",
    "security.W021",
]
if not _https:
    # Plain HTTP is right on this machine only; gatebook.W001 warns as soon as the address is another one.
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W008", "security.W012", "security.W016"]

# --- Background work ------------------------------------------------------------------------------

CELERY_BROKER_URL, CELERY_BROKER_TRANSPORT_OPTIONS = environment.broker(env, GATEBOOK_HOME)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "gatebook"
CELERY_TASK_IGNORE_RESULT = True  # what a task did is a record of ours, not the broker's
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = env.int("GATEBOOK_WORKERS", default=2)
# Files carry no orders to running workers, and asking for some every second is all that they would do.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = not CELERY_BROKER_URL.startswith("filesystem:")
CELERY_TIMEZONE = "UTC"
# The schedule is these lines and nothing is remembered between starts: due times are rows in the database.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    "sweep-outbox": {"task": "lifecycle.sweep_outbox", "schedule": 5.0, "options": {"expires": 5}},
    "tick": {"task": "lifecycle.tick", "schedule": 30.0, "options": {"expires": 30}},
    "figures": {"task": "lifecycle.keep_figures", "schedule": 600.0, "options": {"expires": 600}},
    "expire-reports": {"task": "reports.expire", "schedule": 3600.0, "options": {"expires": 3600}},
    "compliance": {
        "task": "governance.look_at_compliance",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "running": {"task": "governance.look_at_running", "schedule": 30.0, "options": {"expires": 30}},
    "publish": {"task": "reports.publish", "schedule": 60.0, "options": {"expires": 60}},
}

# A worker's hold on a job without a sign of life, in seconds; it gives a sign three times in that span.
OUTBOX_LEASE_SECONDS = env.float("GATEBOOK_LEASE_SECONDS", default=30.0)
OUTBOX_RESEND_SECONDS = env.float(
    "GATEBOOK_RESEND_SECONDS", default=60.0
)  # a message may be lost: tell again
OUTBOX_RETRY_SECONDS = env.float(
    "GATEBOOK_RETRY_SECONDS", default=5.0
)  # after the first failure, then longer

# The folder that runs may read data from, and nothing outside it.
GATEBOOK_DATA_ROOT = Path(env.str("GATEBOOK_DATA_ROOT", default=str(GATEBOOK_HOME / "data"))).expanduser()

# Where models may be registered from besides web addresses: local folders and s3://bucket/prefix.
GATEBOOK_MODEL_ROOTS = env.list("GATEBOOK_MODEL_ROOTS", default=[str(GATEBOOK_DATA_ROOT)])
GATEBOOK_MODEL_BYTES = env.int("GATEBOOK_MODEL_MB", default=10_000) * 1_000_000
# Public keys (*.pem, *.pub) that signatures of models are verified with.
GATEBOOK_MODEL_KEYS = env.str("GATEBOOK_MODEL_KEYS", default="")
# The S3-compatible store of the roots that begin with s3://; empty: AWS and its usual credentials.
GATEBOOK_S3_ENDPOINT = env.str("GATEBOOK_S3_ENDPOINT", default="")
GATEBOOK_S3_KEY = env.str("GATEBOOK_S3_KEY", default="")
GATEBOOK_S3_SECRET = env.str("GATEBOOK_S3_SECRET", default="")

# The most that one file attached to a task may have.
GATEBOOK_ATTACHMENT_BYTES = env.int("GATEBOOK_ATTACHMENT_MB", default=20) * 1_000_000

# --- The key that signs checkpoints and attestations: PEM, pkcs11:…, or made in GATEBOOK_KEYS -----

GATEBOOK_KEYS = GATEBOOK_HOME / "keys"
GATEBOOK_SIGNING_KEY = env.str("GATEBOOK_SIGNING_KEY", default="")
# What seals reports (PAdES): an RSA key (PEM file or pkcs11:…) with its certificates (PEM file, its own
# first); both empty: made in GATEBOOK_KEYS. A time-stamp service (RFC 3161), and the roots (PEM) of its
# chain.
GATEBOOK_REPORT_KEY = env.str("GATEBOOK_REPORT_KEY", default="")
GATEBOOK_REPORT_CERTIFICATE = env.str("GATEBOOK_REPORT_CERTIFICATE", default="")
GATEBOOK_REPORT_TSA = env.str("GATEBOOK_REPORT_TSA", default="")
GATEBOOK_REPORT_ROOTS = env.str("GATEBOOK_REPORT_ROOTS", default="")
# How long the file of a report is kept; its record and digest stay.
GATEBOOK_REPORT_DAYS = env.int("GATEBOOK_REPORT_DAYS", default=3653)
# The name under which others know the ledger; empty: made from GATEBOOK_URL when first published.
GATEBOOK_LOG_ORIGIN = env.str("GATEBOOK_LOG_ORIGIN", default="")
GATEBOOK_CHECKPOINT_SECONDS = env.int("GATEBOOK_CHECKPOINT_SECONDS", default=300)
# Where checkpoints are laid down outside: file:/folder, git:/repository, mail:a@b.example, tsa:https://…
GATEBOOK_LEDGER_ANCHORS = env.list("GATEBOOK_LEDGER_ANCHORS", default=[])
GATEBOOK_ANCHOR_HOURS = env.int("GATEBOOK_ANCHOR_HOURS", default=24)

# --- Requests to other systems --------------------------------------------------------------------

# What may be reached beyond public addresses: ranges, addresses, host names, .below.a.name
GATEBOOK_OUTBOUND_ALLOW = env.list("GATEBOOK_OUTBOUND_ALLOW", default=[])
# Certificate authorities (PEM) that are trusted beside the system's.
GATEBOOK_OUTBOUND_CA = env.str("GATEBOOK_OUTBOUND_CA", default="")

# What seals the secrets of connectors; the first key seals, all of them open.
GATEBOOK_SECRET_STORE_KEYS = environment.secret_store_keys(env, GATEBOOK_HOME)

# The most that one request to the API may carry, unpacked; more is refused before it is read.
GATEBOOK_INTAKE_BYTES = env.int("GATEBOOK_INTAKE_MB", default=10) * 1_000_000

# --- E-mail: notices that people asked for. Without EMAIL_URL they are files below GATEBOOK_HOME/mail. -----

vars().update(environment.mail(env, GATEBOOK_HOME))
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("GATEBOOK_MAIL_FROM", default="Gatebook <gatebook@localhost>")
GATEBOOK_DIGEST_HOUR = env.int("GATEBOOK_DIGEST_HOUR", default=7)  # from then on, in each person's time zone
GATEBOOK_ESCALATE_DAYS = env.int("GATEBOOK_ESCALATE_DAYS", default=3)  # after the due date, to managers

# The services that people may be told through, by the scheme of their address; empty: all that are known.
GATEBOOK_CHANNELS = env.list("GATEBOOK_CHANNELS", default=[])

# --- Kubernetes: which namespace is which environment, and the one of Gatebook itself -----------------------

GATEBOOK_NAMESPACE = env.str("GATEBOOK_NAMESPACE", default="gatebook")
GATEBOOK_NAMESPACES = env.json("GATEBOOK_NAMESPACES", default={})

# --- GitHub's deployment protection rule: the app's (client) id, its private key (PEM), its webhook secret.
# Without all three no question is taken. The file of a commit that says which models it deploys; which of its
# environments are called otherwise here: {"owner/name": {"prod-us": "production"}}.

GATEBOOK_GITHUB_API = env.str("GATEBOOK_GITHUB_API", default="https://api.github.com")
GATEBOOK_GITHUB_APP = env.str("GATEBOOK_GITHUB_APP", default="")
GATEBOOK_GITHUB_KEY = env.str("GATEBOOK_GITHUB_KEY", default="")
GATEBOOK_GITHUB_SECRET = env.str("GATEBOOK_GITHUB_SECRET", default="")
GATEBOOK_GITHUB_FILE = env.str("GATEBOOK_GITHUB_FILE", default="gatebook.json")
GATEBOOK_GITHUB_ENVIRONMENTS = env.json("GATEBOOK_GITHUB_ENVIRONMENTS", default={})

# --- API ------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "lifecycle.api.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["lifecycle.api.bodies.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "config.api.CursorPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.api.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Gatebook",
    "DESCRIPTION": "Projects, runs, gates, sign-offs and authorizations of machine-learning systems.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    # Without these, fields that are called alike get numbered names in the document.
    "ENUM_NAME_OVERRIDES": {
        "DeliveryOutcome": ["taken", "seen_before"],
        "QuestionOutcome": ["taken", "seen_before", "ignored"],
        "EventKind": "lifecycle.models.ReportedEvent.Kind",
        "EventOutcome": ["taken", "duplicate", "superseded"],
        "GateAnswer": ["allow", "deny"],
        "IncidentSeverity": "governance.models.Incident.Severity",
        "IncidentState": "governance.models.Incident.State",
        "ProjectState": "lifecycle.models.Project.State",
        "RecordOutcome": ["created", "updated", "changed", "unchanged"],
        "RegistrationKind": "lifecycle.models.Registration.Kind",
        "ReportKind": "reports.models.Report.Kind",
        "ReportState": "reports.models.Report.State",
        "RunKind": "lifecycle.models.Run.Kind",
        "RunKindToAskFor": "lifecycle.api.runs.KINDS_TO_ASK_FOR",
        "RunState": "lifecycle.models.Run.State",
        "SightingState": "governance.models.Sighting.State",
        "SignoffDecision": "governance.models.Signoff.Decision",
    },
}

# --- Log ------------------------------------------------------------------------------------------

LOG_FORMAT = env.str("GATEBOOK_LOG_FORMAT", default="text")
LOGGING = log_settings(LOG_FORMAT, env.str("GATEBOOK_LOG_LEVEL", default="INFO"))
