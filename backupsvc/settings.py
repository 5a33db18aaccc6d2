"""Settings of the studio's application.

Addresses of PostgreSQL and Redis come from ``DATABASE_URL`` and ``REDIS_URL`` and from nowhere
else: ``manage.py`` and the test run fill them in from the private pair when they are not set.
"""

import os
from pathlib import Path

from backupsvc.environment import database_from_url, secret_from_file, var_dir

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = var_dir()

DEBUG = os.environ.get("DEBUG", "") == "1"
SECRET_KEY = os.environ.get("SECRET_KEY") or secret_from_file(VAR_DIR / "secret_key")
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost 127.0.0.1 [::1] testserver").split()

# Who stands in front: addresses or networks whose word on visitors counts; "unix" for a socket file.
TRUSTED_PROXIES = os.environ.get("TRUSTED_PROXIES", "").split()
if os.environ.get("HTTPS", "") == "1":
    SECURE_SSL_REDIRECT = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = int(os.environ.get("HSTS_SECONDS", "31536000"))
    # A host that begins with a dot stands for all names below it, and an origin says that otherwise.
    CSRF_TRUSTED_ORIGINS = [
        f"https://{'*' * host.startswith('.')}{host}" for host in ALLOWED_HOSTS if host != "*"
    ]
    # Whether names below this one, and lists that browsers bring along, are to follow is for whoever owns
    # the name: it concerns other servers than this one.
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

INSTALLED_APPS = [
    "restore",
    "backups",
    "backupsvc.studio",
    "backupsvc.studio.admin_app.StudioAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
]

MIDDLEWARE = [
    "backups.middleware.BodyLimitMiddleware",
    "backupsvc.studio.proxies.TrustedProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "backups.middleware.ContentSecurityPolicyMiddleware",
    "backupsvc.studio.not_kept.NotKeptMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    # Before whatever asks for the account: during a restore such a query waits for the commit.
    "restore.middleware.MaintenanceMiddleware",
    "restore.middleware.FirstStartMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "backups.middleware.DatabaseAwayMiddleware",
]

ROOT_URLCONF = "backupsvc.urls"
WSGI_APPLICATION = "backupsvc.wsgi.application"

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
            ],
        },
    },
]

DATABASES = {"default": database_from_url(os.environ.get("DATABASE_URL", ""))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:1/0")
# Arguments of jobs are ids only, written as JSON: a pickle out of Redis could run anything.
RQ_QUEUES = {
    "backups": {
        "URL": REDIS_URL,
        "DEFAULT_TIMEOUT": 24 * 3600,
        "SERIALIZER": "rq.serializers.JSONSerializer",
    }
}
RQ = {"JOB_CLASS": "rq.job.Job"}

AUTH_USER_MODEL = "studio.User"
CSRF_FAILURE_VIEW = "backups.views.refused.csrf_failure"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTHENTICATION_BACKENDS = [
    "backups.signing_in.SlowDown",
    "backupsvc.studio.accounts.RoleBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Mail is held after another installation's file was restored, until an owner releases it.
EMAIL_BACKEND = "restore.mail.HoldingEmailBackend"
BACKUPS_EMAIL_BACKEND = os.environ.get(
    "EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend"
)
# A mail server that does not answer holds nobody up for longer.
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "studio@localhost")

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
MEDIA_URL = "/media/"
MEDIA_ROOT = Path(os.environ.get("MEDIA_ROOT", VAR_DIR / "media"))
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# What the backup system may be told; see docs/operating.md. Everything has a default.
BACKUPS_ROOT = Path(os.environ.get("BACKUPS_ROOT", VAR_DIR / "backups"))
BACKUPS_KEY_FILE = Path(os.environ.get("BACKUPS_KEY_FILE", VAR_DIR / "installation.key"))
BACKUPS_APPLICATION = "backupsvc studio"
BACKUPS_QUEUE = "backups"
# host:port pairs inside the network that files may be fetched from. Empty in production.
BACKUPS_FETCH_INTERNAL_HOSTS = os.environ.get("BACKUPS_FETCH_INTERNAL_HOSTS", "").split()

# Where the demo studio's rows say that their remote files are; `make run` serves them there.
STUDIO_DEMO_FILES_URL = os.environ.get("STUDIO_DEMO_FILES_URL", "http://127.0.0.1:8765/files/")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"discreet": {"()": "backups.logs.Discreet"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["discreet"],
        }
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    # A line for each run that has ended.
    "loggers": {"backups": {"level": "INFO"}},
}
