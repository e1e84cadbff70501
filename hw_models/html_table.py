"""Tables as HTML, for reports and for what a record shows of itself in a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


def table(rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """A table whose first row are the headings, under its caption; escaped.

    Wider than its place, it scrolls on its own.

    Examples
    --------
    >>> print(table([("layer", "spikes"), ("hidden", "12")], caption="a < b"))
    <div style='overflow-x: auto'><table><caption>a &lt; b</caption><thead><tr>
    <th>layer</th>
    <th>spikes</th>
    </tr></thead><tbody>
    <tr><td>hidden</td><td>12</td></tr>
    </tbody></table></div>
    """
    head, *body = ([html.escape(cell) for cell in row] for row in rows)
    above = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    lines = [f"<div style='overflow-x: auto'><table>{above}<thead><tr>"]
    lines += [f"<th>{cell}</th>" for cell in head]
    lines.append("</tr></thead><tbody>")
    lines += ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in body]
    lines.append("</tbody></table></div>")
    return "\n".join(lines)
