"""The table of lies: kinds that a careful liar tells of a finished run, and what catches each."""
