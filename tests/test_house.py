"""What holds of the code as a whole, and would be lost a little at a time: who may know whom, and how much."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache

from conftest import HERE

PACKAGE = HERE.parent / "pymemtools"
GROUND_FLOOR = ("sources", "probes", "procfs", "sysfs", "kernel_log", "models", "readings")
MOST_PARAMETERS = 8
LONGEST_FUNCTION = 55  # lines
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def modules() -> dict[str, ast.Module]:
    """Parse every module, by its path below the package."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {str(path.relative_to(PACKAGE)): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def room_of(module: str) -> str:
    """Give the folder that a module is in, or its name where it is in none."""
    return module.partition("/")[0]


def functions() -> Iterator[tuple[str, Function]]:
    """Give every function and method with its module."""
    for module, tree in modules().items():
        yield from ((module, node) for node in ast.walk(tree) if isinstance(node, Function))


def parameters(function: Function) -> list[str]:
    """Name the parameters, without self and ``**options``."""
    arguments = function.args
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def test_no_function_below_the_command_line_takes_many_parameters() -> None:
    many = [
        f"{module}: {function.name}"
        for module, function in functions()
        if len(parameters(function)) > MOST_PARAMETERS and room_of(module) != "cli"
    ]
    assert many == []


def test_options_end_in_the_command_line() -> None:
    takers = [
        f"{module}: {function.name}"
        for module, function in functions()
        if room_of(module) != "cli" and "options" in (*parameters(function), getattr(function.args.kwarg, "arg", ""))
    ]
    assert takers == []


def test_functions_fit_a_screen() -> None:
    lengths = {
        f"{module}: {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for module, function in functions()
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def test_records_of_the_ground_floor_have_names_of_their_own() -> None:
    """Who uses two of them need not rename one."""
    found: dict[str, str] = {}
    for module, tree in modules().items():
        if room_of(module) in GROUND_FLOOR:
            for node in tree.body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    assert found.setdefault(node.name, module) == module, f"{node.name}: also in {module}"


STARTING = ("posix_spawn", "posix_spawnp", "execv", "execve", "execvp", "execvpe", "ptrace")


def test_only_experiments_start_programs_and_trace_them() -> None:
    users = {
        module
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in STARTING
    }
    assert users == {"lab/aslr.py", "lab/child.py", "lab/programs/wild.py", "lab/watch.py"}


def test_what_changes_this_machine_is_told() -> None:
    """Commands that know ``control`` are in SECURITY.md by name."""
    users = {
        module.removeprefix("cli/").removesuffix(".py").replace("/", " ").replace("_", "-")
        for module, tree in modules().items()
        if module.startswith("cli/") and any(name.startswith("pymemtools.control") for name in imported(tree))
    }
    told = (HERE.parent / "SECURITY.md").read_text(encoding="utf-8")
    assert users == {"cache", "drop-caches", "tunables set", "wss"}
    assert [user for user in sorted(users) if f"`{user}" not in told] == []


def test_no_function_is_left_that_nobody_calls() -> None:
    """Its name is nowhere but where it is defined: neither in code, nor in tests, nor in documents."""
    texts = [*PACKAGE.rglob("*.py"), *HERE.rglob("*.py"), *HERE.parent.glob("*.md"), *HERE.parent.glob("docs/*.md")]
    words = Counter(word for text in texts for word in re.findall(r"\w+", text.read_text(encoding="utf-8")))
    of_click = {"format_commands"}  # which click calls
    unused = {function.name for _, function in functions() if words[function.name] == 1} - of_click
    assert {name for name in unused if not name.startswith("__")} == set()


def imported(tree: ast.Module) -> Iterator[str]:
    """Name what a module imports, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def test_the_life_of_a_process_is_decided_in_one_place() -> None:
    """Captures and recordings, which take files and decide nothing, read as steadily."""
    users = [
        module
        for module, tree in modules().items()
        if any(name.endswith(".read_steadily") for name in imported(tree)) and room_of(module) != "readings"
    ]
    assert users == ["capture/sampling.py", "capture/take.py"]


# Entry points of click's, whose parameters are the options: what they take, nobody else does.
MANY = ("cli/free/__init__.py: command", "cli/what_if/cache.py: command", "cli/what_if/question.py: run")


def test_no_function_takes_many_parameters() -> None:
    many = [f"{module}: {each.name}" for module, each in functions() if len(parameters(each)) > MOST_PARAMETERS]
    assert set(many) <= set(MANY)
    assert len(MANY) <= 3


def test_the_command_line_asks_reports() -> None:
    places = [
        f"{module}:{node.lineno} {node.module}"
        for module, tree in modules().items()
        if room_of(module) == "cli"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith(("pymemtools.procfs", "pymemtools.models"))
    ]
    assert len(places) <= 6, places
