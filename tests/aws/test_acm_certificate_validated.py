"""A domain: its certificate, the record that proves it, and where it leads."""

from __future__ import annotations

import pytest

from tests.aws.conftest import ACCOUNT, REGION, tags

CNAME = f"ledger-staging-{ACCOUNT}.{REGION}.elasticbeanstalk.com"
DOMAIN = {"domain": "ledger.example.com", "zone": "example.com", "tags": tags(), "wait": True}
LEADING = {**DOMAIN, "leads_to": CNAME}


@pytest.fixture
def zone(aws) -> str:
    return aws.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]


def records(aws, zone: str) -> dict[str, str]:
    """Where each name leads."""
    listed = aws.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return {
        one["Name"].rstrip("."): one["AliasTarget"]["DNSName"].rstrip(".") if "AliasTarget" in one else one["ResourceRecords"][0]["Value"]
        for one in listed
        if one["Type"] in ("A", "CNAME")
    }


def set_record(aws, zone: str, name: str, value: str, action: str = "UPSERT") -> None:
    record = {"Name": name, "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": value}]}
    changes = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
    aws.client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)


def test_a_certificate_is_asked_for_proved_issued_and_removed(aws, zone):
    made = aws.bring("acm_certificate_validated", **DOMAIN)
    assert made.steps == ["create certificate ledger.example.com", "create record that proves ledger.example.com"]
    assert aws.client("acm").describe_certificate(CertificateArn=made["certificate_arn"])["Certificate"]["Status"] == "ISSUED"
    removed = aws.bring("acm_certificate_validated", **DOMAIN, state="absent")
    assert removed.steps == ["delete record that proves ledger.example.com", "delete certificate ledger.example.com"]
    assert aws.client("acm").list_certificates()["CertificateSummaryList"] == []
    assert records(aws, zone) == {}


def test_a_domain_leads_to_an_environment_until_it_is_removed(aws, zone):
    aws.run("acm_certificate_validated", **DOMAIN)
    assert aws.bring("acm_certificate_validated", **LEADING).steps == ["create record ledger.example.com"]
    assert records(aws, zone)["ledger.example.com"] == CNAME
    aws.bring("acm_certificate_validated", **LEADING, state="absent")
    assert records(aws, zone) == {}


def test_at_the_zones_own_name_an_alias_leads_to_the_environment(aws, zone):
    own = {**LEADING, "domain": "example.com", "certificate": False}
    assert aws.bring("acm_certificate_validated", **own).steps == ["create record example.com"]
    assert records(aws, zone) == {"example.com": CNAME}
    aws.bring("acm_certificate_validated", **own, state="absent")


def test_a_proof_that_was_removed_or_changed_is_put_back(aws, zone):
    aws.run("acm_certificate_validated", **DOMAIN)
    before = records(aws, zone)
    ((name, value),) = before.items()
    set_record(aws, zone, name, "elsewhere.example.net")
    assert aws.bring("acm_certificate_validated", **DOMAIN).steps == ["update record that proves ledger.example.com (leads_to, ttl)"]
    set_record(aws, zone, name, value)
    assert aws.bring("acm_certificate_validated", **DOMAIN).steps == ["update record that proves ledger.example.com (ttl)"]
    set_record(aws, zone, name, value)
    set_record(aws, zone, name, value, "DELETE")
    assert aws.bring("acm_certificate_validated", **DOMAIN).steps == ["create record that proves ledger.example.com"]
    assert records(aws, zone) == before


def test_a_domain_that_leads_elsewhere_is_refused_can_be_taken_over_and_is_not_removed(aws, zone):
    set_record(aws, zone, "ledger.example.com", "old.example.net")
    plain = {**LEADING, "certificate": False}
    said = aws.refused("acm_certificate_validated", **plain)
    assert said.startswith("In the zone example.com ledger.example.com leads to old.example.net and not to ledger-staging-")
    assert "-e adopt=true" in said
    aws.settled("acm_certificate_validated", **plain, state="absent")
    assert aws.bring("acm_certificate_validated", **plain, adopt=True).steps == ["update record ledger.example.com (leads_to, ttl)"]


def test_certificates_of_others_for_the_domain_are_left_alone(aws, zone):
    theirs = aws.client("acm").request_certificate(DomainName="ledger.example.com", ValidationMethod="DNS")["CertificateArn"]
    assert aws.bring("acm_certificate_validated", **DOMAIN)["certificate_arn"] != theirs
    aws.bring("acm_certificate_validated", **DOMAIN, state="absent")
    assert [one["CertificateArn"] for one in aws.client("acm").list_certificates()["CertificateSummaryList"]] == [theirs]


def test_tags_are_mended(aws, zone):
    arn = aws.run("acm_certificate_validated", **DOMAIN)["certificate_arn"]
    aws.client("acm").remove_tags_from_certificate(CertificateArn=arn, Tags=[{"Key": "little-service:environment"}])
    assert aws.bring("acm_certificate_validated", **DOMAIN).steps == ["update certificate ledger.example.com (tags)"]


def test_what_is_not_there_is_named(aws):
    said = aws.refused("acm_certificate_validated", **DOMAIN)
    assert said.startswith("This account has no public Route 53 zone example.com, which service_zone names.")
    outside = {**DOMAIN, "domain": "ledger.example.net"}
    assert aws.refused("acm_certificate_validated", **outside).startswith("The domain ledger.example.net is not in the zone example.com.")


@pytest.mark.parametrize("kind", ["throttle", "error", "drop", "lost"])
def test_a_fault_in_any_one_call_makes_no_difference(aws, zone, kind):
    operations = ("RequestCertificate", "ChangeResourceRecordSets", "DescribeCertificate", "ListCertificates", "DeleteCertificate")
    aws.faults(*({"kind": kind, "operation": operation, "times": 1} for operation in operations))
    aws.run("acm_certificate_validated", **LEADING)
    aws.settled("acm_certificate_validated", **LEADING)
    assert len(aws.client("acm").list_certificates()["CertificateSummaryList"]) == 1
    aws.run("acm_certificate_validated", **LEADING, state="absent")
    aws.settled("acm_certificate_validated", **LEADING, state="absent")
