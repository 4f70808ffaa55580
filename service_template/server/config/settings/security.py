"""Secrets, and what the browser is told."""

from foundation import environment

SECRET_KEY = environment.secret("DJANGO_SECRET_KEY")

X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
