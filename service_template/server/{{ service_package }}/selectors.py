"""How data is read. Views, tasks and commands ask here, and nothing here writes."""

from .models import Counter


def get_counter(name: str) -> Counter:
    """The counter, or a fresh one that is not in the database yet."""
    return Counter.objects.filter(name=name).first() or Counter(name=name)
