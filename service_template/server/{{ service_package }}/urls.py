"""The application's addresses."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from . import api, views

router = SimpleRouter(use_regex_path=False)
router.register("counters", api.CounterViewSet, basename="counter")

urlpatterns = [
    path("", views.page, name="page"),
    path("api/v1/", include(router.urls)),
]
