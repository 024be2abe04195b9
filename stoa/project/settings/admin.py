"""How the admin looks, and what stands in its side bar: unfold's settings."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

from stoa.runtime.config.current import settings
from stoa.runtime.version import VERSION

_PEOPLE = (
    ("Users", "person", "accounts.user"),
    ("Sessions", "devices", "accounts.session"),
    ("Groups of staff", "shield_person", "auth.group"),
)
_ORGANIZATIONS = (
    ("Organizations", "corporate_fare", "organizations.organization"),
    ("Members", "badge", "organizations.membership"),
    ("Roles", "key", "organizations.role"),
    ("Invites", "mail", "organizations.invite"),
)
_MONEY = (
    ("Books", "menu_book", "ledger.book"),
    ("Accounts", "account_balance", "ledger.account"),
    ("Entries", "receipt_long", "ledger.entry"),
    ("Periods", "event_busy", "ledger.period"),
    ("Quarantine", "healing", "ledger.quarantined"),
    ("Reports", "summarize", "ledger.reportjob"),
    ("Wallets", "wallet", "wallet.wallet"),
    ("Snapshots", "photo_camera", "wallet.snapshot"),
)
_PLATFORM = (
    ("Flags", "flag", "flags.featureflag"),
    ("Audit trail", "policy", "audit.auditrecord"),
    ("Approvals", "how_to_vote", "approvals.approval"),
    ("Outbox events", "outbox", "outbox.outboxevent"),
    ("Outbox deliveries", "local_shipping", "outbox.outboxdelivery"),
    ("Sweeps", "mop", "sweeps.sweep"),
    ("Processes", "memory", "sweeps.heartbeat"),
)
_CELERY = (
    ("Periodic tasks", "schedule", "django_celery_beat.periodictask"),
    ("Intervals", "timer", "django_celery_beat.intervalschedule"),
    ("Crontabs", "calendar_clock", "django_celery_beat.crontabschedule"),
    ("Task results", "task_alt", "django_celery_results.taskresult"),
)


def _may_view(model: str) -> Callable[[HttpRequest], bool]:
    """`model` is `app.model`: the item is shown to those whom its page would not refuse."""
    app, name = model.split(".")

    def shown(request: HttpRequest) -> bool:
        return any(request.user.has_perm(f"{app}.{word}_{name}") for word in ("view", "change"))

    return shown


def _items(*pages: tuple[str, str, str]) -> list[dict[str, Any]]:
    return [
        {
            "title": title,
            "icon": icon,
            "link": reverse_lazy(f"admin:{model.replace('.', '_')}_changelist"),
            "permission": _may_view(model),
        }
        for title, icon, model in pages
    ]


_TRACE = {
    "title": "Trace",
    "icon": "timeline",
    "link": reverse_lazy("trace"),
    "permission": _may_view("audit.auditrecord"),
}


def environment(request: HttpRequest) -> list[str]:
    """The badge beside the title, so that nobody mistakes production for a laptop."""
    name = settings().environment
    return [name, "danger" if name == "production" else "info"]


UNFOLD = {
    "SITE_TITLE": "Stoa",
    "SITE_HEADER": "Stoa",
    "SITE_SUBHEADER": VERSION,
    "SITE_URL": "/",
    "SITE_ICON": lambda request: static("stoa/mark.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("stoa/mark.svg")}],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "ENVIRONMENT": "stoa.project.settings.admin.environment",
    "DASHBOARD_CALLBACK": "stoa.project.dashboard.dashboard",
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "oklch(97.7% .014 240)",
            "100": "oklch(94.8% .03 240)",
            "200": "oklch(89.6% .058 240)",
            "300": "oklch(81.8% .1 240)",
            "400": "oklch(71.5% .134 240)",
            "500": "oklch(60.5% .14 242)",
            "600": "oklch(50.8% .128 244)",
            "700": "oklch(43.6% .11 244)",
            "800": "oklch(38.2% .09 244)",
            "900": "oklch(33.4% .076 244)",
            "950": "oklch(25% .06 244)",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": [
            {"title": "People", "items": _items(*_PEOPLE)},
            {"title": "Organizations", "items": _items(*_ORGANIZATIONS)},
            {"title": "Money", "items": _items(*_MONEY)},
            {"title": "Platform", "items": [*_items(*_PLATFORM), _TRACE]},
            {"title": "Celery", "collapsible": True, "items": _items(*_CELERY)},
        ],
    },
}
