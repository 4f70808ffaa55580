# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible's own templar, with its defaults for the template module, over text in memory."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

from ansible.errors import AnsibleError
from ansible.template import Templar, trust_as_template
from ansible_collections.little_service.factory.plugins.plugin_utils import tree

# The template module's own: https://docs.ansible.com/ansible/latest/collections/ansible/builtin/template_module.html
_OVERRIDES = {"trim_blocks": True, "lstrip_blocks": False, "newline_sequence": "\n"}


def renderer(templar: Templar, source: pathlib.Path, variables: dict) -> Callable[[str, str], str]:
    """A function that renders a template of ``source`` with ``variables`` and nothing else.

    :raises TreeError: from that function, with the template's name, the line where it is known, and Ansible's words.
    """
    engine = templar.copy_with_new_env(searchpath=[str(source)], available_variables=variables)

    def render(text: str, name: str) -> str:
        try:
            result = engine.template(trust_as_template(text), escape_backslashes=False, overrides=_OVERRIDES)
        except AnsibleError as error:
            raise tree.TreeError(f"{source.name}/{name}{_line(error, text)}: {error}") from error
        return "" if result is None else str(result)

    return render


def _line(error: AnsibleError, text: str) -> str:
    cause = error.__cause__
    line = getattr(cause, "lineno", None) or (tree.line_of(str(error), text) if cause is None else None)
    return f":{line}" if line else ""
