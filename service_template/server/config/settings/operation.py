"""What whoever runs the service needs: version, metrics, errors."""

from foundation import environment

# Written into the image when it is built (Dockerfile).
SERVICE_COMMIT = environment.text("SERVICE_COMMIT", "development")
SERVICE_BUILT_AT = environment.text("SERVICE_BUILT_AT", "development")

# Without it, /metrics is not there.
METRICS_TOKEN = environment.secret("METRICS_TOKEN") if environment.text("METRICS_TOKEN", "") else ""

# Errors go to Sentry when its address is given; nobody's data with them.
if SENTRY_DSN := environment.text("SENTRY_DSN", ""):
    import sentry_sdk

    sentry_sdk.init(
        dsn=SENTRY_DSN,
        release=SERVICE_COMMIT,
        environment=environment.text("SENTRY_ENVIRONMENT", "production"),
        send_default_pii=False,
    )
