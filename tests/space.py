"""The app as a Hugging Face Space runs it, as far as one machine can: what differs there from a laptop.

    with on_a_space(log) as (url, process): ...

A user of number 1000, without a home, in a checkout that nobody may write to; no IPv6; and a proxy before it, which
speaks of the Space's own address.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from conftest import ROOT, behind_nginx, free_port, running

HOST = "alice-draw.hf.space"
# What the app finds in its environment.
VARIABLES = {"SYSTEM": "spaces", "SPACE_ID": "alice/draw", "SPACE_HOST": HOST, "HOME": None}
# Who runs it.
USER = 1000
# The memory of the smallest machine that the app should do with; a free Space has more.
MEMORY_MB = 512
DEPLOYED = ("app.py", "nn", "preprocessing", "weights", ".assets", "README.md", "requirements.txt")
UNKNOWN_TO_GIT = shutil.ignore_patterns("__pycache__")
# Python imports a file of this name before all others.
WITHOUT_IPV6 = """
import errno, socket

class OnlyIPv4(socket.socket):
    def __init__(self, family=-1, *given, **named):
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        super().__init__(family, *given, **named)

socket.socket, socket.has_ipv6 = OnlyIPv4, False
"""
PROXY = """
server {
    listen 127.0.0.1:%d;
    client_max_body_size 25m;
    proxy_http_version 1.1;
    proxy_buffering off;
    proxy_set_header Connection "";
    proxy_set_header Host %s;
    proxy_set_header X-Forwarded-Host %s;
    proxy_set_header X-Forwarded-Proto https;
    proxy_set_header X-Forwarded-For 203.0.113.7;
    location / { proxy_pass %s; }
}
"""


@contextlib.contextmanager
def on_a_space(log):
    """Gives (address of the proxy, process of the app)."""
    # Not pytest's own folder, which nobody else may enter.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        variables = VARIABLES | {"TMPDIR": folder / "tmp", "PYTHONPATH": folder / "python"}
        for each in ("tmp", "python", "proxy"):
            (folder / each).mkdir()
        (folder / "tmp").chmod(0o777)
        (folder / "python" / "sitecustomize.py").write_text(WITHOUT_IPV6)
        checkout = read_only(folder / "checkout")
        port = free_port()
        with (
            running(log, cwd=checkout, user=another_user(checkout), **variables) as (url, process),
            behind_nginx(folder / "proxy", PROXY % (port, HOST, HOST, url), port) as address,
        ):
            yield address, process
            process.terminate()
            process.wait()  # before its folder goes


def read_only(folder):
    """A copy of what the app needs of this checkout, without the right to write for anybody."""
    folder.mkdir()
    for name in DEPLOYED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name, **({"ignore": UNKNOWN_TO_GIT} if copy is shutil.copytree else {}))
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return folder


def another_user(checkout):
    """The number of a user without rights if this one is root, who may write anywhere. None if it is another, and if
    Python or the checkout lies where only root may go.
    """
    if os.getuid():
        return None
    look = [sys.executable, "-c", "import os, sys, gradio_client; os.listdir(sys.argv[1])", checkout]
    options = {"user": USER, "group": USER, "extra_groups": [], "capture_output": True}
    with contextlib.suppress(PermissionError):
        if subprocess.run(look, **options).returncode == 0:
            return USER
    return None


def peak_mb(process):
    """The most memory that the process has taken so far, in MB."""
    return int(re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())[1]) / 1000
