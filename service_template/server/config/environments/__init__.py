"""Where the service runs: DJANGO_SETTINGS_MODULE names one of these modules."""
