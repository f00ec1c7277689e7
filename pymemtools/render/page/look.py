"""The style and the one script of a page."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Colours of parts, light and dark: told apart also by who sees no red or green, and with black text on them readable.
_LIGHT = ("9ecae1", "fdd0a2", "c7e9c0", "dadaeb", "fcbba1", "d9d9d9", "a6d8d4", "f7d794", "c6dbef", "e5c8e8", "d4e6a5")
_DARK = ("2b5f83", "7d4f1d", "2f6b3a", "54508a", "84392a", "4a4a4a", "1f6b66", "77601b", "3a5a80", "6c3d73", "55702a")
_BASE = """
:root{--bg:#fff;--fg:#1d2126;--soft:#5a636e;--line:#d5dae0;--card:#f6f7f9;
--crit:#b3001b;--warn:#8a5300;--note:#1c5a8a;--link:#0b57a4}
*{box-sizing:border-box}
html{scroll-behavior:smooth}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.45 system-ui,sans-serif;overflow-wrap:anywhere}
a{color:var(--link)}
header,main,footer{max-width:1080px;margin:0 auto;padding:0 20px}
header{padding-top:20px}
h1{font-size:26px;margin:0 0 4px}
h2{font-size:20px;margin:36px 0 10px;padding-top:10px;border-top:1px solid var(--line)}
h3{font-size:16px;margin:20px 0 8px}
p{margin:8px 0}
.soft,.shown,[role=status]{color:var(--soft)}.shown{font-size:13.5px}[role=status]{margin:2px 0;min-height:1.45em}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:4px 16px;margin:10px 0;padding:0}
.skip{position:absolute;left:-999px}.skip:focus{left:8px;top:8px;background:var(--card);padding:6px 10px}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.finding{border:1px solid var(--line);border-left:6px solid var(--note);border-radius:4px;background:var(--card)}
.finding{margin:10px 0;padding:8px 14px}
.finding.critical{border-left-color:var(--crit)}.finding.warning{border-left-color:var(--warn)}
.finding h3{margin:0 0 4px}.finding p{margin:4px 0}
.badge{font-size:12px;text-transform:uppercase;letter-spacing:.04em;font-weight:700;margin-right:8px}
.critical .badge{color:var(--crit)}.warning .badge{color:var(--warn)}.notice .badge{color:var(--note)}
.figure{font-weight:600}
code,kbd{font:13px ui-monospace,Menlo,Consolas,monospace}
details{margin:8px 0}summary{cursor:pointer}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:13.5px;margin:8px 0;width:100%}
caption{text-align:left;color:var(--soft);padding:4px 0}
th,td{padding:3px 8px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;white-space:nowrap}
td.long{white-space:normal;min-width:22em}
table.sorts{min-width:900px}
th{position:sticky;top:0;background:var(--bg);white-space:nowrap}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
th button{all:unset;cursor:pointer;font-weight:700}th button:focus-visible{outline:3px solid var(--link)}
th[aria-sort=descending] button::after{content:" ▾"}th[aria-sort=ascending] button::after{content:" ▴"}
input[type=search]{font:inherit;padding:4px 8px;width:min(28em,100%);border:1px solid var(--soft);border-radius:4px}
input[type=search]{background:var(--bg);color:var(--fg)}
svg{display:block;max-width:100%}
.curves.wide svg{background:none}.curves svg{width:860px;height:auto;min-width:600px}
svg.bar{width:100%;height:44px}svg.map{width:100%;height:auto}
svg.bar rect,svg.map rect{stroke:var(--bg);stroke-width:1}
svg.bar text,svg.map text{font:12px system-ui,sans-serif;fill:var(--fg)}svg.map .s{fill:var(--soft)}
svg.bar text{display:none}
.legend{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:2px 18px;margin:8px 0}
.key{display:inline-block;width:12px;height:12px;margin-right:6px;border:1px solid var(--soft)}
footer{margin:40px auto 30px;border-top:1px solid var(--line);padding-top:10px;color:var(--soft)}
"""
_NIGHT = """:root{--bg:#15181c;--fg:#e7eaee;--soft:#a7b0bb;--line:#353b43;--card:#1d2126;
--crit:#ff7b86;--warn:#ffb454;--note:#7cc0ff;--link:#8ec5ff}
"""
_PRINT = """@media print{nav,.skip,input[type=search]{display:none}body{font-size:11pt}
.finding,svg,tr{break-inside:avoid}
details::details-content{content-visibility:visible}th{position:static}h2,summary{break-after:avoid}
.wide{overflow:visible}table{font-size:8pt}th,td{padding:2px 4px}table.sorts,td.long,.curves svg{min-width:0}
.picture svg{break-inside:auto}}
"""
# Tables of class "sorts" get a button in each header, a field that hides the rows without what is typed, and a line
# that says aloud what was done. On paper all is open.
SCRIPT = """
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  for (const each of closed) each.open = true;
});
addEventListener("afterprint", () => {
  for (const each of closed) each.open = false;
});
for (const table of document.querySelectorAll("table.sorts")) {
  const body = table.tBodies[0], rows = [...body.rows];
  const field = document.createElement("input");
  field.type = "search";
  field.placeholder = "filter";
  field.setAttribute("aria-label", "Filter " + table.caption.textContent);
  const said = document.createElement("p");
  said.setAttribute("role", "status");
  table.parentNode.before(field, said);
  field.addEventListener("input", () => {
    const text = field.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(text);
    said.textContent = `${rows.filter(row => !row.hidden).length} of ${rows.length} rows`;
  });
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, at) => {
    const button = document.createElement("button");
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      said.textContent = `sorted by ${button.textContent}, ${down ? "descending" : "ascending"}`;
      const numbers = head.classList.contains("n");
      const key = row => {
        const cell = row.cells[at];
        return numbers ? (cell.dataset.v === undefined ? -Infinity : Number(cell.dataset.v)) : cell.textContent;
      };
      const sorted = rows.map(row => [key(row), row]);
      sorted.sort((a, b) => (numbers ? a[0] - b[0] || 0 : a[0].localeCompare(b[0])) * (down ? -1 : 1));
      body.append(...sorted.map(pair => pair[1]));
    });
  });
}
"""


def style(picture: str, curves: str = "") -> str:
    """Give the page's style; that of the pictures and curves in it holds within them only."""
    tones = _tones(_LIGHT) + _BASE + _scoped(picture) + _scoped(curves, ".curves")
    return f"{tones}@media(prefers-color-scheme:dark){{{_NIGHT}{_tones(_DARK)}}}\n{_PRINT}"


def _tones(colours: Sequence[str]) -> str:
    return "".join(f".c{number}{{fill:#{colour};background:#{colour}}}" for number, colour in enumerate(colours)) + "\n"


def _scoped(rules: str, within: str = ".picture") -> str:
    """Put ``.picture`` before every selector of a flat style sheet, or what else it is to hold within.

    >>> _scoped("svg,.a{x:1}")
    '.picture svg,.picture .a{x:1}'
    """

    def scoped(match: re.Match[str]) -> str:
        selectors = match[1].strip()
        if selectors.startswith("@"):
            return match[0]
        return ",".join(f"{within} {each.strip()}" for each in selectors.split(",")) + "{"

    return re.sub(r"([^{}]+)\{", scoped, rules)
