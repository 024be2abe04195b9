"""What is installed, and the layers a request passes."""

from importlib.util import find_spec

LOCAL_APPS = (
    "stoa.platform.http.apps.HttpConfig",
    "stoa.platform.db.apps.DbConfig",
    "stoa.platform.outbox.apps.OutboxConfig",
    "stoa.platform.sweeps.apps.SweepsConfig",
    "stoa.platform.flags.apps.FlagsConfig",
    "stoa.platform.audit.apps.AuditConfig",
    "stoa.platform.approvals.apps.ApprovalsConfig",
    "stoa.platform.admin_pages.apps.AdminPagesConfig",
    "stoa.platform.observability.apps.ObservabilityConfig",
    "stoa.apps.accounts.apps.AccountsConfig",
    "stoa.apps.notifications.apps.NotificationsConfig",
    "stoa.apps.organizations.apps.OrganizationsConfig",
    "stoa.apps.ledger.apps.LedgerConfig",
    "stoa.apps.wallet.apps.WalletConfig",
    "stoa.project.apps.ProjectConfig",
    "stoa.platform.config.apps.ConfigConfig",
)

INSTALLED_APPS = (
    "unfold",  # before the admin, whose site and templates it takes over
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "stoa.project.development",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "django_celery_results",
    "stoa.project.allauth_apps.AllauthAccount",
    "stoa.project.allauth_apps.AllauthSocial",
    *LOCAL_APPS,
)

DEVELOPER_APPS = tuple(name for name in ("django_extensions",) if find_spec(name) is not None)
"""From the extra `dev`: shell_plus and its like. Never in production, installed or not."""

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
