#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the keys are those of the account that is meant."""

DOCUMENTATION = r"""
---
module: aws_account_check
short_description: Check the account before anything is made in it
description:
  - Fails unless the keys are valid and of the account that is declared, and unless there is room for what is to be made.
  - What the keys may not ask for is passed over with a warning.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  account:
    description: The account's twelve digits.
    type: str
    required: true
  network:
    description: The value of the tag C(Name) of the network that is to stand; where it does not yet, there must be room for one more.
    type: str
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: Check the account
  little_service.factory.aws_account_check:
    account: "123456789012"
    network: little-service-production
"""

RETURN = r"""
arn:
  description: Who calls.
  type: str
  returned: success
"""

from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule

# https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html: VPCs in a region
VPCS = {"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"}
NO_KEYS = "The shell has no keys of AWS. Log in, for example with: aws sso login; or name a profile as aws_profile in the inventory."
BAD_KEYS = ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException")
NOT_PERMITTED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


def caller(module):
    """Who calls, if it is the declared account's."""
    try:
        identity = module.client("sts").get_caller_identity()
    except Exception as error:
        if type(error).__name__ in ("NoCredentialsError", "PartialCredentialsError", "TokenRetrievalError", "UnauthorizedSSOTokenError"):
            raise declared.DeclarationError(NO_KEYS) from None
        if declared.code_of(error) in BAD_KEYS:
            raise declared.DeclarationError(f"AWS does not take the keys: {error}. Log in again, for example with: aws sso login") from None
        raise
    if identity["Account"] != module.params["account"]:
        raise declared.DeclarationError(
            f"The keys are those of {identity['Arn']}, in account {identity['Account']}; the inventory means account "
            f"{module.params['account']}. Take the other account's keys (aws_profile), or mend aws_account_id in group_vars/all.yml."
        )
    return identity["Arn"]


def check_room(module):
    """A network more must fit, if ours does not stand."""
    standing = module.client("ec2").describe_vpcs()["Vpcs"]
    names = {tag["Value"] for vpc in standing for tag in vpc.get("Tags", []) if tag["Key"] == "Name"}
    if module.params["network"] in names:
        return
    most = module.client("service-quotas").get_service_quota(**VPCS)["Quota"]["Value"]
    if len(standing) >= most:
        raise declared.DeclarationError(
            f"There is no room for a network: {len(standing)} of {most:.0f} VPCs stand in {module.region}. Remove one, or ask for more: "
            f"aws service-quotas request-service-quota-increase --service-code vpc --quota-code {VPCS['QuotaCode']} "
            f"--desired-value {most + 5:.0f}"
        )


def main():
    module = AwsModule({"account": {"type": "str", "required": True}, "network": {"type": "str", "required": True}})
    with module.telling("account"):
        arn = caller(module)
        try:
            check_room(module)
        except Exception as error:
            if declared.code_of(error) not in NOT_PERMITTED:
                raise
            module.warn(f"Whether there is room for what is to be made could not be asked: {error}")
    module.done([], arn=arn)


if __name__ == "__main__":
    main()
