"""``manage.py tasks``: how the queues and the outbox are. `make tasks` shows it, and what the worker has in hand."""

from typing import Any

from django.core.management.base import BaseCommand

from foundation.outbox import selectors


class Command(BaseCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        for queue, depth in selectors.depths().items():
            self.stdout.write(f"In the queue {queue}: {depth}")
        self.stdout.write(
            f"Not done yet: {selectors.waiting()}, for {selectors.lag():.0f} seconds more than they should"
        )
        self.stdout.write(f"Done in the last minute: {selectors.done_last_minute()}")
        self.stdout.write(f"Given up (see the admin): {selectors.failed()}")
