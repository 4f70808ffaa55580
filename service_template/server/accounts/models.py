"""Who uses the service: people, and other services, which have a token and no password."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """As Django's, and ours, since a model cannot be exchanged once there is data:
    https://docs.djangoproject.com/en/5.2/topics/auth/customizing/#using-a-custom-user-model-when-starting-a-project
    """
