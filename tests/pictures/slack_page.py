"""Slack's Block Kit drawn as HTML, near enough to see whether a message is good to read.

It is drawn from the very blocks the channel sends; nothing is fetched.
"""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

Part = Mapping[str, Any]

STYLE = """
:root { color-scheme: light; --bg: #fff; --ink: #1d1c1d; --soft: #616061; --line: #ddd;
  --link: #1264a3; --field: #fff; --bad: #c01343; --go: #007a5a; --shade: rgba(0, 0, 0, .45); }
:root[data-theme=dark] { color-scheme: dark; --bg: #1a1d21; --ink: #d1d2d3; --soft: #ababad;
  --line: #3c3f44; --link: #1d9bd1; --field: #222529; --bad: #ff6b8f; --go: #2bac76;
  --shade: rgba(0, 0, 0, .6); }
* { box-sizing: border-box; }
body { margin: 0; padding: 20px; background: var(--bg); color: var(--ink); overflow-wrap: anywhere;
  font: 15px/1.46668 Lato, Arial, "DejaVu Sans", sans-serif, "Noto Color Emoji"; }
main { max-width: 640px; margin: 0 auto; }
.message { display: grid; grid-template-columns: 36px 1fr; gap: 8px; }
.face { width: 36px; height: 36px; border-radius: 8px; background: #1f2937; color: #fff;
  display: grid; place-items: center; font-weight: 900; }
.who { font-weight: 900; } .app { font-size: 10px; background: var(--line); border-radius: 2px;
  padding: 1px 3px; vertical-align: middle; } .at { color: var(--soft); font-size: 12px; }
h2 { font-size: 18px; line-height: 1.33; margin: 8px 0 4px; } hr { border: 0;
  border-top: 1px solid var(--line); margin: 12px 0; }
p { margin: 8px 0; white-space: pre-wrap; } .context { color: var(--soft); font-size: 13px; }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 4px 16px; margin: 8px 0; }
.fields > * { white-space: pre-wrap; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; margin: 8px 0; }
.button { border: 1px solid var(--soft); border-radius: 4px; padding: 4px 12px; font-weight: 700;
  background: var(--field); color: var(--ink); text-decoration: none; font-size: 15px; }
a { color: var(--link); text-decoration: none; }
.modal { border: 1px solid var(--line); border-radius: 8px; max-width: 520px; margin: 0 auto;
  box-shadow: 0 0 0 100vmax var(--shade); position: relative; background: var(--bg); }
.modal > header, .modal > footer { padding: 16px 24px; display: flex; gap: 8px;
  justify-content: space-between; font-weight: 900; font-size: 20px; }
.modal > footer { justify-content: flex-end; } .inside { padding: 0 24px; }
.go { background: var(--go); color: #fff; border-color: var(--go); }
label { display: block; font-weight: 700; margin: 16px 0 4px; } .optional { font-weight: 400;
  color: var(--soft); } .hint { color: var(--soft); font-size: 13px; margin: 4px 0; }
.input { width: 100%; padding: 8px 12px; border: 1px solid var(--soft); border-radius: 4px;
  background: var(--field); color: var(--ink); font: inherit; min-height: 38px;
  white-space: pre-wrap; } .tall { min-height: 86px; } .wrong { border-color: var(--bad); }
.error { color: var(--bad); font-size: 13px; margin: 4px 0; }
@media (max-width: 480px) { .fields { grid-template-columns: 1fr; } body { padding: 12px; } }
"""


def message(blocks: Sequence[Part], *, theme: str, at: str = "14:05") -> str:
    """A message as it stands in somebody's direct messages."""
    drawn = "".join(_block(each) for each in blocks)
    return _page(
        f'<article class="message"><div class="face" aria-hidden="true">P</div><div>'
        f'<span class="who">Pullcord</span> <span class="app">APP</span> '
        f'<span class="at">{at}</span>{drawn}</div></article>',
        theme,
    )


def modal(view: Part, *, theme: str, errors: Mapping[str, str] | None = None) -> str:
    """A modal, with what is wrong beside its inputs."""
    drawn = "".join(_block(each, errors or {}) for each in view["blocks"])
    submit = f'<span class="button go">{_text(view["submit"])}</span>' if "submit" in view else ""
    return _page(
        f'<section class="modal"><header>{_text(view["title"])}</header>'
        f'<div class="inside">{drawn}</div>'
        f'<footer><span class="button">{_text(view["close"])}</span>{submit}</footer></section>',
        theme,
    )


def _page(inside: str, theme: str) -> str:
    return (
        f'<!doctype html><html lang="en" data-theme="{theme}"><meta charset="utf-8">'
        f"<title>Slack</title><style>{STYLE}</style><main>{inside}</main></html>"
    )


def _block(block: Part, errors: Mapping[str, str] | None = None) -> str:
    match block["type"]:
        case "header":
            return f"<h2>{_text(block['text'])}</h2>"
        case "section" if "fields" in block:
            fields = "".join(f"<div>{_text(each)}</div>" for each in block["fields"])
            return f'<div class="fields">{fields}</div>'
        case "section":
            return f"<p>{_text(block['text'])}</p>"
        case "context":
            return f'<p class="context">{" ".join(map(_text, block["elements"]))}</p>'
        case "divider":
            return "<hr>"
        case "actions":
            return f'<div class="actions">{"".join(map(_button, block["elements"]))}</div>'
        case _:
            return _input(block, errors or {})


def _button(button: Part) -> str:
    return f'<span class="button">{_text(button["text"])}</span>'


def _input(block: Part, errors: Mapping[str, str]) -> str:
    element, name = block["element"], block["block_id"]
    optional = ' <span class="optional">(optional)</span>' if block["optional"] else ""
    value = html.escape(element.get("initial_value", ""))
    if element["type"] == "static_select":
        chosen = element.get("initial_option", {"text": {"type": "plain_text", "text": "Select"}})
        value = f"{_text(chosen['text'])} ▾"
    shape = "input tall" if element.get("multiline") else "input"
    shape += " wrong" if name in errors else ""
    error = f'<p class="error">{html.escape(errors[name])}</p>' if name in errors else ""
    hint = f'<p class="hint">{_text(block["hint"])}</p>' if "hint" in block else ""
    label = f"<label>{_text(block['label'])}{optional}</label>"
    return f'{label}<div class="{shape}" dir="auto">{value}</div>{error}{hint}'


def _text(text: Part) -> str:
    """What Slack shows; its own three entities are HTML's as well."""
    said = str(text["text"])
    if text["type"] == "plain_text":
        return f'<span dir="auto">{_safe(said)}</span>'
    said = re.sub(r"<!date\^\d+\^[^|>]*\|([^>]*)>", r"Today at 2:30 PM", said)
    said = re.sub(r"<(https?://[^|>]*)\|([^>]*)>", r"[[\1|\2]]", said)
    said = _safe(said)
    said = re.sub(r"(?<!\w)\*([^*\n]+)\*(?!\w)", r"<strong>\1</strong>", said)
    linked = re.sub(r"\[\[(https?://[^|\]]*)\|([^\]]*)\]\]", r'<a href="\1">\2</a>', said)
    return f'<span dir="auto">{linked}</span>'


def _safe(said: str) -> str:
    return said.replace("<", "&lt;").replace(">", "&gt;")
