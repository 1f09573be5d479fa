"""Callbacks for the frameworks: each is a thin shell over the public API, loaded where it is imported.

`from argus.integrations.lightning import ArgusCallback` needs `argus-reporter[lightning]`, and so on.
"""
