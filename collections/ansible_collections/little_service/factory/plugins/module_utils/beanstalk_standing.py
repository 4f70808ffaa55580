# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One environment of Elastic Beanstalk that stands: found, read and waited for."""

from __future__ import annotations

from typing import Any

from ansible_collections.little_service.factory.plugins.module_utils import beanstalk, declared


class Standing:
    """What whoever changes an environment needs of it. Beside it is a :class:`~.declared.Resource`, whose name is the environment's."""

    name: str
    failing = "did not come up"  # what is said where what is waited for fails

    def stands(self, module: Any, application: str) -> None:
        """Say where it stands; in place of a constructor, which the resource has."""
        self._module, self._eb, self._application = module, module.client("elasticbeanstalk"), application
        self.found: dict[str, Any] | None = None
        self.since: Any = None  # when what is waited for began, on AWS's clock
        self.version: str | None = None  # the label that is being deployed, if that is what is waited for

    def find(self) -> dict[str, Any] | None:
        """It as it is now, if it has not ended."""
        asked = {"ApplicationName": self._application, "EnvironmentNames": [self.name], "IncludeDeleted": False}
        listed = self._eb.describe_environments(**asked)["Environments"]
        return next((one for one in listed if one["Status"] != "Terminated"), None)

    def settings(self) -> list[dict[str, str]]:
        """Those that apply, or will as soon as what is under way is done."""
        asked = {"ApplicationName": self._application, "EnvironmentName": self.name}
        sets = {one.get("DeploymentStatus"): one for one in self._eb.describe_configuration_settings(**asked)["ConfigurationSettings"]}
        return (sets.get("pending") or sets.get("deployed") or next(iter(sets.values())))["OptionSettings"]

    def events(self, since: Any = None) -> list[dict[str, Any]]:
        """What happened to it, newest first; after a moment on AWS's clock, if one is given."""
        asked = {"EnvironmentId": self.found["EnvironmentId"], "MaxRecords": 200, **({"StartTime": since} if since else {})}
        return self._eb.describe_events(**asked)["Events"]

    def causes(self, found: dict[str, Any]) -> tuple[str, ...]:
        """Why what was last done with it failed."""
        return beanstalk.causes(self.events(found["DateCreated"]))

    def await_ready(self) -> None:
        """Whatever it is doing comes to its end before anything else is asked of it."""

        def look() -> tuple[bool, str]:
            self.found = self.find()
            if self.found is None:
                raise declared.DeclarationError(
                    f"The {self} was ended by somebody while it was waited for. Run this again to make it anew."
                )
            return self.found["Status"] == "Ready", self.found["Status"]

        self._module.wait_until(self, look, self._module.params["timeout"])

    def look(self) -> tuple[bool, str]:
        """For ``wait_until``: whether it serves. Raises where it will not."""
        self.found = {**self.found, **(self.find() or {"Status": "Terminated"})}
        verdict = beanstalk.judged(self.found, self.events(self.since) if self.since else [], self.version)
        if verdict.state in ("failed", "gone"):
            raise declared.DeclarationError(f"The {self} {self.failing}: {verdict}. When that is mended, run this again.")
        return verdict.state == "good", str(verdict)
