# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One environment of Elastic Beanstalk: read, made, changed and ended."""

from __future__ import annotations

import contextlib
import datetime
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import beanstalk, beanstalk_settings, declared
from ansible_collections.little_service.factory.plugins.module_utils.beanstalk_standing import Standing

TIERS = {"WebServer": {"Name": "WebServer", "Type": "Standard"}, "Worker": {"Name": "Worker", "Type": "SQS/HTTP"}}
# https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environment-management-rebuild.html
REMEMBERED = datetime.timedelta(days=42)
BUSY = ("is in an invalid state for this operation", "is currently pending deployment")


class Environment(Standing, declared.Resource):
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_EnvironmentDescription.html

    The version that it runs, its number of instances within their bounds and the version of its platform belong to releases, scaling and
    managed updates. An environment that is on its way out does not stand any more.
    """

    kind = "environment"
    # A call whose answer was lost is asked again by boto3, and then meets "already exists" or "Must be Ready".
    taken = frozenset({"InvalidParameterValue"})

    def __init__(self, module: Any, declaration: dict[str, Any]) -> None:
        options = module.params
        self.stands(module, options["application"])
        self._declaration = declaration
        self._values = beanstalk_settings.flat(declaration["options"])
        wanted = {
            "tier": declaration["tier"],
            "platform": options["platform"],
            "launched": True,
            **beanstalk_settings.declared_properties(declaration["options"], declaration["secrets"], declaration["schedules"]),
            "tags": options["tags"],
        }
        super().__init__(declaration["name"], wanted)
        prefix = declaration["cname_prefix"]
        self.cname = f"{prefix}.{self._eb.meta.region_name}.elasticbeanstalk.com" if prefix else declared.KNOWN_AFTER_APPLY
        self.cure = (
            f"End it, and bring it up again: aws elasticbeanstalk terminate-environment --environment-name {self.name} "
            f"--region {self._eb.meta.region_name}"
        )

    def read(self) -> declared.Properties | None:
        self.found = self.find()
        if self.found is None or self.found["Status"] == "Terminating":
            return None
        self.since = self.found["DateUpdated"] if self.found["Status"] in beanstalk.BUSY else None
        settings = beanstalk_settings.properties(self.settings())
        single = settings.get(f"{beanstalk_settings.ENVIRONMENT} EnvironmentType") == "SingleInstance"
        self.fixed = frozenset({"tier", "platform"} | (set() if single else {beanstalk_settings.LOAD_BALANCER_TYPE}))
        return {
            "tier": self.found["Tier"]["Name"],
            "platform": beanstalk.branch_of(self.found["SolutionStackName"]),
            "launched": not self._launch_failed(),
            **settings,
            "tags": tag_dict(self._eb.list_tags_for_resource(ResourceArn=self.found["EnvironmentArn"])["ResourceTags"]),
        }

    def _launch_failed(self) -> bool:
        """Whether it stands, but was never well. Events are asked for only where its health gives reason."""
        if self.found["Status"] != "Ready" or self.found.get("HealthStatus") in ("Ok", "Info", "Warning"):
            return False
        return beanstalk.launch_failed(self.events())

    def create(self) -> None:
        self._await_end_of_the_last()
        prefix = self._declaration["cname_prefix"]
        stacks = self._eb.list_available_solution_stacks()["SolutionStacks"]
        try:
            self.found = self._eb.create_environment(
                ApplicationName=self._application,
                EnvironmentName=self.name,
                Tier=TIERS[self._declaration["tier"]],
                Tags=tag_list(self.wanted["tags"]),
                VersionLabel=self._version(),
                SolutionStackName=beanstalk.newest_platform(stacks, self.wanted["platform"]),
                OptionSettings=beanstalk_settings.as_settings(self._sent(self.wanted)),
                **({"CNAMEPrefix": prefix} if prefix else {}),
            )
        except self._eb.exceptions.ClientError as error:
            if "is not available" not in str(error) or self.find():
                raise
            raise declared.DeclarationError(
                f"The address {self.cname} is taken: by somebody else in this region, or for some minutes still by an environment of yours "
                f"that ended. Run this again then, or choose another cname_prefix for {self.name}."
            ) from error
        self.since = self.found["DateCreated"]

    def _version(self) -> str:
        """What a sister runs; else what the last one of this name ran, which Beanstalk keeps; else the one that is given."""
        back = datetime.datetime.now(datetime.UTC) - REMEMBERED
        asked = {"ApplicationName": self._application, "IncludeDeleted": True, "IncludedDeletedBackTo": back}
        listed = [one for one in self._eb.describe_environments(**asked)["Environments"] if one.get("VersionLabel")]
        sisters = [one for one in listed if one["Status"] not in ("Terminated", "Terminating")]
        lasts = [one for one in listed if one["EnvironmentName"] == self.name]
        newest = max(sisters or lasts, key=lambda one: one["DateUpdated"], default=None)
        if newest:
            label = newest["VersionLabel"]
            there = self._eb.describe_application_versions(ApplicationName=self._application, VersionLabels=[label])
            if there["ApplicationVersions"]:
                return label
        return self._module.params["version_label"]

    def _sent(self, changes: declared.Properties) -> declared.Properties:
        """The changes with each value as it was declared, not as it is compared."""
        return {key: beanstalk_settings.text_of(self._values[key]) if key in self._values else value for key, value in changes.items()}

    def update(self, step: declared.Step) -> None:
        """Tags, settings, and a launch that failed have an operation each, and each wants the environment Ready."""
        changes, me = step.changes, {"EnvironmentId": self.found["EnvironmentId"]}
        if "tags" in changes:
            self.await_ready()
            self._eb.update_tags_for_resource(ResourceArn=self.found["EnvironmentArn"], TagsToAdd=tag_list(changes["tags"]))
        settings = beanstalk_settings.as_settings(self._sent(changes))
        gone = beanstalk_settings.removed(step.before, step.after)
        if settings or gone:
            self.await_ready()
            done = self._eb.update_environment(**me, OptionSettings=settings, OptionsToRemove=gone)
            self.since = done["DateUpdated"]
        if "launched" in changes:
            self.await_ready()
            self.since = self.found["DateUpdated"]
            self._eb.rebuild_environment(**me)

    def delete(self) -> None:
        """While it is being updated AWS refuses to end it: aws/aws-elastic-beanstalk-cli-setup#144."""
        me = {"EnvironmentId": self.found["EnvironmentId"]}
        try:
            self._eb.terminate_environment(**me)
        except self._eb.exceptions.ClientError as error:
            if not any(words in str(error) for words in BUSY):
                raise
            with contextlib.suppress(self._eb.exceptions.ClientError):  # it may have come to its end by now
                self._eb.abort_environment_update(**me)
            self.await_ready()
            self._eb.terminate_environment(**me)

    def _await_end_of_the_last(self) -> None:
        """A name is free again when the environment that had it has ended."""

        def look() -> tuple[bool, str]:
            status = (self.find() or {"Status": "Terminated"})["Status"]
            return status == "Terminated", f"still {status}"

        if self.found:
            self._module.wait_until(f"{self} of before", look, self._module.params["timeout"])
