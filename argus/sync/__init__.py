"""Hands in what is on disk: run directories and plain files of events, delivered once and for all."""
