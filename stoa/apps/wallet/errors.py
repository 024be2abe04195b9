"""Refusals of wallets."""

from stoa.kit.errors import Conflict, Missing


class WalletSuspended(Conflict):
    code, message = "WALLET_SUSPENDED", "This wallet is suspended: it receives, and cannot spend."


class NoSuchRecipient(Missing):
    code, message = "RECIPIENT_NOT_FOUND", "Nobody here has that handle or account key."


class OwnWallet(Conflict):
    code, message = "OWN_WALLET", "Coins cannot be sent to the wallet they come from."


class TransferLimit(Conflict):
    code, message = "TRANSFER_LIMIT", "That is more than may be sent within a day."


class OverRefund(Conflict):
    code, message = "OVER_REFUND", "More than was spent, less what was refunded already."
