import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                ("arguments", models.JSONField()),
                ("queue", models.CharField(max_length=50)),
                (
                    "request_id",
                    models.CharField(blank=True, help_text="The request that asked for it.", max_length=64),
                ),
                (
                    "user",
                    models.CharField(blank=True, help_text="The key of the user who asked for it.", max_length=40),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("done", "Done"), ("failed", "Failed")],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "due_at",
                    models.DateTimeField(
                        help_text="When it is sent, if it is still waiting then; when it ended, if it is not."
                    ),
                ),
                ("sent", models.PositiveSmallIntegerField(default=0, help_text="How often it was sent again.")),
                ("attempts", models.PositiveSmallIntegerField(default=0, help_text="How often a worker began it.")),
                ("error", models.TextField(blank=True)),
            ],
            options={
                "verbose_name_plural": "entries",
                "indexes": [models.Index(fields=["state", "queue", "due_at"], name="outbox_due")],
            },
        ),
    ]
