"""Where the app listens, and gradio's other variables. They are read before gradio is imported, which fails if one that
it takes for a number is none, and takes an empty one for a value.
"""

from __future__ import annotations

import os
import sys

# Numbers that gradio reads when it is imported or started; GRADIO_SERVER_PORT has a message of its own.
NUMBERS = (
    "GRADIO_NUM_PORTS",
    "GRADIO_NODE_NUM_PORTS",
    "GRADIO_NODE_SERVER_PORT",
    "GRADIO_NUM_WORKERS",
    "GRADIO_ANALYTICS_MAX_EVENTS",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY",
)
# More than any of them can mean, and few enough digits for Python to read.
MOST_DIGITS = 10


def address() -> tuple[str, int]:
    """Host and port from GRADIO_SERVER_NAME and GRADIO_SERVER_PORT. Removes gradio's empty variables: they are as good
    as not set. Ends the process when GRADIO_SERVER_PORT is not a port, or one of NUMBERS no number.
    """
    for name in [name for name, value in os.environ.items() if name.startswith("GRADIO_") and not value.strip()]:
        del os.environ[name]
    for name in NUMBERS:
        value = os.environ.get(name, "0")
        if not (value.isdecimal() and len(value) <= MOST_DIGITS):
            sys.exit(f"{name}: expected a whole number, got {value[:20]!r}")
    host = os.environ.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if "SPACE_ID" in os.environ else "127.0.0.1")
    port = os.environ.get("GRADIO_SERVER_PORT", "7860")
    if not (port.isdecimal() and len(port) <= MOST_DIGITS and int(port) < 2**16):
        sys.exit(f"GRADIO_SERVER_PORT: expected a port, such as 7860, got {port[:20]!r}")
    return host.strip("[]"), int(port)  # an IPv6 address may stand in brackets, as in a URL
