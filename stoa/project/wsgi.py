"""The web process: Entry (ids, headers) -> probes and metrics -> admission -> Django."""

from stoa.runtime.process import declare_role

declare_role("web")

from stoa.project.application import build_application  # noqa: E402 - the role decides database options

application = build_application()
