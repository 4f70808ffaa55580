"""A task, and what became of it."""

import uuid

from django.db import models


class Entry(models.Model):
    """One task. Its key is Celery's task id, too."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    arguments = models.JSONField()
    queue = models.CharField(max_length=50)
    request_id = models.CharField(max_length=64, blank=True, help_text="The request that asked for it.")
    user = models.CharField(max_length=40, blank=True, help_text="The key of the user who asked for it.")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(
        help_text="When it is sent, if it is still waiting then; when it ended, if it is not."
    )
    sent = models.PositiveSmallIntegerField(default=0, help_text="How often it was sent again.")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often a worker began it.")
    error = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "entries"
        indexes = [models.Index(fields=["state", "queue", "due_at"], name="outbox_due")]

    def __str__(self) -> str:
        return f"{self.name} {self.id}"
