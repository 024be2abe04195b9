"""Business events by name: who knows the amounts need not know the accounts.

Each template asks for amounts and says which system accounts they go to. A line whose amount comes to 0 is left out; one
that comes to less is refused. Templates touch no control account: what payments, sales or wallets post is theirs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from stoa.apps.ledger.contracts import Draft, EntryView, Line, Side, TemplateAmount, TemplateView
from stoa.apps.ledger.domain import MANUAL, api_key
from stoa.apps.ledger.queries import entry_view
from stoa.apps.ledger.services.books import system_account
from stoa.apps.ledger.services.posting import post_entry
from stoa.kit.errors import Invalid, Missing
from stoa.kit.money import EXPONENTS, MAX_MINOR, Money, MoneyError
from stoa.platform.audit.recording import record
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.db.transactions import transaction


@dataclass(frozen=True, slots=True)
class Template:
    """`debits` and `credits`: role -> amounts that are added up, with a minus before what is taken off."""

    about: str
    amounts: Mapping[str, str]
    debits: Mapping[str, str]
    credits: Mapping[str, str]
    optional: frozenset[str] = frozenset()


TEMPLATES: Mapping[str, Template] = {
    "opening_balance": Template(
        "What is there when the books begin",
        {"cash": "in the till", "bank": "on the bank account"},
        {"cash": "cash", "bank": "bank"},
        {"equity": "cash bank"},
        frozenset({"cash", "bank"}),
    ),
    "owner_contribution": Template(
        "The owner brings money in", {"amount": "what"}, {"bank": "amount"}, {"equity": "amount"}
    ),
    "owner_withdrawal": Template(
        "The owner takes money out", {"amount": "what"}, {"equity": "amount"}, {"bank": "amount"}
    ),
    "cash_sale": Template(
        "Goods or a service, paid in cash",
        {"net": "price without tax and before discount", "tax": "on what is paid", "discount": "off the price"},
        {"cash": "net tax -discount", "discounts": "discount"},
        {"sales_revenue": "net", "tax_payable": "tax"},
        frozenset({"tax", "discount"}),
    ),
    "bank_sale": Template(
        "Goods or a service, paid to the bank account",
        {"net": "price without tax and before discount", "tax": "on what is paid", "discount": "off the price"},
        {"bank": "net tax -discount", "discounts": "discount"},
        {"sales_revenue": "net", "tax_payable": "tax"},
        frozenset({"tax", "discount"}),
    ),
    "sales_return": Template(
        "A sale taken back, paid out in cash",
        {"net": "price without tax", "tax": "given back"},
        {"sales_returns": "net", "tax_payable": "tax"},
        {"cash": "net tax"},
        frozenset({"tax"}),
    ),
    "bill_received": Template(
        "A supplier's bill for running costs, to be paid later",
        {"net": "without tax", "tax": "that one gets back"},
        {"operating": "net", "tax_payable": "tax"},
        {"payable": "net tax"},
        frozenset({"tax"}),
    ),
    "bill_paid": Template("A supplier is paid", {"amount": "what"}, {"payable": "amount"}, {"bank": "amount"}),
    "payroll": Template(
        "Wages, paid from the bank account",
        {"gross": "what the work costs", "withheld": "tax kept back for the state"},
        {"payroll": "gross"},
        {"bank": "gross -withheld", "tax_payable": "withheld"},
        frozenset({"withheld"}),
    ),
    "tax_paid": Template("Tax goes to the state", {"amount": "what"}, {"tax_payable": "amount"}, {"bank": "amount"}),
    "bank_deposit": Template("Cash is brought to the bank", {"amount": "what"}, {"bank": "amount"}, {"cash": "amount"}),
    "bank_fee": Template("The bank takes its fee", {"amount": "what"}, {"fees": "amount"}, {"bank": "amount"}),
}


def template_views() -> list[TemplateView]:
    """Of all templates, by name."""
    return [
        TemplateView(
            name=name,
            about=each.about,
            amounts=tuple(
                TemplateAmount(name=amount, about=about, is_required=amount not in each.optional)
                for amount, about in each.amounts.items()
            ),
            debits=tuple(f"{role}: {what}" for role, what in each.debits.items()),
            credits=tuple(f"{role}: {what}" for role, what in each.credits.items()),
        )
        for name, each in sorted(TEMPLATES.items())
    ]


def minor_lines(*, template: Template, amounts: Mapping[str, int]) -> list[tuple[str, Side, int]]:
    """Role, side and minor units of each line that is not 0. Raises Invalid where one would be negative."""
    found = []
    for side, parts in ((Side.DEBIT, template.debits), (Side.CREDIT, template.credits)):
        for role, words in parts.items():
            terms = words.split()
            minor = sum(-amounts.get(term[1:], 0) if term.startswith("-") else amounts.get(term, 0) for term in terms)
            if minor < 0:
                off = next(term[1:] for term in terms if term.startswith("-"))
                raise Invalid({f"amounts.{off}": ["more than there is to take it off"]})
            if minor:
                found.append((role, side, minor))
    return found


def post_from_template(
    *,
    book_id: UUID,
    name: str,
    currency: str,
    amounts: Mapping[str, str],
    key: str,
    effective_at: datetime | None = None,
    description: str = "",
    reference_id: str = "",
) -> EntryView:
    """Post a business event: `amounts` are decimal strings by name, `key` is the request's Idempotency-Key.

    Raises Missing, Invalid, and what `post_entry` raises; audited."""
    template = TEMPLATES.get(name)
    if template is None:
        raise Missing
    if currency not in EXPONENTS:
        raise Invalid({"currency": ["unknown currency"]})
    lines = minor_lines(template=template, amounts=_read(template, amounts, currency))
    with tenant_scope(book_id), transaction():
        posted = post_entry(
            draft=Draft(
                book_id=book_id,
                kind=MANUAL,
                key=api_key(key),
                effective_at=effective_at,
                lines=tuple(
                    Line(system_account(book_id=book_id, role=role, currency=currency), side, minor, currency)
                    for role, side, minor in lines
                ),
                description=description or template.about,
                reference_type=name,
                reference_id=reference_id,
            )
        )
        if posted.is_new:
            record(
                action="ledger.entry_posted",
                object_type="ledger_entry",
                object_id=posted.entry_id,
                org_id=book_id,
                after={"template": name},
            )
        return entry_view(posted.entry_id)


def _read(template: Template, amounts: Mapping[str, str], currency: str) -> dict[str, int]:
    """Minor units by name. Raises Invalid with the name of each that is missing, unknown, negative or no amount."""
    faults = {
        f"amounts.{name}": ["this template knows no such amount"] for name in amounts.keys() - template.amounts.keys()
    }
    read = {}
    for name in template.amounts:
        is_required = name not in template.optional
        try:
            read[name] = Money.parse(amounts.get(name, "0"), currency).minor
        except MoneyError as error:
            faults[f"amounts.{name}"] = [str(error)]
            continue
        if not int(is_required) <= read[name] <= MAX_MINOR:
            faults[f"amounts.{name}"] = ["more than 0" if is_required else "0 or more"]
    if not faults and not any(read.values()):
        faults["amounts"] = ["one at least is more than 0"]
    if faults:
        raise Invalid(faults)
    return read
