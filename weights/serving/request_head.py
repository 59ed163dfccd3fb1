"""What a request says of itself before its body comes: its path, its kind and its length."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import Scope

# The path of gradio's own routes.
PREFIX = "/gradio_api"
# What stands before the path of an upload, or of a file of the page, in its address.
FILE = f"{PREFIX}/file="


def route_path(scope: Scope) -> str:
    """The path that the app's router will see: without the root path, which GRADIO_ROOT_PATH sets."""
    path, root = scope.get("path", ""), scope.get("root_path", "").rstrip("/")
    return path.removeprefix(root) if path.startswith(f"{root}/") else path


def is_form(headers: Headers) -> bool:
    """Whether a body is a form with files. The names of media types ignore case."""
    return headers.get("content-type", "").lower().startswith("multipart/form-data")


def declared_length(scope: Scope) -> int:
    """Content-Length, which may lie; 0 without one."""
    value = dict(scope["headers"]).get(b"content-length", b"0")
    return int(value) if value.isdigit() else 0
