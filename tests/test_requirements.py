"""requirements.txt names what the code imports and pins all that comes with it, so that a rebuild gives the same."""

import importlib.metadata
import json
import re
import subprocess
import sys

import pytest
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from test_layout import IMPORTS, PACKAGES


def requirements(file):
    lines = (line.partition("#")[0].strip() for line in (ROOT / file).read_text("utf-8").splitlines())
    return {canonicalize_name(each.name): each for each in map(Requirement, filter(None, lines))}


SERVED, TRAINED = requirements("requirements.txt"), requirements("nn/requirements.txt")
# What a Space installs in the same breath.
SPACE = ("gradio[oauth,mcp]=={}", "uvicorn>=0.14.0", "websockets>=10.4", "spaces")


def test_all_that_the_code_imports_is_named():
    imported = {name.partition(".")[0] for names in IMPORTS.values() for name in names}
    outside = imported - set(sys.stdlib_module_names) - {*PACKAGES, "app"}
    found = importlib.metadata.packages_distributions()
    assert {"numpy", "gradio", "PIL", "starlette", "httpx2"} <= outside
    assert {name for name in outside if not {*map(canonicalize_name, found[name])} & {*SERVED, *TRAINED}} == set()


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="pinned is what Python 3.11 needs, which the Space runs")
def test_all_that_is_installed_with_it_is_pinned():
    installed, seen, left = {}, set(), list(SERVED.values())
    while left:
        requirement = left.pop()
        name = canonicalize_name(requirement.name)
        if (name, frozenset(requirement.extras)) in seen:
            continue
        seen.add((name, frozenset(requirement.extras)))
        distribution = importlib.metadata.distribution(name)
        installed[name] = distribution.version
        for further in map(Requirement, distribution.requires or ()):
            if further.marker is None or any(further.marker.evaluate({"extra": e}) for e in {"", *requirement.extras}):
                left.append(further)
    assert len(installed) > 50
    assert {name: str(each.specifier) for name, each in SERVED.items()} == {
        name: f"=={version}" for name, version in installed.items()
    }


@pytest.mark.slow
def test_what_a_space_installs_beside_it_goes_with_it(tmp_path):
    """Asks PyPI."""
    sdk = re.search("^sdk_version: (.*)$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)[1]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--ignore-installed",
        "--report",
        tmp_path / "report",
    ]
    command += ["-r", ROOT / "requirements.txt", *(each.format(sdk) for each in SPACE)]
    subprocess.run(command, check=True, capture_output=True)
    versions = {
        canonicalize_name(each["metadata"]["name"]): each["metadata"]["version"]
        for each in json.loads((tmp_path / "report").read_text())["install"]
    }
    assert {name: f"=={versions[name]}" for name in SERVED} == {name: str(r.specifier) for name, r in SERVED.items()}
