"""Law 3 for the broker: no task message leaves while a transaction is open."""

import pytest

from stoa.platform.db.transactions import OutsideCallInTransaction, transaction
from stoa.platform.health.tasks import health_check


def test_a_task_cannot_be_sent_from_inside_a_transaction(db: None) -> None:
    with transaction(), pytest.raises(OutsideCallInTransaction, match="a task message"):
        health_check.delay()
    assert health_check.delay().get() == "ok"
