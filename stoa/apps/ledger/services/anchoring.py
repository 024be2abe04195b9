"""The head of each book's chain, kept outside the database: whoever cuts off the end cannot change what was exported."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import orjson
from django.db.models import OuterRef, Subquery
from pydantic import TypeAdapter, ValidationError

from stoa.apps.ledger.contracts import Anchor, Fault
from stoa.apps.ledger.models import Seal
from stoa.kit.clock import utc_now
from stoa.platform.db.tenant import across_tenants

_ANCHOR = TypeAdapter(Anchor)


class UnreadableAnchor(ValueError):
    """A line of the file is no anchor; the text says which."""


def heads(*, at: datetime | None = None) -> list[Anchor]:
    """Where each book's chain ends now. One query."""
    with across_tenants("the head of every book's chain"):
        last = Seal.objects.filter(book_id=OuterRef("book_id")).order_by("-seq").values("pk")[:1]
        ends = list(Seal.objects.filter(pk=Subquery(last)).order_by("book_id"))
    now = at or utc_now()
    return [Anchor(book_id=each.book_id, seq=each.seq, hash=bytes(each.hash).hex(), at=now) for each in ends]


def append_heads(*, path: Path) -> int:
    """A line of JSON for each book, behind those of earlier times; how many. Raises OSError."""
    anchors = heads()
    with path.open("ab") as file:
        file.writelines(orjson.dumps(each) + b"\n" for each in anchors)
    return len(anchors)


def faults_against(*, lines: Iterable[str]) -> list[Fault]:
    """What was exported and is not in the chain any more, or is there with another hash. Raises UnreadableAnchor."""
    faults = []
    with across_tenants("anchors of every book"):
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                anchor = _ANCHOR.validate_json(line)
            except ValidationError:
                raise UnreadableAnchor(f"line {number} is no anchor") from None
            there = Seal.objects.filter(book_id=anchor.book_id, seq=anchor.seq).values_list("hash", flat=True).first()
            if there is None or bytes(there).hex() != anchor.hash:
                subject = f"{anchor.book_id} {anchor.seq}"
                faults.append(Fault(kind="anchor", subject=subject, told="the chain is not the one that was exported"))
    return faults
