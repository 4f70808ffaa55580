"""Requests and answers."""

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

MIDDLEWARE = [
    # First: a load balancer asks by address and in plain HTTP, which those below would refuse or redirect.
    "foundation.health.HealthMiddleware",
    "foundation.request_id.RequestIdMiddleware",
    "foundation.access.AccessMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
