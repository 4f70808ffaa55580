"""Django's own ``migrate``, one at a time in the whole fleet, so that several instances may start at once."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import connections

from foundation.locks import LockTimeoutError, advisory_lock


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--lock-seconds", type=float, default=600, help="How long to wait for another migrate (default: 600)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        lock = advisory_lock(
            connections[options["database"]],
            "migrate",
            seconds=options.pop("lock_seconds"),
            waiting=lambda: self.stdout.write("Another migrate is under way: waiting for it."),
        )
        try:
            with lock:
                super().handle(*args, **options)
        except LockTimeoutError as error:
            raise CommandError(f"Another migrate is under way: {error}. Try again when it has ended.") from None
