"""The outbox in the admin: what waits, what was done, what failed and why, and a button to try it again."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from . import services
from .models import Entry


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin):
    """Entries are looked at and tried again, never edited: a worker may have them in hand."""

    actions = ["try_again"]
    list_display = ["name", "state", "button", "queue", "attempts", "created_at", "due_at"]
    list_filter = ["state", "queue", "name"]
    search_fields = ["id", "name", "request_id", "error"]
    ordering = ["-created_at"]
    date_hierarchy = "created_at"
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return False

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return super().has_change_permission(request)

    @admin.action(description="Try the failed among these again", permissions=["retry"])
    def try_again(self, request: HttpRequest, entries: QuerySet[Entry]) -> None:
        for entry in entries.filter(state=Entry.State.FAILED):
            self.log_change(request, entry, "Tried again.")
        self.message_user(request, f"{services.retry(entries)} will be tried again within seconds.", messages.SUCCESS)

    @admin.display(description="")
    def button(self, entry: Entry) -> str:
        if entry.state != Entry.State.FAILED:
            return ""
        # It sends the form that the list is, with its CSRF token, to an address of its own.
        address = reverse("admin:outbox_entry_again", args=[entry.pk])
        return format_html('<button class="button" formaction="{}">Try again</button>', address)

    def get_urls(self) -> list[URLPattern]:
        view = require_POST(self.admin_site.admin_view(self.again))
        return [path("<uuid:pk>/again/", view, name="outbox_entry_again"), *super().get_urls()]

    def again(self, request: HttpRequest, pk: str) -> HttpResponse:
        if not self.has_retry_permission(request):
            raise PermissionDenied
        self.try_again(request, Entry.objects.filter(pk=pk))
        return HttpResponseRedirect(reverse("admin:outbox_entry_changelist"))
