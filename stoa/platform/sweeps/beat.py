"""Beat with its schedule in the database, and only ours in it."""

from django_celery_beat.schedulers import DatabaseScheduler


class TickScheduler(DatabaseScheduler):  # type: ignore[misc]  # the library is untyped
    def install_default_entries(self, data: object) -> None:
        """None: Celery would add its own clean-up of results, which is the sweep `celery.results` here."""
