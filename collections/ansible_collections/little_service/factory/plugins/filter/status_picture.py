# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parts of a service as a picture."""

from __future__ import annotations

from xml.sax.saxutils import escape

WIDTH, HEIGHT = 190, 74  # of a box
# Where a part stands, in the order in which a change travels: column and row.
PLACES = {"connection": (0, 0), "pipeline": (1, 0), "web": (2, 0), "worker": (2, 1), "database": (3, 0), "cache": (3, 1)}
LINES = (
    ("connection", "pipeline"),
    ("pipeline", "web"),
    ("pipeline", "worker"),
    ("web", "database"),
    ("web", "cache"),
    ("worker", "database"),
    ("worker", "cache"),
)
MARKS = {"ok": "✓", "changing": "…", "waits": "!", "bad": "✗", "absent": "-"}
LONGEST = 26  # characters of a state that fit


def status_picture(parts):
    """An SVG. See status_picture.yml beside this file."""
    shown = {part["part"]: part for part in parts if part["part"] in PLACES}
    height = 160 + HEIGHT if any(PLACES[name][1] for name in shown) else 20 + HEIGHT
    lines = [_line(start, end) for start, end in LINES if start in shown and end in shown]
    boxes = [_box(name, part) for name, part in shown.items()]
    head = (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z"/></marker></defs>'
    )
    inner = "\n".join([head, *lines, *boxes])
    return f'<svg viewBox="0 0 960 {height}" role="img" aria-label="The parts of the service and their state">\n{inner}\n</svg>'


def _corner(name):
    column, row = PLACES[name]
    return 10 + column * 250, 10 + row * 140


def _line(start, end):
    (x1, y1), (x2, y2) = _corner(start), _corner(end)
    x1, y1, y2 = x1 + WIDTH, y1 + HEIGHT // 2, y2 + HEIGHT // 2
    return f'<path class="line" d="M{x1} {y1}C{x1 + 40} {y1} {x2 - 40} {y2} {x2} {y2}" marker-end="url(#head)"/>'


def _box(name, part):
    x, y = _corner(name)
    condition, state = part["condition"], part["state"]
    short = state if len(state) <= LONGEST else state[: LONGEST - 1] + "…"
    return (
        f'<g class="box {condition}" transform="translate({x} {y})"><title>{escape(part["name"])}: {escape(state)}</title>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="10"/>'
        f'<text x="14" y="26" class="title">{name}</text><text x="14" y="45" class="kind">{escape(part["kind"])}</text>'
        f'<text x="14" y="63" class="state">{MARKS[condition]} {escape(short)}</text></g>'
    )


class FilterModule:
    """Ansible's entry point."""

    def filters(self):
        return {"status_picture": status_picture}
