# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the AWS roles did, or in check mode would do."""

from __future__ import annotations

PREFIX = "__aws_"  # of what our AWS roles register


def planned_steps(facts):
    """The steps of all results. See planned_steps.yml beside this file."""
    results = [facts[name] for name in sorted(facts) if name.startswith(PREFIX)]
    return [step for result in results if isinstance(result, dict) for step in _steps(result)]


def _steps(result):
    looped = [one for one in result.get("results") or [] if isinstance(one, dict)]
    return [*(result.get("steps") or []), *(step for one in looped for step in _steps(one))]


class FilterModule:
    """Ansible's entry point."""

    def filters(self):
        return {"planned_steps": planned_steps}
