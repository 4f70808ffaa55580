#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A version that was once well, deployed again without a build."""

DOCUMENTATION = r"""
---
module: release_rollback
short_description: Go back to a version that was once well
description:
  - Deploys, on all environments at once and without a build, the newest version that is older than what serves and that the pipeline once
    deployed well; or the one that is named.
  - Typed once more it does nothing; to go back further, name the version.
  - Closes the pipeline's way into the deployment first, so that it does not roll forward by itself;
    M(little_service.factory.pipeline_execution) opens it with the next release.
  - Refuses where the database has had migrations that the older version may not do with. The rules are in docs/decisions/0009-rollback.md.
  - Not CodePipeline's own C(RollbackStage), which works within one version of the pipeline's structure only.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  pipeline:
    description: The pipeline's name.
    type: str
    required: true
  stage:
    description: The stage that deploys.
    type: str
    default: Deploy
  application:
    description: The application's name.
    type: str
    required: true
  environments:
    description: The names of the environments, that of the web first.
    type: list
    elements: str
    required: true
  version:
    description: The version's label, or its commit or the first letters of that.
    type: str
    default: ""
  across_migrations:
    description: Whether to go back although migrations lie in between.
    type: bool
    default: false
  timeout:
    description: Seconds after which any wait is given up.
    type: int
    default: 2700
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: Go back to the version before
  little_service.factory.release_rollback:
    pipeline: orbit-ledger-staging
    application: orbit-ledger-staging
    environments: [orbit-ledger-staging]
"""

RETURN = r"""
version:
  description: The label of the version.
  type: str
  returned: success
commit:
  description: Its commit.
  type: str
  returned: success
before:
  description: The label that served before.
  type: str
  returned: success
"""

import io
import zipfile

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import declared, releases, rollbacks
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule
from ansible_collections.little_service.factory.plugins.module_utils.beanstalk_standing import Standing


class WayIn(declared.Resource):
    """https://docs.aws.amazon.com/codepipeline/latest/userguide/transitions.html"""

    kind = "way into stage"

    def __init__(self, module, label):
        self._client, self._pipeline = module.client("codepipeline"), module.params["pipeline"]
        self._label = label
        super().__init__(module.params["stage"], {"closed_for": label})

    def read(self):
        state = self._client.get_pipeline_state(name=self._pipeline)
        stage = next((one for one in state["stageStates"] if one["stageName"] == self.name), None)
        if stage is None:
            raise declared.DeclarationError(f"The pipeline {self._pipeline} has no stage {self.name}.")
        if stage.get("latestExecution", {}).get("status") == "InProgress":
            raise declared.DeclarationError(
                f"The pipeline {self._pipeline} is deploying just now ({stage['latestExecution']['pipelineExecutionId']}). "
                "Run this again when it has ended; release.yml follows it."
            )
        transition = stage.get("inboundTransitionState", {"enabled": True})
        if not transition["enabled"] and not releases.is_closed_by_us(transition):
            return self.wanted  # closed by a person is closed as well, and stays theirs
        return {"closed_for": releases.rolled_back_to({"stageStates": [stage]})}

    def update(self, step):
        self._client.disable_stage_transition(
            pipelineName=self._pipeline, stageName=self.name, transitionType="Inbound", reason=f"{releases.CLOSED} to {self._label}"[:300]
        )


class Left(declared.Resource):
    """The version that is left: no later rollback goes to it by itself."""

    kind = "application version"

    def __init__(self, module, version):
        self._eb, self._arn = module.client("elasticbeanstalk"), version["ApplicationVersionArn"]
        super().__init__(version["VersionLabel"], {"tags": {rollbacks.LEFT: "by rollback.yml"}})

    def read(self):
        return {"tags": tags_of(self._eb, self._arn)}

    def update(self, step):
        self._eb.update_tags_for_resource(ResourceArn=self._arn, TagsToAdd=tag_list(self.wanted["tags"]))


def tags_of(client, arn):
    return tag_dict(client.list_tags_for_resource(ResourceArn=arn)["ResourceTags"])


class Running(Standing, declared.Resource):
    """The version that an environment runs."""

    kind = "environment"
    failing = "did not go back"

    def __init__(self, module, name):
        self.stands(module, module.params["application"])
        self._release = None
        super().__init__(name, {})
        self.found = self.find()
        if self.found is None:
            raise declared.DeclarationError(f"The {self} does not stand. It is made by aws_up.yml.")

    def goes_to(self, release):
        self._release, self.wanted = release, {"version": release.labels[0]}

    def read(self):
        self.found = self.find() or self.found
        label = self.found.get("VersionLabel", "")
        # Web and worker may each have a version of their own, of one bundle.
        return {"version": self._release.labels[0] if label in self._release.labels else label}

    def update(self, step):
        self.await_ready()
        if self.found.get("VersionLabel") in self._release.labels:
            return  # what was under way was this very deployment
        self.version = self.wanted["version"]
        done = self._eb.update_environment(EnvironmentId=self.found["EnvironmentId"], VersionLabel=self.version)
        self.since = done["DateUpdated"]


class History:
    """What the pipeline deployed, and what lies in the bundles."""

    def __init__(self, module):
        self._module, self._options = module, module.params
        pages = module.client("elasticbeanstalk").get_paginator("describe_application_versions")
        listed = pages.paginate(ApplicationName=self._options["application"])
        self.versions = {one["VersionLabel"]: one for page in listed for one in page["ApplicationVersions"]}

    def releases(self):
        client, name = self._module.client("codepipeline"), self._options["pipeline"]
        executions = client.get_paginator("list_pipeline_executions").paginate(pipelineName=name)
        commits = {one["pipelineExecutionId"]: releases.commit_of(one) for page in executions for one in page["pipelineExecutionSummaries"]}
        pages = client.get_paginator("list_action_executions").paginate(pipelineName=name)
        actions = [one for page in pages for one in page["actionExecutionDetails"] if one["stageName"] == self._options["stage"]]
        return rollbacks.releases_of(self.versions.values(), actions, commits)

    def rolled_back_to(self):
        return releases.rolled_back_to(self._module.client("codepipeline").get_pipeline_state(name=self._options["pipeline"]))

    def was_left(self, release):
        arns = (self.versions[label]["ApplicationVersionArn"] for label in release.labels)
        return any(rollbacks.LEFT in tags_of(self._module.client("elasticbeanstalk"), arn) for arn in arns)

    def file(self, label, name):
        """The text of a file in a version's bundle; None where it has none."""
        place = self.versions[label]["SourceBundle"]
        body = self._module.client("s3").get_object(Bucket=place["S3Bucket"], Key=place["S3Key"])["Body"].read()
        with zipfile.ZipFile(io.BytesIO(body)) as bundle:
            return bundle.read(name).decode() if name in bundle.namelist() else None

    def check_database(self, serving, release):
        """What was migrated stays so: an older version has to do with it."""
        if self._options["across_migrations"] or serving in release.labels or serving not in self.versions:
            return
        lists = (rollbacks.migrations(self.file(label, "migrations.txt")) for label in (serving, release.labels[0]))
        safe = (self.file(serving, "migrations-safe.txt") or "").split()
        if reason := rollbacks.in_the_way(*lists, safe):
            raise declared.DeclarationError(
                f"{self._options['application']} does not go back to {release}: {reason}. Mend it with a new release; or, if the older "
                "version can do with the database as it is, say: -e across_migrations=true"
            )


def main():
    module = AwsModule(
        {
            "pipeline": {"type": "str", "required": True},
            "stage": {"type": "str", "default": "Deploy"},
            "application": {"type": "str", "required": True},
            "environments": {"type": "list", "elements": "str", "required": True},
            "version": {"type": "str", "default": ""},
            "across_migrations": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 2700},
        }
    )
    with module.telling(f"application {module.params['application']}"):
        running = [Running(module, name) for name in module.params["environments"]]
        serving, history = running[0].found.get("VersionLabel", ""), History(module)
        made = history.versions.get(serving, {}).get("DateCreated")
        # A run that is repeated, or that goes on with one that was interrupted, does not go back further.
        wanted = module.params["version"] or history.rolled_back_to()
        release = rollbacks.target(history.releases(), serving, made, wanted, history.was_left)
        history.check_database(serving, release)
    for one in running:
        one.goes_to(release)
    left = [Left(module, history.versions[serving])] if serving in history.versions and serving not in release.labels else []
    steps = declared.carry_out(module, [WayIn(module, release.labels[0]), *left, *running])
    changed = [resource for resource, _ in steps]
    for one in [one for one in running if one in changed or one.found["Status"] != "Ready"] if not module.check_mode else []:
        with module.telling(one):
            module.wait_until(one, one.look, module.params["timeout"])
    module.done(steps, version=release.labels[0], commit=release.commit, before=serving)


if __name__ == "__main__":
    main()
