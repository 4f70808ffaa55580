# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records in a Route 53 zone. They have no tags: whose one is, its content says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.little_service.factory.plugins.module_utils import declared

# By which an alias names Elastic Beanstalk in a region: https://docs.aws.amazon.com/general/latest/gr/elasticbeanstalk.html
BEANSTALK_ZONES = {
    "ap-east-1": "ZPWYUBWRU171A",
    "ap-northeast-1": "Z1R25G3KIG2GBW",
    "ap-northeast-2": "Z3JE5OI70TWKCP",
    "ap-northeast-3": "ZNE5GEY1TIAGY",
    "ap-south-1": "Z18NTBI3Y7N9TZ",
    "ap-southeast-1": "Z16FZ9L249IFLT",
    "ap-southeast-2": "Z2PCDNR3VC2G1N",
    "ca-central-1": "ZJFCZL7SSZB5I",
    "eu-central-1": "Z1FRNW7UH4DEZJ",
    "eu-north-1": "Z23GO28BZ5AETM",
    "eu-south-1": "Z10VDYYOA2JFKM",
    "eu-west-1": "Z2NYPWQ7DFZAZH",
    "eu-west-2": "Z1GKAAAUGATPF1",
    "eu-west-3": "Z5WN6GAYWG5OB",
    "me-south-1": "Z2BBTEKR2I36N2",
    "sa-east-1": "Z10X7K2B4QSOFV",
    "us-east-1": "Z117KPS5GTRQ2G",
    "us-east-2": "Z14LCN19Q5QHIC",
    "us-west-1": "Z1LQECGX5PH1X",
    "us-west-2": "Z38NKT9BP95V3O",
}
SECONDS = 300  # how long others may remember a record

RecordSet = dict[str, Any]


def plain(name: str) -> str:
    """A name in DNS, which may end with a dot and be in capitals."""
    return name.rstrip(".").lower()


def zone_id(route53: Any, zone: str) -> str:
    """The id of the public zone of a name."""
    listed = route53.list_hosted_zones_by_name(DNSName=plain(zone), MaxItems="10")["HostedZones"]
    found = [one["Id"] for one in listed if plain(one["Name"]) == plain(zone) and not one["Config"].get("PrivateZone")]
    if not found:
        raise declared.DeclarationError(
            f"This account has no public Route 53 zone {zone}, which service_zone names. Those there are, are told by: "
            "aws route53 list-hosted-zones --query HostedZones[].Name"
        )
    return found[0]


def to_environment(domain: str, zone: str, cname: str, region: str) -> RecordSet:
    """The record that leads a domain to an environment. At the zone's own name there can be no CNAME, and an alias stands in."""
    if plain(domain) != plain(zone):
        return cname_record(domain, cname)
    if region not in BEANSTALK_ZONES:
        raise declared.DeclarationError(
            f"{domain} is the zone's own name, and in {region} no alias can lead from it to Elastic Beanstalk. Use a name within the zone, "
            f"such as service_domain: www.{plain(domain)}"
        )
    alias = {"HostedZoneId": BEANSTALK_ZONES[region], "DNSName": plain(cname), "EvaluateTargetHealth": False}
    return {"Name": domain, "Type": "A", "AliasTarget": alias}


def cname_record(name: str, value: str) -> RecordSet:
    return {"Name": name, "Type": "CNAME", "TTL": SECONDS, "ResourceRecords": [{"Value": value}]}


class Record(declared.Resource):
    """https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html

    :param record: gives what is wanted; None where AWS has yet to say it.
    :param strict: whether a record that leads elsewhere is refused, unless the user takes over what is not ours.
    """

    kind = "record"
    taken = frozenset({"InvalidChangeBatch"})  # "Tried to delete … but it was not found", by a call of ours whose answer was lost

    def __init__(self, module: Any, name: str, zone: str, record: Callable[[], RecordSet | None], *, strict: bool = False) -> None:
        self._module, self._route53, self._record, self._strict = module, module.client("route53"), record, strict
        self._zone, self._found = zone, None
        super().__init__(name, {"leads_to": declared.KNOWN_AFTER_APPLY})

    def read(self) -> declared.Properties | None:
        wanted = self._record()
        if wanted is None:
            return None
        self.wanted = described(wanted)
        self._found = self._at(wanted)
        if self._found is None:
            return None
        found = described(self._found)
        if found["leads_to"] != self.wanted["leads_to"] and self._strict:
            if self._module.params["state"] == "absent":
                return None
            if not self._module.params["adopt"]:
                raise declared.DeclarationError(
                    f"In the zone {self._zone} {plain(wanted['Name'])} leads to {found['leads_to']} and not to {self.wanted['leads_to']}. "
                    "Remove that record; or, if the service is to have the name, take it over with: -e adopt=true"
                )
        return found

    def _at(self, wanted: RecordSet) -> RecordSet | None:
        """What stands at the name, of the kinds that lead somewhere."""
        asked = {"HostedZoneId": zone_id(self._route53, self._zone), "StartRecordName": wanted["Name"], "MaxItems": "10"}
        listed = self._route53.list_resource_record_sets(**asked)["ResourceRecordSets"]
        here = [one for one in listed if plain(one["Name"]) == plain(wanted["Name"]) and one["Type"] in ("A", "AAAA", "CNAME")]
        return next((one for one in here if one["Type"] == wanted["Type"]), next(iter(here), None))

    def create(self) -> None:
        self._change(("UPSERT", self._record()))

    def update(self, step: declared.Step) -> None:
        """A name has a CNAME or other records, never both: what is of another type goes in the same batch."""
        wanted = self._record()
        other = [("DELETE", self._found)] if self._found["Type"] != wanted["Type"] else []
        self._change(*other, ("UPSERT", wanted))

    def delete(self) -> None:
        self._change(("DELETE", self._found))

    def _change(self, *changes: tuple[str, RecordSet]) -> None:
        batch = [{"Action": action, "ResourceRecordSet": record} for action, record in changes]
        self._route53.change_resource_record_sets(HostedZoneId=zone_id(self._route53, self._zone), ChangeBatch={"Changes": batch})


def described(record: RecordSet) -> declared.Properties:
    alias = record.get("AliasTarget")
    values = [alias["DNSName"]] if alias else [one["Value"] for one in record["ResourceRecords"]]
    return {"type": record["Type"], "leads_to": ", ".join(sorted(map(plain, values))), "ttl": record.get("TTL")}
