"""What is installed, and the layers a request passes."""

LOCAL_APPS = (
    "stoa.platform.http.apps.HttpConfig",
    "stoa.platform.outbox.apps.OutboxConfig",
    "stoa.platform.sweeps.apps.SweepsConfig",
    "stoa.platform.flags.apps.FlagsConfig",
    "stoa.platform.audit.apps.AuditConfig",
    "stoa.platform.observability.apps.ObservabilityConfig",
    "stoa.apps.accounts.apps.AccountsConfig",
    "stoa.project.apps.ProjectConfig",
    "stoa.platform.config.apps.ConfigConfig",
)

INSTALLED_APPS = (
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "django_celery_results",
    *LOCAL_APPS,
)

MIDDLEWARE = (
    "stoa.platform.http.middleware.ApiErrorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "stoa.project.admin_layers.AdminSessions",
    "django.middleware.csrf.CsrfViewMiddleware",
    "stoa.project.admin_layers.AdminAuthentication",
    "stoa.project.admin_layers.AdminMessages",
)

TEMPLATES = (
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": (
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ),
        },
    },
)
