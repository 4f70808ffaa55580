"""Building the image, where there are no secrets: enough of the settings to collect the static files."""

from config.settings.application import *
