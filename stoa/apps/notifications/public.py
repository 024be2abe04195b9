"""What others may call."""

from stoa.apps.notifications.queries import told_to

__all__ = ["told_to"]
