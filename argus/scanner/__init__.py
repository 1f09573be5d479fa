"""Readers of run directories: what there is below a root, and what changes, for whoever watches.

Nothing here writes into a run.
"""

from argus.scanner.scanner import RunScanner

__all__ = ["RunScanner"]
