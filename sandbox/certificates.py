"""ACM and Route 53: a certificate is issued when its validation records stand.

https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
"""

from __future__ import annotations

from typing import Any

from moto.acm.models import acm_backends
from moto.route53.models import route53_backends

from sandbox.core.gateway import Answer, Call, State, operation
from sandbox.core.wire import AwsError

SECONDS_TO_RECORDS, SECONDS_TO_ISSUE = 5, 60  # docs: "can take up to 30 minutes"; users' reports: one or two


class Requests(State):
    """Certificates by the idempotency token with which they were asked for."""

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.tokens: dict[tuple[str, str], str] = {}
        self.seen: set[str] = set()  # whose validation records are there
        self.due: set[str] = set()


def records(account: str) -> set[tuple[str, str]]:
    """The CNAME records of all hosted zones of an account."""
    zones = route53_backends[account]["aws"].zones.values()
    found = [record for zone in zones if not zone.private_zone for record in zone.rrsets if record.type == "CNAME"]
    return {(record.name.rstrip(".").lower(), str(value).rstrip(".").lower()) for record in found for value in record.records}


@operation("acm")
def request_certificate(call: Call) -> Answer:
    """https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html: one for each idempotency token."""
    state, key = call.state(Requests), (call.params.get("IdempotencyToken", ""), call.params["DomainName"])
    known = acm_backends[call.account][call.region]._certificates
    if key[0] and state.tokens.get(key) in known:
        return {"CertificateArn": state.tokens[key]}
    arn = call.ask()["CertificateArn"]
    state.tokens[key] = arn
    state.clock.after(SECONDS_TO_RECORDS, lambda: state.seen.add(arn))
    return {"CertificateArn": arn}


def validate(call: Call, arn: str) -> None:
    """Issue a certificate a while after all of its records stand."""
    state, certificate = call.state(Requests), acm_backends[call.account][call.region]._certificates.get(arn)
    if certificate is None or certificate.status != "PENDING_VALIDATION" or arn in state.due:
        return
    standing = records(call.account)
    wanted = [option["ResourceRecord"] for option in certificate.describe()["Certificate"].get("DomainValidationOptions", [])]
    if all((record["Name"].rstrip(".").lower(), record["Value"].rstrip(".").lower()) in standing for record in wanted):
        state.due.add(arn)
        state.clock.after(SECONDS_TO_ISSUE, lambda: setattr(certificate, "status", "ISSUED"))


@operation("acm")
def describe_certificate(call: Call) -> Answer:
    """https://docs.aws.amazon.com/acm/latest/APIReference/API_DescribeCertificate.html

    What to put into DNS is there some seconds after the request: hashicorp/terraform-provider-aws#9596 waits for it too.
    """
    arn = call.params["CertificateArn"]
    validate(call, arn)
    found = call.ask()["Certificate"]
    if found["Status"] == "PENDING_VALIDATION":
        found = {key: value for key, value in found.items() if key not in ("IssuedAt", "NotBefore", "NotAfter", "Serial")}
        if arn not in call.state(Requests).seen:
            found.pop("DomainValidationOptions", None)
    return {"Certificate": found}


@operation("acm")
def list_certificates(call: Call) -> Answer:
    """https://docs.aws.amazon.com/acm/latest/APIReference/API_ListCertificates.html"""
    for arn in list(acm_backends[call.account][call.region]._certificates):
        validate(call, arn)
    return call.forward()


@operation("acm")
def delete_certificate(call: Call) -> Answer:
    """https://docs.aws.amazon.com/acm/latest/APIReference/API_DeleteCertificate.html: not one in use."""
    arn = call.params["CertificateArn"]
    for balancer in call.invoke("elbv2", "DescribeLoadBalancers")["LoadBalancers"]:
        listeners = call.invoke("elbv2", "DescribeListeners", LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
        if any(certificate["CertificateArn"] == arn for listener in listeners for certificate in listener.get("Certificates", [])):
            raise AwsError("ResourceInUseException", f"Certificate {arn} in account {call.account} is in use.")
    return call.forward()


def same(record: Any, wanted: dict[str, Any]) -> bool:
    name = wanted["Name"].rstrip(".").lower()
    return (record.name.rstrip(".").lower(), record.type, record.set_identifier) == (name, wanted["Type"], wanted.get("SetIdentifier"))


@operation("route53")
def change_resource_record_sets(call: Call) -> Answer:
    """https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html: all of a batch, or nothing of it."""
    zone = route53_backends[call.account]["aws"].zones.get(call.params["HostedZoneId"].rpartition("/")[2])
    wrong = []
    for change in call.params["ChangeBatch"]["Changes"] if zone else []:
        wanted = change["ResourceRecordSet"]
        stands = any(same(record, wanted) for record in zone.rrsets)
        what = f"resource record set [name='{wanted['Name'].rstrip('.')}.', type='{wanted['Type']}']"
        if change["Action"] == "CREATE" and stands:
            wrong.append(f"Tried to create {what} but it already exists")
        if change["Action"] == "DELETE" and not stands:
            wrong.append(f"Tried to delete {what} but it was not found")
    if wrong:
        raise AwsError("InvalidChangeBatch", f"[{', '.join(wrong)}]", 400)
    return call.forward()
