"""Requests and answers."""

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

MIDDLEWARE = [
    # First: a load balancer asks by address and in plain HTTP, which those below would refuse or redirect.
    "foundation.health.HealthMiddleware",
    "foundation.request_id.RequestIdMiddleware",
    "foundation.access.AccessMiddleware",
    # Outside of all that may refuse a request, so that under /api/ every refusal has the one shape.
    "foundation.problems.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # Last: it turns a failed login into the answer of a locked account.
    "axes.middleware.AxesMiddleware",
]
