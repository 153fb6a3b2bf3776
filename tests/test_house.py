"""Promises of the whole: what loads when, exit codes, tracebacks, who may import whom."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import graben

HEAVY = {
    "lightning", "matplotlib", "numba", "obspy", "pandas", "rasterio", "scipy", "sklearn", "torch",
    "xarray",
}  # fmt: skip
FLOORS = (
    ("errors", "progress", "output"),
    ("datasets", "learning", "evaluation", "explanation", "report", "tiling"),
    ("imaging", "landforms"),
    ("quakes",),
    ("waveforms",),
    ("cli", "web"),
)
DOMAINS = {"imaging", "landforms", "quakes", "waveforms"}
PACKAGE = Path(graben.__file__).parent
SHAFT = {room: (floor, place) for floor, row in enumerate(FLOORS) for place, room in enumerate(row)}


def run(code, *arguments):
    """Run the command line in a process of its own, with `code` run before it."""
    script = f"import graben.cli as cli\n{code}\ncli.main()\n"
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60
    )


def with_error(error):
    return (
        "from graben.errors import *\n"
        "@cli.app.command('stumble')\n"
        "def stumble():\n"
        f"    raise {error}\n"
    )


def test_help_answers_and_loads_nothing_heavy():
    report = (
        "import atexit, json, sys\natexit.register(lambda: print(json.dumps(list(sys.modules))))"
    )
    done = run(report, "--help")
    assert done.returncode == 0
    *page, modules = done.stdout.splitlines()
    assert any("Usage:" in line for line in page)
    assert HEAVY & {name.partition(".")[0] for name in json.loads(modules)} == set()


def test_importing_graben_loads_nothing_heavy():
    rooms = [room for room in SHAFT if (PACKAGE / room).is_dir()]
    code = "".join(f"import graben.{room}\n" for room in rooms)
    code += f"import sys; print(*({HEAVY!r} & {{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("room", [room for room in SHAFT if (PACKAGE / room).is_dir()])
def test_every_name_of_a_reading_list_resolves(room):
    module = __import__(f"graben.{room}", fromlist=[""])
    for name in getattr(module, "__all__", ()):
        assert getattr(module, name) is not None


def test_version(graben):
    done = graben("--version")
    assert (done.code, done.out) == (0, f"graben {sys.modules['graben'].__version__}\n")


@pytest.mark.parametrize("arguments", [["--nonsense"], ["nonsense"], ["quakes", "nonsense"]])
def test_bad_usage_ends_with_2(arguments):
    done = run("", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "nonsense" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("InputError('expected a, got b; give a')", 2),
        ("CatalogError('expected a, got b; give a')", 2),
        ("ServiceError('expected a, got b; give a')", 1),
        ("RuntimeError('expected a, got b; give a')", 1),
    ],
)
def test_an_error_is_one_message_and_its_traceback_is_for_debug(error, code):
    quiet = run(with_error(error), "stumble")
    assert quiet.returncode == code
    assert quiet.stdout == ""
    assert "expected a, got b; give a" in quiet.stderr
    assert "Traceback" not in quiet.stderr
    loud = run(with_error(error), "--debug", "stumble")
    assert loud.returncode != 0
    assert "Traceback" in loud.stderr
    assert "expected a, got b; give a" in loud.stderr


def test_an_unforeseen_error_owns_up():
    assert "a fault of graben" in run(with_error("KeyError('x')"), "stumble").stderr


def targets(tree, module):
    """Every module of graben that `tree` imports, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            if node.module == "graben":
                yield from (f"graben.{name.name}" for name in node.names)
            else:
                yield node.module


def offences(module, source):
    """What `module` imports although the floor plan forbids it."""
    room = module.split(".")[1]
    found = []
    for target in targets(ast.parse(source), module):
        parts = target.split(".")
        if parts[0] != "graben" or parts[1:2] in ([], ["__version__"], [room]):
            continue
        if SHAFT[parts[1]] >= SHAFT[room] or (
            room in DOMAINS and parts[1] in DOMAINS and len(parts) > 2
        ):
            found.append(f"{module} imports {target}")
    return found


@pytest.mark.parametrize(
    ("module", "source", "forbidden"),
    [
        ("graben.learning.fit", "from graben.errors import InputError", False),
        ("graben.report.page", "from graben.evaluation import scores", False),
        ("graben.quakes.rasters", "def f():\n    from graben.landforms import read_dem", False),
        ("graben.quakes.a", "from graben.quakes.b import c", False),
        ("graben.quakes.a", "import grabenlike.cli", False),
        ("graben.evaluation.scores", "from graben.report import Table", True),
        ("graben.errors", "import graben.output", True),
        ("graben.landforms.dem", "from graben import quakes", True),
        ("graben.quakes.rasters", "def f():\n    import graben.landforms.dem", True),
    ],
)
def test_the_floor_plan_is_enforced(module, source, forbidden):
    assert bool(offences(module, source)) is forbidden


def test_imports_go_down_the_floors_only():
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(("graben", *path.relative_to(PACKAGE).with_suffix("").parts))
        if module != "graben.__init__":
            found += offences(module, path.read_text(encoding="utf-8"))
    assert found == []


def test_every_file_of_the_package_has_its_floor():
    names = {path.stem for path in PACKAGE.iterdir() if re.fullmatch(r"[a-z]\w*(\.py)?", path.name)}
    assert names - set(SHAFT) - {"data"} == set()


def test_citation_names_the_version_in_use():
    citation = (Path(__file__).parents[1] / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {graben.__version__}\n" in citation
