"""The Weights view of the page: what is served, what was published, what either scored. Read-only.

    weights.page.view(serving)    # inside gr.Blocks

Names come from the Hub, where anybody may have chosen them: everything is escaped.
"""

from __future__ import annotations

from datetime import datetime
from html import escape

import gradio as gr

from weights.figures import in_words
from weights.hub import Version
from weights.serving import BUNDLED_SOURCE, Serving

# Narrow enough for a phone: a checksum may break anywhere, a date not at all.
STYLE = """<style>
#weights table { width: 100% }
#weights :is(th, td) { padding: 4px 8px; overflow-wrap: anywhere; vertical-align: top }
#weights th { overflow-wrap: normal }
#weights .whole { white-space: nowrap }
</style>"""


def view(serving: Serving) -> gr.Accordion:
    """A folded section; it is brought up to date each time somebody unfolds it."""
    with gr.Accordion("Weights", open=False, elem_id="weights") as section:
        content = gr.HTML(render(serving))
    section.expand(
        lambda: render(serving), None, content, show_progress="hidden", queue=False, api_visibility="private"
    )
    return section


def render(serving: Serving) -> str:
    """The view as HTML."""
    _, served = serving.current
    look, versions = serving.look, serving.versions
    names = [name for version in versions if version.commit == served.revision for name in version.names]
    facts = {
        "Repository": "bundled with this app" if served.source == BUNDLED_SOURCE else served.source,
        "Version": ", ".join(names) or served.requested,
        "Commit": served.revision,
        "SHA-256": served.sha256,
        "Results": in_words(served.results),
        "Since": moment(served.since),
        "Hub asked": moment(look.checked),
        "Problem": look.error,
    }
    rows = "".join(f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in facts.items() if value)
    return f"{STYLE}<h3>Served now</h3><table>{rows}</table>{published(versions, served.revision)}"


def published(versions: tuple[Version, ...], served: str | None) -> str:
    """The table of published versions, the served one marked; nothing before the Hub has been asked."""
    if not versions:
        return ""
    rows = "".join(row(version, version.commit == served) for version in versions)
    heading = "".join(f"<th>{name}</th>" for name in ("Version", "Test images", "Date"))
    return f"<h3>Published versions</h3><table><thead><tr>{heading}</tr></thead><tbody>{rows}</tbody></table>"


def row(version: Version, served: bool) -> str:
    names = escape(", ".join(version.names)) + (" <strong>(served)</strong>" if served else "")
    score = in_words({"test": version.results.get("test", {})}).removeprefix("test ") or "not stated"
    date = version.date.date().isoformat() if version.date else ""
    commit = f"<br><code>{escape(version.commit[:8])}</code>"
    return f"<tr><td>{names}{commit}</td><td>{escape(score)}</td><td class=whole>{date}</td></tr>"


def moment(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC" if time else ""
