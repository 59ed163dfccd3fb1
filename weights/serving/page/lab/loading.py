"""A tab whose content, script and style come when it is first opened: the page's first load does not pay for them.

room("inside", content, server_functions)      # inside a gr.Tab
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import gradio as gr

HERE = Path(__file__).parent
# The page may name these files; see serve.py.
FILES = tuple(
    HERE / name
    for name in (
        "lab.css",
        "inside.css",
        "slope.css",
        "learning.css",
        "kernels.css",
        "fool.css",
        "train_one.css",
        "tools.js",
        "slope.js",
        "learning.js",
        "inside.js",
        "kernels.js",
        "fool.js",
        "archives.js",
        "drawings.js",
        "settings.js",
        "curves.js",
        "units.js",
        "unseen_digits.js",
        "reading.js",
        "network.js",
        "rounds.js",
        "train_one.js",
    )
)
# It stands in the files' addresses: a browser may take an old file that it kept for a new one at the same address.
VERSION = hashlib.sha256(b"".join(path.read_bytes() for path in FILES)).hexdigest()[:12]
LOADING = "<p>Loading …</p>"
PROBLEM = '<p class="problem" role="status"></p>'  # where a room, or a section of its own, says what went wrong
LOAD = """
(async () => {
    const address = (path) => `${(window.gradio_config?.root ?? "").replace(/\\/$/, "")}/gradio_api/file=${
        encodeURI(path).replace(/[?#]/g, encodeURIComponent)}?v=VERSION`;
    const load = (tag, properties) => new Promise((onload, onerror) => document.head.append(
        Object.assign(document.createElement(tag), properties, { onload, onerror })));
    // Scripts run in their order: each uses those before it.
    const scripts = () => Promise.all(FILES.map((path) => path.endsWith(".css")
        ? load("link", { rel: "stylesheet", href: address(path) })
        : load("script", { src: address(path), async: false })));
    const room = element.querySelector(".lab");
    async function open() {
        room.innerHTML = "LOADING"; // in the place of the button: pressed twice, it would start the room twice
        window.labLoaded ??= scripts();
        const loaded = window.labLoaded;
        loaded.catch(() => window.labLoaded === loaded && (window.labLoaded = null)); // the next room tries again
        try {
            const [content] = await Promise.all([server.content(), loaded]);
            if (!content) throw new Error("no answer"); // gradio's client gives undefined for an error of the server
            room.innerHTML = content;
        } catch {
            room.innerHTML = '<p class="problem" role="status">This room did not load.</p>'
                + '<p class="controls"><button type="button">Try again</button></p>';
            const again = () => {
                removeEventListener("online", again);
                open();
            };
            addEventListener("online", again); // once the browser has its connection back
            room.querySelector("button").addEventListener("click", again);
            return;
        }
        window.lab.NAME(room, server);
    }
    await open();
})();
"""


def room(name: str, content: Callable[[], str], functions: list[Callable]) -> gr.HTML:
    """The tab as one component.

    name: of its function in the scripts. content: makes its HTML. functions: what the script may ask the server.
    """

    def answer(_: list) -> str:
        return content()

    answer.__name__ = "content"
    files = json.dumps([path.as_posix() for path in FILES])
    script = LOAD.replace("LOADING", LOADING).replace("VERSION", VERSION).replace("NAME", name)
    return gr.HTML(
        f'<div class="lab {name}">{LOADING}</div>',
        elem_id=name,
        apply_default_css=False,
        server_functions=[answer, *functions],
        js_on_load=script.replace("FILES", files, 1),
    )
