#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the parts of a service are."""

DOCUMENTATION = r"""
---
module: service_status
short_description: Tell how the parts of a service on AWS are
description:
  - Reads the state and health of its environments, database, cache, pipeline and connection, its last deployments and the alarms that fire.
  - A part whose name is empty is not asked for.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  application:
    description: The application of Elastic Beanstalk.
    type: str
    required: true
  web:
    description: The web's environment.
    type: str
    default: ""
  worker:
    description: The worker's environment.
    type: str
    default: ""
  database:
    description: The RDS instance.
    type: str
    default: ""
  cache:
    description: The replication group of ElastiCache.
    type: str
    default: ""
  pipeline:
    description: The pipeline.
    type: str
    default: ""
  connection:
    description: The connection to GitHub.
    type: str
    default: ""
  alarm_prefix:
    description: What the names of the service's alarms begin with.
    type: str
    default: ""
  differences:
    description: What the plans of the roles would do, as the RV(steps) of their modules; it only decides the verdict.
    type: list
    elements: dict
    default: []
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: Ask how the service is
  little_service.factory.service_status:
    application: orbit-ledger-production
    web: orbit-ledger-production
    database: orbit-ledger-production
"""

RETURN = r"""
verdict:
  description: C(as declared), C(differs), C(unhealthy) or C(absent), the worst that is true.
  type: str
  returned: success
parts:
  description:
    - Each part with C(part), C(kind), C(name), C(state), C(words) and C(condition).
    - The condition is C(ok), C(changing), C(waits) for a person, C(bad) or C(absent).
  type: list
  elements: dict
  returned: success
deployments:
  description: The last ten executions of the pipeline, newest first; of that one which deployed what serves C(current) is true.
  type: list
  elements: dict
  returned: success
alarms:
  description: The alarms that fire, with C(name) and C(reason).
  type: list
  elements: dict
  returned: success
"""

from ansible_collections.little_service.factory.plugins.module_utils import rollbacks, status
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule
from ansible_collections.little_service.factory.plugins.module_utils.beanstalk_standing import Standing

NAMES = ("application", "web", "worker", "database", "cache", "pipeline", "connection", "alarm_prefix")


class Environment(Standing):
    """An environment of the service, if it stands."""

    def __init__(self, module, name):
        self.name = name
        self.stands(module, module.params["application"])
        self.found = self.find()

    def causes_of_health(self):
        """https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/health-enhanced-status.html; basic health has none."""
        if self.found.get("HealthStatus") in ("Ok", None):
            return []
        return self._eb.describe_environment_health(EnvironmentName=self.name, AttributeNames=["Causes"]).get("Causes", [])


class Service:
    """The parts of one service, read once each."""

    def __init__(self, module):
        self._module, self._named = module, module.params

    def environment(self, role):
        environment = Environment(self._module, self._named[role])
        if environment.found is None:
            return status.environment(role, environment.name, None, [])
        return status.environment(role, environment.name, environment.found, environment.events(), environment.causes_of_health())

    def database(self):
        rds = self._module.client("rds")
        try:
            found = rds.describe_db_instances(DBInstanceIdentifier=self._named["database"])["DBInstances"][0]
        except rds.exceptions.DBInstanceNotFoundFault:
            found = None
        return status.database(self._named["database"], found)

    def cache(self):
        elasticache = self._module.client("elasticache")
        try:
            found = elasticache.describe_replication_groups(ReplicationGroupId=self._named["cache"])["ReplicationGroups"][0]
        except elasticache.exceptions.ReplicationGroupNotFoundFault:
            found = None
        return status.cache(self._named["cache"], found)

    def pipeline(self):
        """The part, and the executions that it tells of."""
        codepipeline, name = self._module.client("codepipeline"), self._named["pipeline"]
        try:
            stages = codepipeline.get_pipeline_state(name=name)["stageStates"]
        except codepipeline.exceptions.PipelineNotFoundException:
            return status.pipeline(name, None, []), []
        executions = codepipeline.list_pipeline_executions(pipelineName=name, maxResults=10)["pipelineExecutionSummaries"]
        return status.pipeline(name, stages, executions), executions

    def current(self, label):
        """The execution of the pipeline that deployed the version which serves; empty where none of those that are remembered did."""
        beanstalk, application = self._module.client("elasticbeanstalk"), self._named["application"]
        found = beanstalk.describe_application_versions(ApplicationName=application, VersionLabels=[label])["ApplicationVersions"]
        if not found:
            return ""
        pages = self._module.client("codepipeline").get_paginator("list_action_executions")
        # The newest come first. What was released longer ago is not among the deployments that are told of.
        listed = pages.paginate(pipelineName=self._named["pipeline"], PaginationConfig={"MaxItems": 300})
        deployed = (one for page in listed for one in page["actionExecutionDetails"])
        return rollbacks.made_by(found[0], [one for one in deployed if one["stageName"] == "Deploy"])

    def connection(self):
        name, client = self._named["connection"], self._module.client("codeconnections")
        pages = (
            client.get_paginator("list_connections").paginate() if client.can_paginate("list_connections") else [client.list_connections()]
        )
        found = next((one for page in pages for one in page["Connections"] if one["ConnectionName"] == name), None)
        region = self._module.region
        link = f"https://{region}.console.aws.amazon.com/codesuite/settings/connections?region={region}"
        return status.connection(name, found, link)

    def alarms(self):
        pages = self._module.client("cloudwatch").get_paginator("describe_alarms")
        prefix = self._named["alarm_prefix"]
        return status.firing(one for page in pages.paginate(AlarmNamePrefix=prefix, StateValue="ALARM") for one in page["MetricAlarms"])

    def parts(self):
        """The parts that have names, and the pipeline's executions."""
        found = [self.environment(role) for role in ("web", "worker") if self._named[role]]
        found += [getattr(self, role)() for role in ("database", "cache", "connection") if self._named[role]]
        if not self._named["pipeline"]:
            return found, []
        pipeline, executions = self.pipeline()
        return [*found, pipeline], executions


def main():
    module = AwsModule(
        {
            **{name: {"type": "str", "default": ""} for name in NAMES},
            "application": {"type": "str", "required": True},
            "differences": {"type": "list", "elements": "dict", "default": []},
        }
    )
    service = Service(module)
    with module.telling(f"service {module.params['application']}"):
        parts, executions = service.parts()
        label = next((one.get("version") for one in parts if one["part"] == "web"), "")
        current = service.current(label) if label and executions else ""
        alarms = service.alarms() if module.params["alarm_prefix"] else []
    module.done(
        [],
        verdict=status.verdict(parts, alarms, module.params["differences"]),
        parts=parts,
        alarms=alarms,
        deployments=status.deployments(executions, current),
    )


if __name__ == "__main__":
    main()
