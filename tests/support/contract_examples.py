"""The examples that come with a contract, and what the contract says of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from extractor_flow.contracts import violations
from support import ROOT

if TYPE_CHECKING:
    from extractor_flow.contracts import ContractViolation

EXAMPLES = ROOT / "contracts/examples"


@dataclass(frozen=True)
class Examples:
    """The examples of one *contract*: files ``<contract>.<name>.json`` among the ``valid`` and the ``invalid`` ones."""

    contract: str

    def names(self, kind: str) -> list[str]:
        files = [entry.name for entry in (EXAMPLES / kind).iterdir()]
        return sorted(name.split(".")[1] for name in files if name.startswith(f"{self.contract}."))

    def found_in(self, kind: str, name: str) -> list[ContractViolation]:
        text = (EXAMPLES / kind / f"{self.contract}.{name}.json").read_text(encoding="utf-8")
        return violations(json.loads(text), self.contract)
