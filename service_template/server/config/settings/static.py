"""Static files: collected into the image when it is built, with names that hold their content's hash."""

from pathlib import Path

STATIC_URL = "/static/"
STATIC_ROOT = Path("/service/static")
STATICFILES_DIRS = [Path(__file__).parents[2] / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# Pages name nothing else, and the copies without a hash would double what static files take in the image.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
