"""Wallets in the admin: found by person, suspended and resumed through the services."""

from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from stoa.apps.accounts.public import user_id_of
from stoa.apps.wallet.models import Snapshot, Wallet
from stoa.apps.wallet.queries import wallet_view
from stoa.apps.wallet.services.wallets import resume_wallet, suspend_wallet
from stoa.kit.ids import parse_id
from stoa.platform.admin_pages.acts import act_on_each
from stoa.platform.admin_pages.base import ReadOnlyAdmin
from stoa.platform.admin_pages.looks import BAD, GOOD, labelled, page_link

_BY = "In the admin."
_STANDING = {"active": GOOD, "suspended": BAD}


def _owner(row: Wallet) -> UUID:
    assert row.user_id is not None  # rows of nobody are left out
    return row.user_id


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin):
    list_display = ("id", "person", "standing", "created_at")
    search_fields = ("user_id",)
    search_help_text = "E-mail, handle or id of a person"
    fields = ("id", "person", "account", "balance", "available", "standing", "created_at")
    readonly_fields = ("person", "account", "balance", "available", "standing")
    actions = ("suspend", "resume")

    def wanted(self, term: str) -> Q:
        number = parse_id(term) or user_id_of(term)
        return Q(user_id=number) | Q(pk=number) if number else Q(pk=None)

    def has_act_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request)

    @admin.display(description="person")
    def person(self, row: Wallet) -> SafeString | str:
        return page_link("accounts.user", row.user_id, str(row.user_id)) if row.user_id else "nobody any more"

    @admin.display(description="account")
    def account(self, row: Wallet) -> SafeString:
        return page_link("ledger.account", row.account_id, str(row.account_id))

    @admin.display(description="balance")
    def balance(self, row: Wallet) -> str:
        return wallet_view(row).balance.amount

    @admin.display(description="available")
    def available(self, row: Wallet) -> str:
        return wallet_view(row).available.amount

    @labelled("state", _STANDING)
    def standing(self, row: Wallet) -> str:
        return "suspended" if row.is_suspended else "active"

    @admin.action(description="Suspend: receives, cannot spend", permissions=["act"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[Wallet]) -> None:
        rows = queryset.exclude(user_id=None)
        act_on_each(self, request, rows, lambda row: suspend_wallet(user_id=_owner(row), reason=_BY), done="suspended")

    @admin.action(description="Resume", permissions=["act"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Wallet]) -> None:
        rows = queryset.exclude(user_id=None)
        act_on_each(self, request, rows, lambda row: resume_wallet(user_id=_owner(row), reason=_BY), done="resumed")


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnlyAdmin):
    list_display = ("month", "wallets", "total_minor", "sealed_to", "taken_at")
    search_fields = ("month",)
    fields = ("month", "wallets", "total_minor", "hash", "sealed_to", "taken_at")
