# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a service costs on AWS in a month, from its size and a table of prices."""

from __future__ import annotations

from ansible.errors import AnsibleFilterError

HOURS = 730  # in a month, as AWS counts: https://aws.amazon.com/calculator/
SECRETS, ALARMS = 3, 12  # of a service by itself
DISK = 8  # GiB of an instance


def monthly_costs(size, prices, celery=True):
    """Rows of ``what`` and ``dollars``. See monthly_costs.yml beside this file."""
    address = prices["public_address_hour"] * HOURS
    web, worker = _instances(size, "web", prices), _instances(size, "worker", prices) if celery else 0
    zones = 2 if size["database_multi_az"] else 1
    database = _price(prices, "database_hour", size["database_instance_class"], "database_instance_class") * HOURS * zones
    rows = {
        "web": web,
        "worker": worker,
        "load balancer": (prices["balancer_hour"] * HOURS + 2 * address) if int(size["web_max"]) > 1 else 0,
        "database": database + prices["database_storage_gib_month"] * int(size["database_storage"]) * zones,
        "cache": _cache(size, prices) if celery else 0,
        "secrets, alarms, dashboard": SECRETS * prices["secret_month"] + ALARMS * prices["alarm_month"] + prices["dashboard_month"],
    }
    return [{"what": what, "dollars": round(dollars, 2)} for what, dollars in rows.items() if dollars]


def _instances(size, part, prices):
    """The fewest instances that run all month, each with its disk and public address."""
    number = int(size[f"{part}_min"])
    if not number:
        return 0
    hour = _price(prices, "instance_hour", size[f"{part}_instance_types"][0], f"{part}_instance_types")
    return number * ((hour + prices["public_address_hour"]) * HOURS + prices["disk_gib_month"] * DISK)


def _cache(size, prices):
    if not size["cache_node_type"]:
        return 0
    return _price(prices, "cache_hour", size["cache_node_type"], "cache_node_type") * HOURS * (1 + int(size["cache_replicas"]))


def _price(prices, table, kind, option):
    try:
        return prices[table][kind]
    except KeyError:
        raise AnsibleFilterError(
            f"There is no price for {option} {kind}. Take one of {', '.join(prices[table])}; "
            f"or add it under {table} in roles/aws_declaration/vars/main/prices.yml."
        ) from None


class FilterModule:
    """Ansible's entry point."""

    def filters(self):
        return {"monthly_costs": monthly_costs}
