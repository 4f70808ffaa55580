"""The API's way in. Each view only calls a service or a selector; ``/api/docs/`` shows what comes out."""

from typing import TYPE_CHECKING, Any, ClassVar, cast

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.viewsets import GenericViewSet

from foundation.api import ConflictError, ModelSerializer

from . import selectors, services
from .models import Counter
from .permissions import MayCreate, MayVisit

if TYPE_CHECKING:
    from accounts.models import User


class CounterSerializer(ModelSerializer):
    owner: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        read_only=True, allow_null=True, slug_field="username"
    )

    class Meta:
        model = Counter
        fields = ["id", "name", "value", "owner"]
        read_only_fields = ["value"]
        # Whether the name is free is for the service to say: here somebody could still come first.
        extra_kwargs: ClassVar[dict[str, Any]] = {"name": {"validators": []}}


class CounterFilter(filters.FilterSet):
    name = filters.CharFilter(lookup_expr="icontains", max_length=100)
    owner = filters.CharFilter(field_name="owner__username", max_length=150)
    value_min = filters.NumberFilter(field_name="value", lookup_expr="gte", max_digits=18, decimal_places=0)


class CounterViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Counter]):
    """Counters, and visits to them."""

    queryset = selectors.counters()
    serializer_class = CounterSerializer
    permission_classes = [IsAuthenticated]
    filterset_class = CounterFilter
    # Unique ones, by which a cursor finds its place again.
    ordering_fields = ["id", "name"]
    lookup_value_converter = "int"

    def get_permissions(self) -> list[BasePermission]:
        further: list[BasePermission] = []
        if self.action == "create":
            further = [MayCreate()]
        elif self.action == "visits":
            further = [MayVisit()]
        return [IsAuthenticated(), *further]

    def create(self, request: Request) -> Response:
        """Make a counter, which is yours."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            counter = services.create_counter(serializer.validated_data["name"], owner=cast("User", request.user))
        except services.CounterExistsError:
            raise ConflictError("There is a counter of this name.") from None
        address = reverse("counter-detail", args=[counter.pk], request=request)
        return Response(self.get_serializer(counter).data, status.HTTP_201_CREATED, headers={"Location": address})

    @extend_schema(request=None, responses={201: CounterSerializer})
    @action(detail=True, methods=["post"])
    def visits(self, request: Request, pk: int) -> Response:
        """Count one visit, and return the counter as this visit alone sees it."""
        counter = services.count_visit(self.get_object().name)
        return Response(self.get_serializer(counter).data, status.HTTP_201_CREATED)
