"""``make token for=ledger may=visit_counter``: a token for another service."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import services


class Command(BaseCommand):
    help = "Makes a token for another service, and says it once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="The other service; its account has this name.")
        parser.add_argument(
            "--days", type=int, choices=range(1, 366), default=90, metavar="1..365", help="Default: 90."
        )

        parser.add_argument("--may", nargs="*", default=[], help="Permissions, such as visit_counter.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            token = services.issue_token(options["name"], days=options["days"], may=options["may"])
        except services.UnknownPermissionError as error:
            raise CommandError(f"There is no permission of this name: {error}.") from None
        self.stdout.write(token)
