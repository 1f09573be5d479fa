"""Faults that real users meet, each with three questions: was the caller held up, was the exit
bounded, is everything there afterwards?

`python -m pytest tests/chaos` is the short form, part of the normal run; `--long` plays the whole.
"""
