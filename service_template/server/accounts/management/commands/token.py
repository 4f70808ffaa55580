"""``make token for=ledger``: a token for another service."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts import services


class Command(BaseCommand):
    help = "Makes a token for another service, and says it once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="The other service; its account has this name.")
        parser.add_argument(
            "--days", type=int, choices=range(1, 366), default=90, metavar="1..365", help="Default: 90."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(services.issue_token(options["name"], days=options["days"]))
