"""Registers the outbox with Django."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "foundation.outbox"
