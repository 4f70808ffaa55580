"""Secrets, and what the browser is told."""

from csp.constants import NONE, SELF

from foundation import environment

SECRET_KEY = environment.secret("DJANGO_SECRET_KEY")

# Whether browsers reach the service by HTTPS. Cookies follow: without it a browser would not send back a secure one.
HTTPS = environment.flag("DJANGO_HTTPS", default=False)
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 60 * 60 * 12

X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# https://developer.mozilla.org/docs/Web/HTTP/Guides/CSP: styles and scripts come from files, never from within a page.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "base-uri": [NONE],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "img-src": [SELF, "data:"],
        "script-src": [SELF],
        "style-src": [SELF],
    }
}

# Forms. Bodies under /api/ have a limit of their own, in settings/api.py.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
