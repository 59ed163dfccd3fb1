"""The Weights view of the page: what is served, what was published, what either scored. Read-only.

    weights.page.view(serving)    # inside gr.Blocks

Names and titles come from the Hub, where anybody may have written them: everything is escaped.
"""

from __future__ import annotations

from html import escape

import gradio as gr

from weights.figures import in_words
from weights.hub import Version
from weights.serving import BUNDLED_SOURCE, Serving, timestamp

NOTHING = "none"


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
    tags = [name for v in versions if v.commit == served.revision for name in v.names]
    bundled = served.source == BUNDLED_SOURCE
    facts = {
        "Repository": "bundled with this app" if bundled else served.source,
        "Tag or branch": ", ".join(tags) or served.requested,
        "Commit": served.revision,
        "SHA-256": served.sha256,
        "Results": in_words(served.results),
        "Served since": timestamp(served.since),
        "Hub asked": timestamp(look.checked),
        "Not up to date": look.error,
    }
    rows = "".join(f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in facts.items() if value)
    return f"<h3>Served now</h3><table>{rows}</table>{published(versions, served.revision)}"


def published(versions: tuple[Version, ...], served: str | None) -> str:
    """The table of published versions, the served one marked; nothing before the Hub has been asked."""
    if not versions:
        return ""
    rows = "".join(
        f"<tr><td>{escape(', '.join(v.names))}</td><td><code>{escape(v.commit[:8])}</code></td>"
        f"<td>{v.date.date().isoformat() if v.date else ''}</td>"
        f"<td>{escape(in_words(v.results) or NOTHING)}</td><td>{'served' if v.commit == served else ''}</td></tr>"
        for v in versions
    )
    heading = "".join(f"<th>{name}</th>" for name in ("Version", "Commit", "Date", "Results", ""))
    return f"<h3>Published versions</h3><table><thead><tr>{heading}</tr></thead><tbody>{rows}</tbody></table>"
