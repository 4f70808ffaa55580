"""``manage.py tasks``: how the queues and the outbox are. `make tasks` shows it, and what the worker has in hand."""

from typing import Any

from django.core.management.base import BaseCommand

from foundation.outbox import measures


class Command(BaseCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        for queue, depth in measures.depths().items():
            self.stdout.write(f"In the queue {queue}: {depth}")
        for name, number in measures.tasks().items():
            self.stdout.write(f"{name.replace('_', ' ').capitalize()}: {number:.0f}")
