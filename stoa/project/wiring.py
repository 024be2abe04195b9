"""Which implementation stands behind each port. The only place where neighbours meet."""

from stoa.apps.accounts.public import (
    groups_of_person,
    live_sessions,
    own_data,
    register_account_closing_veto,
    register_export_source,
)
from stoa.apps.ledger.contracts import CURE
from stoa.apps.ledger.public import cure_on_approval
from stoa.apps.ledger.public import lines_of_request as ledger_lines_of
from stoa.apps.notifications.public import told_to
from stoa.apps.organizations.public import caller_of_request, members_among, memberships_of, veto_of_last_admin
from stoa.apps.wallet.public import wallet_data
from stoa.platform.approvals.public import register_executor
from stoa.platform.audit import tracing as audit_trace
from stoa.platform.flags.public import register_groups, route_is_on
from stoa.platform.http.public import register_authenticator, register_features
from stoa.platform.observability import log_lines
from stoa.platform.observability.public import register_trace_source
from stoa.platform.outbox import tracing as outbox_trace
from stoa.platform.realtime.public import register_channel_authoriser, register_live_sessions


def connect() -> None:
    register_authenticator(caller_of_request)
    register_features(route_is_on)
    register_groups(groups_of_person)
    register_account_closing_veto("organizations", veto_of_last_admin)
    register_export_source("accounts", own_data)
    register_export_source("organizations", memberships_of)
    register_export_source("notifications", told_to)
    register_export_source("wallet", wallet_data)
    register_executor(CURE, cure_on_approval)
    register_live_sessions(live_sessions)
    register_channel_authoriser("org", members_among)
    register_trace_source("logs", log_lines.lines_of)
    register_trace_source("audit", audit_trace.lines_of)
    register_trace_source("ledger", ledger_lines_of)
    register_trace_source("outbox", outbox_trace.lines_of)
