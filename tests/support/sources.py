"""The project's own modules, as syntax trees: what the tests of its architecture look at."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PACKAGES = ("harness/extractor_flow", "pytest_extractor_flow")


@cache
def modules() -> dict[str, ast.Module]:
    """Every module that is installed, by its path below the root."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def imports() -> dict[str, set[str]]:
    """Each module, by its import name, with those of ours that it imports anywhere, but for annotations."""
    trees = {_import_name(path): tree for path, tree in modules().items()}
    return {name: {*_imported(tree, set(trees))} - {name} for name, tree in trees.items()}


def _import_name(path: str) -> str:
    return ".".join(Path(path.removeprefix("harness/")).with_suffix("").parts).removesuffix(".__init__")


def _imported(tree: ast.Module, known: set[str]) -> Iterator[str]:
    for_annotations = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) not in for_annotations and isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                full = f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name
                yield from {full if full in known else getattr(node, "module", None)} & known


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The strings in *tree* with their lines, docstrings apart."""
    words = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            words.add(id(node.value))  # the description of a constant
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in words:
            yield node.lineno, node.value
