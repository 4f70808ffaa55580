#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A domain of a service: its certificate, the proof of it, and where the domain leads."""

DOCUMENTATION = r"""
---
module: acm_certificate_validated
short_description: Keep a domain's certificate and its records in Route 53
description:
  - Asks ACM for a certificate of a domain, proves by a record in Route 53 that the domain is ours, waits until the certificate is issued,
    and leads the domain to an environment of Elastic Beanstalk.
  - The record of the proof stays, as ACM renews the certificate by it.
  - "Not C(community.aws.acm_certificate): that imports certificates, and asks for none."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  domain:
    description: The domain.
    type: str
    required: true
  zone:
    description: The name of the public zone in Route 53 in which its records are.
    type: str
    required: true
  certificate:
    description: Whether the domain has a certificate from here.
    type: bool
    default: true
  leads_to:
    description: The C(elasticbeanstalk.com) name to which the domain leads; empty leaves the domain's own record alone.
    type: str
    default: ""
  state:
    description: C(absent) removes the records that are as declared, and the certificate.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of the certificate, by which it is known among others of the domain; others are left alone.
    type: dict
    default: {}
  wait:
    description: Whether to wait until the certificate is issued, or free to be removed.
    type: bool
    default: false
  timeout:
    description: Seconds after which the wait is given up.
    type: int
    default: 1800
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: Keep the certificate of the service's domain
  little_service.factory.acm_certificate_validated:
    domain: ledger.example.com
    zone: example.com
    leads_to: orbit-ledger-production-123456789012.us-west-2.elasticbeanstalk.com
    wait: true
    tags: {"little-service:service": orbit-ledger, "little-service:environment": production}
"""

RETURN = r"""
certificate_arn:
  description: The certificate's ARN; empty without one.
  type: str
  returned: success
"""

import hashlib

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import declared, dns
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule

ALIVE = ["PENDING_VALIDATION", "ISSUED"]


class Certificate(declared.Resource):
    """https://docs.aws.amazon.com/acm/latest/APIReference/API_CertificateDetail.html: of several for one domain, the one that is ours."""

    kind = "certificate"
    taken = frozenset({"ResourceNotFoundException"})  # removed by a call of ours whose answer was lost

    def __init__(self, module):
        options = module.params
        self._module, self._acm, self.arn = module, module.client("acm"), declared.KNOWN_AFTER_APPLY
        super().__init__(options["domain"], {"domain": options["domain"], "tags": options["tags"]})

    def read(self):
        for arn in self._candidates():
            tags = tag_dict(self._acm.list_tags_for_certificate(CertificateArn=arn)["Tags"])
            if declared.is_ours(self.wanted, {"tags": tags}):
                self.arn = arn
                return {"domain": self.name, "tags": tags}
        return None

    def _candidates(self):
        pages = self._acm.get_paginator("list_certificates").paginate(CertificateStatuses=ALIVE)
        return [one["CertificateArn"] for page in pages for one in page["CertificateSummaryList"] if one["DomainName"] == self.name]

    def create(self):
        # A call whose answer was lost is asked again by boto3, and gives the same certificate with the same token.
        token = hashlib.sha256(f"{self.name} {sorted(self.wanted['tags'].items())}".encode()).hexdigest()[:32]
        self.arn = self._acm.request_certificate(
            DomainName=self.name, ValidationMethod="DNS", IdempotencyToken=token, Tags=tag_list(self.wanted["tags"])
        )["CertificateArn"]
        self._module.wait_until(f"proof that AWS wants for {self.name}", self._proof_known, 120)

    def update(self, step):
        self._acm.add_tags_to_certificate(CertificateArn=self.arn, Tags=tag_list(step.changes["tags"]))

    def delete(self):
        def look():
            try:
                self._acm.delete_certificate(CertificateArn=self.arn)
            except self._acm.exceptions.ResourceInUseException:
                if not self._module.params["wait"]:
                    raise
                return False, "still in use by a load balancer that ended"
            return True, "removed"

        self._module.wait_until(self, look, self._module.params["timeout"])

    def proof(self):
        """The record that ACM wants to see; None as long as it has not said."""
        if self.arn == declared.KNOWN_AFTER_APPLY:
            return None
        described = self._acm.describe_certificate(CertificateArn=self.arn)["Certificate"]
        wanted = next((one["ResourceRecord"] for one in described.get("DomainValidationOptions", []) if "ResourceRecord" in one), None)
        return dns.cname_record(wanted["Name"], wanted["Value"]) if wanted else None

    def _proof_known(self):
        known = self.proof() is not None
        return known, "known" if known else "not known yet"

    def issued(self):
        """For ``wait_until``."""
        described = self._acm.describe_certificate(CertificateArn=self.arn)["Certificate"]
        if described["Status"] not in ALIVE:
            raise declared.DeclarationError(
                f"AWS does not issue the {self}: {described['Status']} {described.get('FailureReason', '')}".rstrip()
                + ". Check that the zone's name servers are those of the domain (dig NS), and run this again: it asks for another one."
            )
        return described["Status"] == "ISSUED", described["Status"]


def main():
    module = AwsModule(
        {
            "domain": {"type": "str", "required": True},
            "zone": {"type": "str", "required": True},
            "certificate": {"type": "bool", "default": True},
            "leads_to": {"type": "str", "default": ""},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "tags": {"type": "dict", "default": {}},
            "wait": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 1800},
        }
    )
    options = module.params
    domain, zone, present = options["domain"], options["zone"], options["state"] == "present"
    if dns.plain(domain) != dns.plain(zone) and not dns.plain(domain).endswith(f".{dns.plain(zone)}"):
        module.fail_json(msg=f"The domain {domain} is not in the zone {zone}. Give the zone that it is in: service_zone.")
    certificate = Certificate(module) if options["certificate"] else None
    resources = [certificate, dns.Record(module, f"that proves {domain}", zone, certificate.proof)] if certificate else []
    with module.telling(domain):
        if options["leads_to"]:
            address = dns.to_environment(domain, zone, options["leads_to"], module.region)
            resources.append(dns.Record(module, domain, zone, lambda: address, strict=True))
        if certificate and not present:
            certificate.read()  # what proves it is removed first, and only the certificate tells which record that is
    steps = declared.carry_out(module, resources, present=present)
    if certificate and present and options["wait"] and not module.check_mode:
        with module.telling(certificate):
            module.wait_until(certificate, certificate.issued, options["timeout"])
    module.done(steps, certificate_arn=certificate.arn if certificate and present else "")


if __name__ == "__main__":
    main()
