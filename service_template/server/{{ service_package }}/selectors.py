"""How data is read. Views, tasks and commands ask here, and nothing here writes."""

from django.db.models import QuerySet

from .models import Counter


def get_counter(name: str) -> Counter:
    """The counter, or a fresh one that is not in the database yet."""
    return Counter.objects.filter(name=name).first() or Counter(name=name)


def counters() -> QuerySet[Counter]:
    """All counters, with their owners."""
    return Counter.objects.select_related("owner")
