"""One mailed token shown several times at once, on real connections."""

import pytest

from stoa.apps.accounts.errors import TokenRefused
from stoa.apps.accounts.models import Errand, MailedSecret, User
from stoa.apps.accounts.services import passwords
from stoa.apps.accounts.services.mailed_secrets import ask_secret
from stoa.apps.accounts.tests.factories import make_user
from stoa.platform.audit.models import AuditRecord
from stoa.platform.db.transactions import transaction
from stoa.platform.testing.pausing import meeting_at, skipped_at
from stoa.platform.testing.races import repeat_together
from stoa.runtime.travelling_secrets import make_token

pytestmark = pytest.mark.race


def resets_by_one_token() -> int:
    user = make_user("Racer")
    with transaction():
        row = MailedSecret.objects.get(pk=ask_secret(user=user, errand=Errand.RESET_PASSWORD))
    token = make_token(purpose=row.errand, row_id=row.pk, nonce=row.nonce)
    with meeting_at("accounts.secret_found", parties=4, timeout_s=10):
        outcomes = repeat_together(4, lambda n: passwords.reset_password(token=token, new=f"a-long-passphrase-{n}"))
    won = [number for number, one in enumerate(outcomes) if one.error is None]
    assert {type(one.error) for one in outcomes if one.error} <= {TokenRefused}
    kept = User.objects.get(pk=user.pk)
    assert sum(kept.check_password(f"a-long-passphrase-{number}") for number in won) == 1
    done = AuditRecord.objects.filter(action="accounts.password_reset", object_id=str(user.pk))
    assert done.count() == len(won)
    return len(won)


def test_of_four_resets_by_one_token_exactly_one_wins(committed_db: None) -> None:
    assert resets_by_one_token() == 1


def test_without_the_comparison_a_token_works_more_than_once(committed_db: None) -> None:
    with skipped_at("accounts.compare_secret"):
        assert resets_by_one_token() == 4
