"""Which implementation stands behind each port. The only place where neighbours meet."""

from stoa.apps.accounts.public import caller_of_token, groups_of_person
from stoa.platform.audit import tracing as audit_trace
from stoa.platform.flags.public import register_groups, route_is_on
from stoa.platform.http.public import register_authenticator, register_features
from stoa.platform.observability import log_lines
from stoa.platform.observability.public import register_trace_source
from stoa.platform.outbox import tracing as outbox_trace


def connect() -> None:
    register_authenticator(caller_of_token)
    register_features(route_is_on)
    register_groups(groups_of_person)
    register_trace_source("logs", log_lines.lines_of)
    register_trace_source("audit", audit_trace.lines_of)
    register_trace_source("outbox", outbox_trace.lines_of)
