"""Settings. Whatever differs between environments comes from variables that the manifests set."""

import os
from urllib.parse import urlsplit

import dj_database_url
from django.core.management.utils import get_random_secret_key

VERSION = os.environ.get("VERSION", "unknown")
PUBLIC_URL = os.environ.get("PUBLIC_URL", "http://localhost")
# Where the services are that this one calls: USERS_URL becomes "users".
DEPENDENCIES = {
    name.removesuffix("_URL").lower(): value
    for name, value in sorted(os.environ.items())
    if name.endswith("_URL") and name not in {"DATABASE_URL", "MONGODB_URL", "PUBLIC_URL", "REDIS_URL"}
}

# The public host, the name that probes use, and the address inside the cluster.
ALLOWED_HOSTS = [urlsplit(PUBLIC_URL).hostname, "app", ".svc.cluster.local"]
# A preview without the secret store makes its own. Nothing here is signed for longer than a process lives.
SECRET_KEY = os.environ.get("SECRET_KEY") or get_random_secret_key()

DATABASES = {"default": dj_database_url.config(conn_max_age=60, conn_health_checks=True)}
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 3,
    # The server ends the statement of a pod that was killed, for example a migration that hangs and holds locks.
    "options": "-c client_connection_check_interval=1s",
}
REDIS_URL = os.environ.get("REDIS_URL", "redis://localhost:6379/0")

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 3, "socket_timeout": 3, "max_retries": 1}
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_CONCURRENCY = 2  # not one for each CPU of the node

INSTALLED_APPS = ["notes"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "app.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
