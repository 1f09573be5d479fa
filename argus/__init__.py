"""Argus Reporter: report training runs to an Argus platform."""

__version__ = "0.1.0"
