"""What wallets do when something happened below."""

from stoa.apps.accounts.events import AccountErased
from stoa.apps.wallet.services.wallets import forget_person
from stoa.platform.outbox.subscriptions import reacts


@reacts(AccountErased)
def forget_erased(event: AccountErased) -> None:
    forget_person(user_id=event.user_id)
