"""Building the image, where there are no secrets: enough of the settings to collect the static files."""

from config.settings.applications import *
from config.settings.static import *
