"""Where the app listens. It is read before gradio is imported, which fails if GRADIO_SERVER_PORT is no number, and
takes an empty variable for a value.
"""

from __future__ import annotations

import os
import sys


def address() -> tuple[str, int]:
    """Host and port from GRADIO_SERVER_NAME and GRADIO_SERVER_PORT. Removes gradio's empty variables: they are as good
    as not set. Ends the process when GRADIO_SERVER_PORT is not a port.
    """
    for name in [name for name, value in os.environ.items() if name.startswith("GRADIO_") and not value.strip()]:
        del os.environ[name]
    host = os.environ.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if "SPACE_ID" in os.environ else "127.0.0.1")
    port = os.environ.get("GRADIO_SERVER_PORT", "7860")
    if not (port.isdecimal() and int(port) < 2**16):
        sys.exit(f"GRADIO_SERVER_PORT: expected a port, such as 7860, got {port[:20]!r}")
    return host.strip("[]"), int(port)  # an IPv6 address may stand in brackets, as in a URL
