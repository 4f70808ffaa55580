"""The estimate of a month on AWS."""

from __future__ import annotations

import pathlib

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.little_service.factory.plugins.filter.monthly_costs import monthly_costs

ROLE = pathlib.Path(__file__).parents[6] / "roles/aws_declaration/vars/main"
SIZES = yaml.safe_load((ROLE / "sizes.yml").read_text())["__aws_declaration_sizes"]
PRICES = yaml.safe_load((ROLE / "prices.yml").read_text())["__aws_declaration_prices"]


def total(size, **more):
    return sum(row["dollars"] for row in monthly_costs(size, PRICES, **more))


@pytest.mark.parametrize("name", SIZES)
def test_every_size_has_its_prices(name):
    assert total(SIZES[name]) > 0


def test_a_larger_size_costs_more():
    assert total(SIZES["small"]) < total(SIZES["standard"]) < total(SIZES["large"])


def test_the_small_size_is_an_instance_and_a_database():
    rows = {row["what"]: row["dollars"] for row in monthly_costs(SIZES["small"], PRICES)}
    assert rows["web"] == pytest.approx((0.0208 + 0.005) * 730 + 8 * 0.08, abs=0.01)
    assert rows["database"] == pytest.approx(0.016 * 730 + 20 * 0.115, abs=0.01)
    assert "cache" not in rows
    assert "load balancer" not in rows


def test_without_celery_neither_worker_nor_cache_is_paid():
    assert {"worker", "cache"}.isdisjoint(row["what"] for row in monthly_costs(SIZES["large"], PRICES, celery=False))


def test_every_size_has_the_same_numbers():
    assert len({tuple(sorted(size)) for size in SIZES.values()}) == 1


def test_a_kind_without_a_price_is_said_with_those_that_have_one():
    with pytest.raises(AnsibleFilterError, match=r"no price for web_instance_types p5\.huge\. Take one of t3\.micro.*prices\.yml"):
        monthly_costs({**SIZES["small"], "web_instance_types": ["p5.huge"]}, PRICES)
