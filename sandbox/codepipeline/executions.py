"""Pipelines and how their executions go from stage to stage.

https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html: a stage is held by one execution; the next waits
before it, and in SUPERSEDED mode a newer one takes the place of one that waits.
"""

from __future__ import annotations

import dataclasses
import re
import uuid
from typing import Any

from sandbox.codepipeline.actions import DO, Action, Doing, failure
from sandbox.core import access
from sandbox.core.gateway import State
from sandbox.core.wire import AwsError


@dataclasses.dataclass
class Execution:
    """One execution, with the pipeline as it was when the execution started."""

    pipeline: dict[str, Any]
    trigger: dict[str, str]
    started: Any
    variables: dict[str, str] = dataclasses.field(default_factory=dict)
    id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    summary: str = ""
    updated: Any = None
    revisions: dict[str, str] = dataclasses.field(default_factory=dict)
    summaries: dict[str, str] = dataclasses.field(default_factory=dict)  # of the revisions: what a source tells of them
    revision_override: str | None = None
    actions: list[Action] = dataclasses.field(default_factory=list)
    succeeded: set[str] = dataclasses.field(default_factory=set)  # the stages that it got through
    rollback_of: str | None = None
    only_stage: str | None = None

    def resolve(self, text: str) -> str:
        """A text with its ``#{namespace.variable}`` filled in."""
        spaces = {"variables": self.variables, "codepipeline": {"PipelineExecutionId": self.id}}
        spaces |= {action.declared["namespace"]: action.variables for action in self.actions if action.declared.get("namespace")}
        return re.sub(r"#\{([\w@-]+)\.([\w-]+)\}", lambda found: spaces.get(found[1], {}).get(found[2], found[0]), text)

    @property
    def mode(self) -> str:
        return self.pipeline["executionMode"]


@dataclasses.dataclass
class Stage:
    """What is going on in one stage of a pipeline."""

    holder: Execution | None = None
    waiting: list[Execution] = dataclasses.field(default_factory=list)
    latest: Execution | None = None
    status: str = "InProgress"
    actions: dict[str, Action] = dataclasses.field(default_factory=dict)
    disabled: dict[str, Any] | None = None


class Pipeline:
    """A pipeline, its stages by name, and its executions in their order."""

    def __init__(self, declared: dict[str, Any], now: Any, tags: dict[str, str]) -> None:
        self.declared, self.created, self.updated, self.tags = declared, now, now, tags
        self.stages: dict[str, Stage] = {}
        self.executions: dict[str, Execution] = {}
        self.tokens: dict[str, Execution] = {}  # of starts, by which one that is asked for again is known

    def stage(self, name: str) -> Stage:
        if name not in [stage["name"] for stage in self.declared["stages"]]:
            raise AwsError("StageNotFoundException", f"Pipeline '{self.declared['name']}' has no stage named '{name}'")
        return self.stages.setdefault(name, Stage())

    def execution(self, identifier: str) -> Execution:
        if identifier not in self.executions:
            message = f"Pipeline '{self.declared['name']}' does not have an execution with id '{identifier}'"
            raise AwsError("PipelineExecutionNotFoundException", message)
        return self.executions[identifier]


class Pipelines(State):
    """CodePipeline in one region of an account."""

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.pipelines: dict[str, Pipeline] = {}

    def get(self, name: str) -> Pipeline:
        if name not in self.pipelines:
            raise AwsError("PipelineNotFoundException", f"Account '{self.account}' does not have a pipeline with name '{name}'")
        return self.pipelines[name]

    def start(self, pipeline: Pipeline, trigger: str, detail: str, variables: dict[str, str], revision: str | None = None) -> Execution:
        defaults = {variable["name"]: variable.get("defaultValue", "") for variable in pipeline.declared.get("variables", [])}
        execution = Execution(
            pipeline.declared, {"triggerType": trigger, "triggerDetail": detail}, self.clock.now(), {**defaults, **variables}
        )
        execution.revision_override, execution.updated = revision, execution.started
        pipeline.executions[execution.id] = execution
        self.enter(pipeline, execution, pipeline.declared["stages"][0]["name"])
        return execution

    def enter(self, pipeline: Pipeline, execution: Execution, name: str) -> None:
        """Begin a stage, or wait before it."""
        stage = pipeline.stages.setdefault(name, Stage())
        if stage.disabled or (stage.holder and execution.mode != "PARALLEL"):
            if execution.mode == "SUPERSEDED":
                for older in stage.waiting:
                    self.finish(older, "Superseded")
                stage.waiting.clear()
            stage.waiting.append(execution)
            return
        stage.holder, stage.latest, stage.status, stage.actions = execution, execution, "InProgress", {}
        self.run_group(pipeline, execution, name, 0)

    def run_group(self, pipeline: Pipeline, execution: Execution, name: str, after: int) -> None:
        """Run together the actions of the next run order, or leave the stage."""
        declared = next(stage for stage in execution.pipeline["stages"] if stage["name"] == name)["actions"]
        orders = sorted({action["runOrder"] for action in declared if action["runOrder"] > after})
        if not orders:
            self.leave(pipeline, execution, name, "Succeeded")
            return
        group = [Action(action, name, execution) for action in declared if action["runOrder"] == orders[0]]
        execution.actions += group
        pipeline.stages[name].actions |= {action.name: action for action in group}
        for action in group:
            self.clock.play(self.act(pipeline, action, group))

    def act(self, pipeline: Pipeline, action: Action, group: list[Action]) -> Doing:
        """One action; the last of its group to end leads on."""
        declared = action.declared
        role = access.role_session(declared.get("roleArn") or action.execution.pipeline["roleArn"], str(uuid.uuid4().int)[:13])
        action.started = action.updated = self.clock.now()
        yield 0
        try:
            yield from DO[declared["actionTypeId"]["category"], declared["actionTypeId"]["provider"]](self, action, role)
            action.status = "Succeeded"
        except Exception as error:
            action.status, action.error = "Failed", failure(error)
        action.updated = self.clock.now()
        if any(other.status == "InProgress" for other in group) or action.execution.status == "Stopped":
            return
        if any(other.status == "Failed" for other in group):
            self.leave(pipeline, action.execution, action.stage, "Failed")
        elif action.execution.status == "Stopping":
            self.leave(pipeline, action.execution, action.stage, "Stopped")
        else:
            self.run_group(pipeline, action.execution, action.stage, declared["runOrder"])

    def leave(self, pipeline: Pipeline, execution: Execution, name: str, status: str) -> None:
        """End a stage: go on to the next one, and let in who waits."""
        stage = pipeline.stages[name]
        if stage.latest is execution:
            stage.status = status
        if status == "Succeeded":
            execution.succeeded.add(name)
            names = [stage["name"] for stage in execution.pipeline["stages"]]
            following = names[names.index(name) + 1 :]
            if following and not execution.only_stage:
                self.enter(pipeline, execution, following[0])
            else:
                self.finish(execution, "Succeeded")
        else:
            self.finish(execution, status)
        if stage.holder is execution:
            self.let_in(pipeline, name)

    def let_in(self, pipeline: Pipeline, name: str) -> None:
        stage = pipeline.stages[name]
        stage.holder = None
        if stage.waiting and not stage.disabled:
            self.enter(pipeline, stage.waiting.pop(0), name)

    def finish(self, execution: Execution, status: str) -> None:
        execution.status, execution.updated = status, self.clock.now()

    def stop(self, pipeline: Pipeline, execution: Execution, reason: str, *, abandon: bool) -> None:
        if execution.status not in ("InProgress", "Stopping"):
            message = f"The pipeline execution with id '{execution.id}' is in state '{execution.status}' and cannot be stopped"
            raise AwsError("PipelineExecutionNotStoppableException", message)
        execution.summary = reason
        held = [name for name, stage in pipeline.stages.items() if stage.holder is execution]
        if not abandon and held:
            execution.status = "Stopping"
            return
        for action in execution.actions:
            if action.status == "InProgress":
                action.status, action.token = "Abandoned", None
        for stage in pipeline.stages.values():
            stage.waiting = [waiting for waiting in stage.waiting if waiting is not execution]
        self.finish(execution, "Stopped")
        for name in held:
            pipeline.stages[name].status = "Stopped"
            self.let_in(pipeline, name)
