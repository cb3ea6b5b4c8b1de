"""What other projects' tests import: conformance checks of a flow, strategies, a tiny real flow."""
