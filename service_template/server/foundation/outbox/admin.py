"""The outbox in the admin: what waits, what was done, what failed and why, and another chance for it."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from . import services
from .models import Entry


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin):
    actions = ["retry"]
    list_display = ["name", "state", "queue", "attempts", "created_at", "due_at"]
    list_filter = ["state", "queue", "name"]
    search_fields = ["id", "name", "request_id", "error"]
    ordering = ["-created_at"]
    date_hierarchy = "created_at"
    show_full_result_count = False

    @admin.action(description="Try the failed among these again", permissions=["change"])
    def retry(self, request: HttpRequest, entries: QuerySet[Entry]) -> None:
        count = services.retry(entries)
        self.message_user(request, f"{count} will be tried again within seconds.", messages.SUCCESS)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Entry | None = None) -> list[str]:
        return [field.name for field in Entry._meta.fields]
