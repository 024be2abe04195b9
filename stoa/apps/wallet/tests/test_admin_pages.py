"""Wallets in the admin."""

import pytest
from django.test import Client

from stoa.apps.accounts.tests.factories import Person, make_person
from stoa.apps.wallet.models import Wallet
from stoa.apps.wallet.services.coins import mint
from stoa.apps.wallet.services.wallets import forget_person
from stoa.kit.ids import new_id
from stoa.kit.money import Money
from stoa.platform.audit.models import AuditRecord

pytestmark = pytest.mark.django_db
ADMIN = "/admin/wallet/wallet"


def test_a_wallet_is_found_shown_suspended_and_resumed(staff: Person) -> None:
    browser, owner, gone = Client(), make_person("Owner"), make_person("Gone")
    browser.force_login(staff.user)
    for person in (owner, gone):
        mint(user_id=person.user.pk, amount=Money(12_50, "SLC"), payment_id=new_id())
    forget_person(user_id=gone.user.pk)
    wallet = Wallet.objects.get(user_id=owner.user.pk)
    found = browser.get(f"{ADMIN}/", {"q": owner.user.handle})
    assert [row.pk for row in found.context_data["cl"].result_list] == [wallet.pk]  # type: ignore[index]
    assert "12.50" in browser.get(f"{ADMIN}/{wallet.pk}/change/").content.decode()
    everyone = [str(pk) for pk in Wallet.objects.values_list("pk", flat=True)]
    for action, suspended in (("suspend", True), ("resume", False)):
        answer = browser.post(f"{ADMIN}/", {"action": action, "_selected_action": everyone}, follow=True)
        assert f"1 {action}" in answer.content.decode()
        wallet.refresh_from_db()
        assert wallet.is_suspended is suspended
    actors = AuditRecord.objects.filter(action__in=["wallet.suspended", "wallet.resumed"]).values_list(
        "object_id", flat=True
    )
    assert list(actors) == [str(wallet.pk)] * 2
