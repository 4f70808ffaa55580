# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows as a table that a terminal shows."""

from __future__ import annotations

import shutil
import sys
import textwrap

GAP = "  "
NARROWEST = 20  # columns that the last one always has


def text_table(rows, columns, width=0):
    """The lines of a table. See text_table.yml beside this file."""
    width = width or (shutil.get_terminal_size().columns if sys.stdout.isatty() else 140)
    cells = [[" ".join(str(row.get(column, "")).split()) for column in columns] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(columns, *cells, strict=True)]
    room = max(NARROWEST, width - sum(widths[:-1]) - len(GAP) * (len(columns) - 1))
    lines = [_line(columns, widths)]
    for row in cells:
        first, *rest = textwrap.wrap(row[-1], room) or [""]
        lines.append(_line([*row[:-1], first], widths))
        lines += [_line([*[""] * (len(columns) - 1), more], widths) for more in rest]
    return lines


def _line(cells, widths):
    padded = [cell.ljust(width) for cell, width in zip(cells[:-1], widths, strict=False)]
    return GAP.join([*padded, cells[-1]]).rstrip()


class FilterModule:
    """Ansible's entry point."""

    def filters(self):
        return {"text_table": text_table}
