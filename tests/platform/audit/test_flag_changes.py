"""Changes of flags are on the trail."""

import json

import pytest

from stoa.kit.errors import Invalid
from stoa.platform.audit.models import AuditRecord
from stoa.platform.flags.declared import declared_flags
from stoa.platform.flags.services import Rollout, remove_flag, set_flag


def test_a_change_and_a_removal_are_told(db: None) -> None:
    name = next(iter(declared_flags()))
    set_flag(name=name, rollout=Rollout(enabled=False, percent=30))
    assert remove_flag(name=name) is True
    assert remove_flag(name=name) is False
    changed, removed = AuditRecord.objects.filter(object_type="flag", object_id=name).order_by("id")
    assert (changed.action, removed.action) == ("flags.changed", "flags.removed")
    after = json.loads(changed.detail.payload)["after"]
    assert (after["enabled"], after["percent"]) == (False, 30)


def test_a_refused_change_leaves_no_trace(db: None) -> None:
    with pytest.raises(Invalid):
        set_flag(name=next(iter(declared_flags())), rollout=Rollout(enabled=True, percent=101))
    assert not AuditRecord.objects.filter(object_type="flag").exists()
