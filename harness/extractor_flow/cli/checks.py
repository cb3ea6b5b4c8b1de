"""``extractor-flow checks | explain``: what a run is checked for, and what each check can and cannot catch."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from extractor_flow.errors import RequestError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from extractor_flow.evidence.check import Check
    from extractor_flow.files import Json

_CORE = "core"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommands."""
    listing = commands.add_parser("checks", help="what verify holds a run to: all checks, a line each")
    listing.add_argument(
        "owners", metavar="OWNER", nargs="*", help=f"{_CORE}, or the name of a flow; without any: all there are"
    )
    listing.add_argument("--format", choices=("text", "json", "markdown"), default="text", help="how to list them")
    listing.set_defaults(handler=show_checks)
    explaining = commands.add_parser("explain", help="what one check compares, and what it can and cannot catch")
    explaining.add_argument("id", metavar="ID", help="the check's id, as verify shows it")
    explaining.set_defaults(handler=explain)


def show_checks(options: argparse.Namespace) -> int:
    """Print the checks of the owners that were asked for."""
    import sys

    found = _checks_of(options.owners or _owners())
    sys.stdout.write({"text": _as_text, "json": _as_json, "markdown": _as_markdown}[options.format](found))
    return 0


def explain(options: argparse.Namespace) -> int:
    """Print everything about one check; :class:`RequestError` names the nearest ones if there is none."""
    import sys

    found = [(owner, check) for owner, checks in _checks_of(_owners()).items() for check in checks]
    ids = [check.id for _, check in found]
    if options.id not in ids:
        near = get_close_matches(options.id, ids)
        hint = f"did you mean: {', '.join(near)}" if near else "`extractor-flow checks` lists them"
        msg = f"explain {options.id!r}: there is no such check; {hint}"
        raise RequestError(msg)
    pages = ["\n".join(_lines(owner, check)) for owner, check in found if check.id == options.id]
    sys.stdout.write("\n\n".join(pages) + "\n")
    return 0


def _owners() -> list[str]:
    from extractor_flow.registry import flow_names

    return [_CORE, *flow_names()]


def _checks_of(owners: Sequence[str]) -> dict[str, tuple[Check, ...]]:
    """The checks of each of *owners*; a flow may have none."""
    from extractor_flow.evidence.check import SupportsChecks
    from extractor_flow.registry import find_flow
    from extractor_flow.verify.checks import CORE_CHECKS

    def of_flow(name: str) -> tuple[Check, ...]:
        flow = find_flow(name)
        return tuple(flow.checks()) if isinstance(flow, SupportsChecks) else ()

    return {owner: CORE_CHECKS if owner == _CORE else of_flow(owner) for owner in owners}


def _as_text(found: dict[str, tuple[Check, ...]]) -> str:
    width = max((len(check.id) for checks in found.values() for check in checks), default=0)
    lines = []
    for owner, checks in found.items():
        lines.append(f"{owner}: {len(checks)} checks")
        lines.extend(f"  {check.id:{width}}  {check.compares}{_only(check)}" for check in checks)
    return "\n".join([*lines, ""])


def _only(check: Check) -> str:
    return " (with --deep)" if check.deep else ""


def _as_json(found: dict[str, tuple[Check, ...]]) -> str:
    from extractor_flow.files import dumps

    described: list[Json] = [_described(owner, check) for owner, checks in found.items() for check in checks]
    return dumps({"checks": described})


def _described(owner: str, check: Check) -> dict[str, Json]:
    return {
        "id": check.id,
        "owner": owner,
        "layer": check.layer,
        "scope": check.scope,
        "reads": list(check.reads),
        "needs": list(check.needs),
        "requires": list(check.requires),
        "deep": check.deep,
        "compares": check.compares,
        "catches": check.catches,
        "cannot_catch": check.cannot_catch,
    }


def _as_markdown(found: dict[str, tuple[Check, ...]]) -> str:
    """A table, as the documentation holds it."""
    rows = ["| check | layer | compares | catches | cannot catch |", "|---|---|---|---|---|"]
    for owner, checks in found.items():
        for check in checks:
            texts = (f"{check.compares}{_only(check)}", check.catches, check.cannot_catch)
            shown = " | ".join(text.replace("|", "\\|") for text in texts)
            layer = check.layer if owner == _CORE else f"{check.layer} of {owner}"
            rows.append(f"| `{check.id}` | {layer} | {shown} |")
    return "\n".join([*rows, ""])


def _lines(owner: str, check: Check) -> Iterator[str]:
    yield f"{check.id}: {check.layer} check of {owner}, called for {'the run' if check.scope == 'run' else 'each job'}"
    yield f"compares: {check.compares}"
    yield f"catches: {check.catches}"
    yield f"cannot catch: {check.cannot_catch}"
    yield f"reads: {', '.join(check.reads) or 'the journal and what the directory lists'}"
    if check.needs:
        yield f"needs: {', '.join(check.needs)}"
    if check.requires:
        yield f"requires: {', '.join(check.requires)}"
    yield f"called: {'with --deep only' if check.deep else 'always'}"
