"""The ratios as bars on a logarithmic scale, in SVG that is readable on light and dark pages."""

import html
import math

from measure import Bound, number

WIDTH, LEFT, RIGHT, ROW, TOP = 860, 330, 90, 30, 46
STYLE = """
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .small { font-size: 11px; fill: #59636e }
    .grid { stroke: #d1d9e0 }
    .one { stroke: #59636e }
    .bar { fill: #2f7d5b }
    .missed { fill: #b5651d }
    .free { fill: #6b7f99 }
    .spread { stroke: #1f2328; stroke-width: 1.5 }
    .target { stroke: #1f2328; stroke-width: 2; stroke-dasharray: 3 2 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .small { fill: #9198a1 }
      .grid { stroke: #3d444d }
      .one { stroke: #9198a1 }
      .bar { fill: #4ab586 }
      .missed { fill: #dd8a3e }
      .free { fill: #8ba0bb }
      .spread, .target { stroke: #e6edf3 }
    }
"""


def svg(results):
    """The drawing: a bar for each comparison, its spread as a line, its target dashed."""
    rows = [result for result in results if not isinstance(result, Bound)]
    values = [value for row in rows for value in (*row.ratios, row.target or 1.0)] + [0.5, 2.0]
    lowest, highest = math.log(min(values) * 0.85), math.log(max(values) * 1.15)
    height = TOP + ROW * len(rows) + 34

    def x(ratio):
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log(ratio) - lowest) / (highest - lowest)

    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
           "<title>agenthost beside its peers: ratios of rates, more is faster</title>", f"<style>{STYLE}</style>",
           '<text x="12" y="20">agenthost beside its peers, ratio of rates (more is faster)</text>',
           '<text x="12" y="37" class="small">bar: median of the rounds; line: lowest to highest; dashed: target</text>']
    bottom = TOP + ROW * len(rows) + 4
    for tick in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100):
        if lowest <= math.log(tick) <= highest:
            kind = "one" if tick == 1 else "grid"
            out.append(f'<line class="{kind}" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{TOP}" y2="{bottom}"/>')
            out.append(f'<text class="small" text-anchor="middle" x="{x(tick):.1f}" y="{bottom + 16}">{tick:g} ×</text>')
    for index, row in enumerate(rows):
        y = TOP + ROW * index + 6
        kind = {None: "free", True: "bar", False: "missed"}[row.is_met]
        start, end = sorted((x(1), x(row.ratio)))
        out += [
            f'<text x="12" y="{y + 9}">{html.escape(row.title)}</text>',
            f'<text x="12" y="{y + 21}" class="small">beside {html.escape(row.peer)}</text>',
            f'<rect class="{kind}" x="{start:.1f}" y="{y}" width="{max(1.5, end - start):.1f}" height="18" rx="2"/>',
            f'<line class="spread" x1="{x(min(row.ratios)):.1f}" x2="{x(max(row.ratios)):.1f}" y1="{y + 9}" y2="{y + 9}"/>']
        if row.target is not None:
            out.append(f'<line class="target" x1="{x(row.target):.1f}" x2="{x(row.target):.1f}" y1="{y - 3}" y2="{y + 21}"/>')
        out.append(f'<text x="{WIDTH - RIGHT + 14}" y="{y + 14}">{number(row.ratio)} ×</text>')
    return "\n".join([*out, "</svg>", ""])
