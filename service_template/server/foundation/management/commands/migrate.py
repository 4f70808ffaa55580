"""Django's own ``migrate``, one at a time in the whole fleet, so that several instances may start at once."""

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import connections

from foundation import locks


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--lock-seconds", type=float, default=600, help="How long to wait for another migrate (default: 600)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        # A large table takes its time; this connection alone waits for it.
        patient = connection.settings_dict["OPTIONS"] | {"read_timeout": 0, "write_timeout": 0}
        connection.close()
        connection.settings_dict = connection.settings_dict | {"OPTIONS": patient}
        deadline = time.monotonic() + options.pop("lock_seconds")
        if not locks.hold(connection, "migrate"):
            self.stdout.write("Another migrate is under way: waiting for it.")
            while not locks.hold(connection, "migrate"):
                if time.monotonic() > deadline:
                    raise CommandError("Another migrate is under way. Try again when it has ended.")
                time.sleep(0.2)
        try:
            super().handle(*args, **options)
        finally:
            locks.release(connection, "migrate")
