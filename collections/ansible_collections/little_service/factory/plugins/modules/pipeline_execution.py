#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One execution of a pipeline: "Release change", followed to its end."""

DOCUMENTATION = r"""
---
module: pipeline_execution
short_description: Start a pipeline, or follow what runs in it, to its end
description:
  - Has a commit go through a pipeline. Where an execution for it runs already, that one is followed; where it is out, nothing is done.
    Where others run, a new one waits for its turn before each stage, as CodePipeline has it.
  - A stage that a rollback closed is opened when the execution comes to it. One that a person closed is left so; the message says who did.
  - Where it fails, the failing step's own last words are told - the end of the build's log, or Elastic Beanstalk's errors.
  - An execution goes on by itself when nobody follows it any more; the next call takes it up.
  - Neither amazon.aws nor community.aws starts pipelines.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  name:
    description: The pipeline's name.
    type: str
    required: true
  commit:
    description: The commit that is to go out, in full. Without it what the source has; a bundle in S3 is then known by its version.
    type: str
    default: ""
  pinned:
    description: Whether a new execution takes O(commit), also where the branch has gone on.
    type: bool
    default: false
  again:
    description: Whether a commit that is out already goes through once more.
    type: bool
    default: false
  trigger_wait:
    description: For how many seconds an execution is looked for that a push has just now started.
    type: int
    default: 0
  timeout:
    description: For how many seconds it is followed at most.
    type: int
    default: 7200
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: Release what the branch holds
  little_service.factory.pipeline_execution:
    name: orbit-ledger-staging
"""

RETURN = r"""
execution:
  description: The id of the execution; empty in check mode where a new one would start.
  type: str
  returned: success
commit:
  description: The commit that went out, or the version of the bundle.
  type: str
  returned: success
kind:
  description: C(start), C(follow) or C(done), what was found to be needed.
  type: str
  returned: success
others:
  description: Commits of others that ran when it began.
  type: list
  elements: str
  returned: success
stages:
  description: Each stage with C(stage), C(status) and C(seconds).
  type: list
  elements: dict
  returned: success
"""

import datetime
import time
import uuid

from ansible_collections.little_service.factory.plugins.module_utils import declared, release_failure, releases
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule

SOURCE = 120  # for so many seconds an execution is asked that does not know yet what it is about
DEAD = {"Stopped": "it was stopped by somebody", "Cancelled": "it was cancelled", "Superseded": "a newer one took its place"}


class Execution(declared.Resource):
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_StartPipelineExecution.html"""

    kind = "execution of pipeline"

    def __init__(self, module):
        self._module, self._options, self._client = module, module.params, module.client("codepipeline")
        self.id, self.choice, self.opened = "", releases.Choice("start"), []
        self._token = str(uuid.uuid4())  # an answer that was lost starts no second one
        super().__init__(self._options["name"], {"commit": self._options["commit"] or "what the source has"})

    def read(self):
        self.choice = self._choose()
        self.id = self.choice.execution
        return None if self.choice.kind == "start" else self.wanted

    def _choose(self):
        """Which execution it is. One that has not got through its source yet may be about our commit: it is asked again."""
        commit, begun = self._options["commit"] or self._bundle(), time.monotonic()
        while True:
            executions = self._executions()
            closed = releases.is_closed(self._client.get_pipeline_state(name=self.name))
            choice = releases.chosen(executions, commit, closed=closed, again=self._options["again"])
            patience = {"look": SOURCE, "start": self._options["trigger_wait"]}.get(choice.kind, 0)
            if time.monotonic() - begun >= patience:
                return releases.Choice("start", others=choice.others) if choice.kind == "look" else choice
            self._module.tell(f"{self}: looks which commit is under way")
            self._module.pause(5)

    def _bundle(self):
        """The version of the bundle that the source holds, if it is one: what waits for an approval need not be approved twice.

        https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3.html
        """
        source = self._source()
        if source["actionTypeId"]["provider"] != "S3":
            return ""
        client, where = (
            self._module.client("s3"),
            {"Bucket": source["configuration"]["S3Bucket"], "Key": source["configuration"]["S3ObjectKey"]},
        )
        try:
            return client.head_object(**where).get("VersionId", "")
        except client.exceptions.ClientError:  # another account's bucket need not be open to whoever types this
            return ""

    def _source(self):
        try:
            return self._client.get_pipeline(name=self.name)["pipeline"]["stages"][0]["actions"][0]
        except self._client.exceptions.PipelineNotFoundException as error:
            raise declared.DeclarationError(f"There is no pipeline {self.name}. It is made by aws_up.yml.") from error

    def _executions(self):
        return self._client.list_pipeline_executions(pipelineName=self.name, maxResults=50)["pipelineExecutionSummaries"]

    def create(self):
        revision = []
        if self._options["pinned"] and self._options["commit"]:
            revision = [{"actionName": self._source()["name"], "revisionType": "COMMIT_ID", "revisionValue": self._options["commit"]}]
        asked = {"name": self.name, "clientRequestToken": self._token, **({"sourceRevisions": revision} if revision else {})}
        self.id = self._client.start_pipeline_execution(**asked)["pipelineExecutionId"]

    def actions(self):
        pages = self._client.get_paginator("list_action_executions").paginate(
            pipelineName=self.name, filter={"pipelineExecutionId": self.id}
        )
        return [one for page in pages for one in page["actionExecutionDetails"]]

    def found(self):
        return self._client.get_pipeline_execution(pipelineName=self.name, pipelineExecutionId=self.id)["pipelineExecution"]

    def commit(self):
        return next((one["revisionId"] for one in self.found().get("artifactRevisions", []) if one.get("revisionId")), "")

    def stages(self):
        return releases.stages_of(self.actions(), datetime.datetime.now(datetime.UTC))

    def look(self):
        """For ``wait_until``: whether it has come out at the other end. Raises where it will not."""
        found = self.found()
        if found["status"] == "Succeeded":
            return True, "is through"
        if found["status"] not in releases.RUNNING:
            raise declared.DeclarationError(self._failure(found))
        state = self._client.get_pipeline_state(name=self.name)
        said = releases.in_words(self.stages()) or "begins"
        if stage := releases.awaits_approval(state, self.id):
            return False, f"{said}; {stage} waits for somebody's approval: {self._link()}"
        stage, transition, holder = releases.waits_before(state, self.id)
        if stage and not transition["enabled"]:
            self._open(stage, transition)
        return False, said + (f"; waits before {stage}" + (f", where {holder} is" if holder else "") if stage else self._last_event())

    def _last_event(self):
        """What an environment that is being deployed said last."""
        running = [one for one in self.actions() if one["status"] == "InProgress" and one["stageName"] == "Deploy"]
        names = [one["input"].get("configuration", {}).get("EnvironmentName") for one in running]
        client = self._module.client("elasticbeanstalk")
        told = [client.describe_events(EnvironmentName=name, MaxRecords=1)["Events"] for name in names if name]
        return "".join(f" ({events[0]['Message']})" for events in told if events)

    def _open(self, stage, transition):
        if not releases.is_closed_by_us(transition):
            raise declared.DeclarationError(
                f"The {self} waits before {stage}, which {transition.get('lastChangedBy', 'somebody')} has closed: "
                f"{transition.get('disabledReason', 'no reason is given')}. When that is settled, open it and run this again: "
                f"aws codepipeline enable-stage-transition --pipeline-name {self.name} --stage-name {stage} --transition-type Inbound"
            )
        self._client.enable_stage_transition(pipelineName=self.name, stageName=stage, transitionType="Inbound")
        self.opened.append(stage)

    def _failure(self, found):
        actions = self.actions()
        failed = [release_failure.told(self._module, one) for one in releases.failed(actions)]
        because = DEAD.get(found["status"], "") or f"it has {found['status'].lower()}"
        words = found.get("statusSummary") or ""
        commit = next((one["revisionId"][:12] for one in found.get("artifactRevisions", []) if one.get("revisionId")), "its commit")
        return "\n".join(
            [
                f"{commit} is not released, {because}. {words}".rstrip(),
                *failed,
                f"Time: {releases.in_words(self.stages())}. All of it: {self._link()}",
                "What served before goes on serving. When the cause is mended, run this again.",
            ]
        )

    def _link(self):
        region = self._module.region
        path = f"codesuite/codepipeline/pipelines/{self.name}/executions/{self.id}/timeline"
        return f"https://{region}.console.aws.amazon.com/{path}?region={region}"


def main():
    module = AwsModule(
        {
            "name": {"type": "str", "required": True},
            "commit": {"type": "str", "default": ""},
            "pinned": {"type": "bool", "default": False},
            "again": {"type": "bool", "default": False},
            "trigger_wait": {"type": "int", "default": 0},
            "timeout": {"type": "int", "default": 7200},
        }
    )
    execution = Execution(module)
    steps = declared.carry_out(module, [execution])
    if not module.check_mode:
        with module.telling(execution):
            # Whoever only looks on holds nobody up: an execution goes on by itself.
            module.lease.release()
            module.wait_until(execution, execution.look, module.params["timeout"])
    steps += [(execution, declared.Step("update", {f"way into {one}": "closed"}, {f"way into {one}": "open"})) for one in execution.opened]
    facts = {"stages": [], "commit": module.params["commit"]}
    if execution.id:
        with module.telling(execution):
            facts = {"stages": execution.stages(), "commit": execution.commit()}
    choice = execution.choice
    module.done(steps, execution=execution.id, kind=choice.kind, others=list(choice.others), **facts)


if __name__ == "__main__":
    main()
