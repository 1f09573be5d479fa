"""Loads a framework for the module that is its callback, or says what to install."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def framework(module: str, extra: str) -> Any:
    """The module `module`, which the extra `extra` brings.

    The type is Any: types are checked without the frameworks installed. ImportError where the module
    is missing, or where it is there and cannot be imported.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        missing = isinstance(error, ModuleNotFoundError) and error.name in (module, package)
        why = f"{package} is not installed" if missing else f"{module} cannot be imported ({error})"
        raise ImportError(
            f"{why}; pip install argus-reporter[{extra}]", name=error.name, path=error.path
        ) from error
