"""`stoa gateway`: the realtime gateway under uvicorn, without Django."""

from importlib import import_module

from stoa.project.commands.ground import require_free_port
from stoa.project.supervisor import watch_parent
from stoa.runtime.process import declare_role

SERVING = "stoa.gateway.serving"
"""By name, as the web server gets its application: project and gateway are strangers on one floor."""


def serve_gateway(*, host: str, port: int, parent: int | None) -> int:
    """Until SIGINT or SIGTERM; then 0. Raises CannotStart when the port is taken."""
    declare_role("gateway")
    require_free_port(host, port, setting="GATEWAY_PORT")
    if parent is not None:
        watch_parent(parent)
    code: int = import_module(SERVING).serve(host=host, port=port)
    return code
