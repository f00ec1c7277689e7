"""The SVG picture in one HTML file, with a box to search in it; nothing is loaded, and nothing else may run."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape as _quoted

from pymemtools.areas import Areas
from pymemtools.render.address_svg import Sheet, svg_lines
from pymemtools.render.area_scale import Heights
from pymemtools.render.escape import escape

_STYLE = """
body{margin:0;font:14px system-ui,sans-serif;background:#fff;color:#222}
form{position:sticky;top:0;padding:8px 16px;background:#f4f5f7;border-bottom:1px solid #ccd}
input{font:inherit;width:28em;max-width:60vw;padding:3px 6px}
svg{display:block}
@media(prefers-color-scheme:dark){body{background:#16181c;color:#e6e6e6}
form{background:#22252b;border-color:#444}input{background:#16181c;color:#e6e6e6;border:1px solid #667}}
"""
# Words match names and addresses; an address matches what holds it. Enter goes from one match to the next. What
# follows a # in the address of the page is searched for at once.
_SCRIPT = """
const field = document.getElementById("q"), count = document.getElementById("n");
const boxes = [...document.querySelectorAll("svg > g")].filter(box => box.querySelector("title"));
let hits = [], at = -1;
function holds(title, text) {
  if (!/^(0x)?[0-9a-f]{5,16}$/.test(text)) return false;
  const range = title.match(/^([0-9a-f]+) - ([0-9a-f]+) /m);
  const address = BigInt(text.startsWith("0x") ? text : "0x" + text);
  return range && address >= BigInt("0x" + range[1]) && address < BigInt("0x" + range[2]);
}
function search() {
  const text = field.value.trim().toLowerCase();
  hits = [];
  at = -1;
  for (const box of boxes) {
    const title = [...box.querySelectorAll("title")].map(each => each.textContent).join("\\n").toLowerCase();
    const hit = !text || title.includes(text) || holds(title, text);
    box.classList.toggle("off", !hit);
    if (text && hit) hits.push(box);
  }
  count.textContent = text ? hits.length + " found" : "";
  if (hits.length) next();
}
function next() {
  if (!hits.length) return;
  at = (at + 1) % hits.length;
  hits[at].scrollIntoView({block: "center"});
}
field.addEventListener("input", search);
field.form.addEventListener("submit", event => { event.preventDefault(); next(); });
if (location.hash) {
  field.value = decodeURIComponent(location.hash.slice(1));
  search();
}
"""


def html_lines(areas: Areas, heights: Heights, sheet: Sheet, found: frozenset[int]) -> Iterator[str]:
    """Write the page; its policy lets run the one script whose digest it names."""
    digest = b64encode(sha256(_SCRIPT.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    yield "<!DOCTYPE html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
    yield f"<title>{_quoted(escape(sheet.title))}</title>"
    yield f"<style>{_STYLE}</style></head><body>"
    yield '<form><input id="q" type="search" placeholder="name or address" aria-label="Search" autocomplete="off">'
    yield '<output id="n"></output></form>'
    yield from svg_lines(areas, heights, sheet, found)
    yield f"<script>{_SCRIPT}</script></body></html>"
