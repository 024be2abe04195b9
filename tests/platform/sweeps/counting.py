"""A sweep whose effect can be counted: each of its rows gets one more, once, however often it runs."""

from stoa.platform.db.transactions import transaction
from stoa.platform.sweeps.registry import sweep
from stoa.runtime.pause_points import pause_point
from tests.probe.models import Note

BATCH = 5


def declare_counting(name: str, owner: str) -> None:
    """Rows of `owner` that stand at 0 are due; `probe.before_commit` and `probe.committed` frame each batch."""

    @sweep(name, every_s=60, batch=BATCH)
    def count(limit: int) -> int:
        with transaction():
            due = Note.objects.select_for_update().filter(owner_id=owner, amount_minor=0).order_by("pk")[:limit]
            for note in due:
                note.amount_minor += 1
                note.save(update_fields=["amount_minor"])
            pause_point("probe.before_commit")
        pause_point("probe.committed")
        return len(due)
