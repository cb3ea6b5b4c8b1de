"""One tiny run of the study, shared by the session."""

from support.flows.dose_fixtures import copied, finished, some_cells, studied

__all__ = ["copied", "finished", "some_cells", "studied"]
