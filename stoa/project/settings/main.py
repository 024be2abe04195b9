"""Django's settings. Each value comes from the typed configuration or is a decision; no environment is read here."""

from stoa.platform.db.connection import django_databases
from stoa.project.settings import admin as _admin
from stoa.project.settings import api as _api
from stoa.project.settings import apps as _apps
from stoa.project.settings.collected import COLLECTED as _COLLECTED
from stoa.runtime.config.current import settings as _settings
from stoa.runtime.process import role as _role

_current = _settings()

ROOT_URLCONF = "stoa.project.urls"
WSGI_APPLICATION = "stoa.project.wsgi.application"
INSTALLED_APPS = [*_apps.INSTALLED_APPS, *(() if _current.in_production else _apps.DEVELOPER_APPS)]
MIDDLEWARE = list(_apps.MIDDLEWARE)
TEMPLATES = list(_apps.TEMPLATES)
DATABASES = django_databases(_current, _role())
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["stoa.apps.accounts.services.admin_sign_in.AdminSignIn"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEST_RUNNER = "stoa.platform.testing.runner.PytestRunner"

SOCIALACCOUNT_ADAPTER = "stoa.apps.accounts.providers.allauth_adapter.SocialAdapter"
SOCIALACCOUNT_QUERY_EMAIL = True
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]

SECRET_KEY = _current.django_secret_key.get_secret_value()
DEBUG = _current.django_debug
ALLOWED_HOSTS = list(_current.django_allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(_current.csrf_trusted_origins)
CORS_ALLOWED_ORIGINS = list(_current.cors_allowed_origins)
CORS_ALLOW_HEADERS = list(_api.CORS_ALLOW_HEADERS)
CORS_EXPOSE_HEADERS = list(_api.CORS_EXPOSE_HEADERS)
CORS_URLS_REGEX = r"^/api/.*$"

REST_FRAMEWORK = dict(_api.REST_FRAMEWORK)
UNFOLD = dict(_admin.UNFOLD)
SPECTACULAR_SETTINGS = dict(_api.SPECTACULAR_SETTINGS)

APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = _current.max_body_bytes
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _current.in_production
SECURE_HSTS_SECONDS = 31_536_000 if _current.in_production else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _current.in_production
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _current.trusted_proxy_count else None
X_FRAME_OPTIONS = "DENY"

PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
FORMAT_MODULE_PATH = ["stoa.project.formats"]

STATIC_URL = "/static/"
# Outside production files are served from where they lie: no collectstatic step on a laptop, and no folder to miss.
STATIC_ROOT = _COLLECTED if _current.in_production or _role() != "web" else None
WHITENOISE_USE_FINDERS = not _current.in_production
WHITENOISE_AUTOREFRESH = _current.django_debug
if _current.in_production:
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }

if _current.redis_address is not None:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": _current.redis_address}}

LOGGING_CONFIG = None  # stoa.runtime.logs is configured by stoa.project.apps, for every process alike
