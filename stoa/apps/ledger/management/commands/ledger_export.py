"""`manage.py ledger_export`: an organization's journal in plain text, for hledger and its like."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from stoa.apps.ledger.models import Book
from stoa.apps.ledger.services.exporting import plain_text_journal


class Command(BaseCommand):
    help = "Write the whole journal of a book as plain text: `manage.py ledger_export ID | hledger -f - balance`."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("book", type=UUID, help="the organization's id")

    def handle(self, *args: Any, **options: Any) -> None:
        if not Book.objects.filter(pk=options["book"]).exists():
            raise CommandError(f"{options['book']}: there is no such book")
        for piece in plain_text_journal(book_id=options["book"]):
            self.stdout.write(piece, ending="")
