"""Asking for a second person, and their answer. For the apps whose acts wait for one."""

from stoa.platform.approvals.contracts import Executor
from stoa.platform.approvals.queries import approval_page, approval_view
from stoa.platform.approvals.services import EXECUTORS, ask_second_person, grant, refuse

__all__ = ["approval_page", "approval_view", "ask_second_person", "grant", "refuse", "register_executor"]


def register_executor(action: str, executor: Executor) -> None:
    """What a yes to this action does. An action without one cannot be granted."""
    EXECUTORS[action] = executor
