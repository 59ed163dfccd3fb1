"""The house keeps its shape: imports point one way and never in a circle.

app -> weights -> nn        weights -> preprocessing        nn's framing -> preprocessing
"""

import ast
import graphlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("nn", "preprocessing", "weights")
WEB = {"gradio", "gradio_client", "fastapi", "starlette", "uvicorn"}
# The rooms of preprocessing. Each may use those before it; light and pieces need nothing of each other.
ROOMS = ("pixels", "light", "pieces", "lines", "background", "reading")
# The files that a learner reads from top to bottom.
CORE = {f"nn.{name}" for name in ("functions", "mlp", "backprop", "optimizers", "trainer")}
# images.py frames what programs are given, made_up.py what is drawn for training, and corruptions.py what it damaged.
# Nothing else in nn knows about pictures of paper.
FRAMING = {f"nn.{name}" for name in ("images", "made_up", "corruptions")}


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    module_of(path): path
    for path in [ROOT / "app.py", *(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))]
}


def imports_of(module):
    """Every module that a file imports, at its top or inside a function, for its types or for its work."""
    package = module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(FILES[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package.split(".")[: len(package.split(".")) - node.level + 1], base]).strip(".")
            yield from (f"{base}.{alias.name}" if f"{base}.{alias.name}" in FILES else base for alias in node.names)


IMPORTS = {module: set(imports_of(module)) for module in FILES}


def within(name, *packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def offenders(modules, *forbidden):
    return {f"{module} imports {name}" for module in modules for name in IMPORTS[module] if within(name, *forbidden)}


def test_files_were_found_and_so_were_their_imports():
    assert len(FILES) > 40
    assert "nn.functions" in IMPORTS["nn.mlp"]
    assert any(within(name, "weights") for name in IMPORTS["app"])


@pytest.mark.parametrize("package", ["nn", "preprocessing"])
def test_the_network_and_the_preprocessing_know_nothing_of_the_web_or_of_weights(package):
    assert not offenders([module for module in FILES if within(module, package)], "weights", "app", *WEB)


def test_preprocessing_knows_no_network():
    assert not offenders([module for module in FILES if within(module, "preprocessing")], "nn")


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_of_preprocessing_use_only_those_before_them(room):
    later = [f"preprocessing.{other}" for other in ROOMS[ROOMS.index(room) + 1 :]]
    modules = [module for module in FILES if within(module, f"preprocessing.{room}")]
    assert len(modules) > 3
    assert not offenders(modules, *later)


def test_only_what_frames_pictures_uses_preprocessing():
    assert not offenders(
        [module for module in FILES if within(module, "nn") and module not in FRAMING], "preprocessing"
    )


def test_the_core_works_without_what_makes_it_faster():
    assert FILES.keys() >= CORE
    assert not offenders(CORE, "nn.fast")


def test_weights_know_no_app_and_the_hub_knows_no_callers():
    assert not offenders([module for module in FILES if within(module, "weights")], "app")
    hub = [module for module in FILES if within(module, "weights.hub")]
    assert not offenders(hub, "weights.serving", "weights.current", *WEB)


def test_no_file_imports_itself_through_others():
    ours = {module: {name for name in names if name in FILES} - {module} for module, names in IMPORTS.items()}
    try:
        graphlib.TopologicalSorter(ours).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")
