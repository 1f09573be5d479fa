"""Lightning comes in two packages that do not know each other's classes.

Which one a trainer is from is known when the callback is made, not when it is imported. So an object
here gets its base class then: of each package that is loaded.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import new_class

from argus.integrations.frameworks import framework

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PACKAGES = ("lightning.pytorch", "pytorch_lightning")

if not any(find_spec(package.partition(".")[0]) for package in PACKAGES):
    framework(PACKAGES[0], "lightning")  # it says what to install


class OfEitherPackage:
    """An instance of a subclass is also one of the loaded packages' class of the name `_lightning_base`,
    as `callbacks.Callback`."""

    _lightning_base = ""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        loaded = _loaded()
        kind = _bound_kinds.get((cls, loaded)) or _bound(cls, loaded)
        return object.__new__(_bound_kinds.setdefault((cls, loaded), kind))

    def __reduce__(self) -> Any:
        # A class that was made here has no name that a pickle could find it by.
        kind = next(kind for kind in type(self).__mro__ if "_lightning_bound" not in vars(kind))
        return _unbound, (kind,), self.__dict__


def _unbound(kind: Any) -> Any:
    return kind.__new__(kind)


_bound_kinds: dict[Any, Any] = {}  # by class and packages: two callbacks of a kind are of one class


def _bound(cls: Any, packages: tuple[str, ...]) -> Any:
    if "_lightning_bound" in vars(cls):
        return cls
    module, _, name = cls._lightning_base.rpartition(".")
    bases = [getattr(framework(f"{package}.{module}", "lightning"), name) for package in packages]
    about = {"_lightning_bound": True, "__module__": cls.__module__, "__doc__": cls.__doc__}
    kind = new_class(cls.__name__, (cls, *bases), exec_body=lambda body: body.update(about))
    kind.__qualname__ = cls.__qualname__  # the key of its state in a checkpoint
    return kind


def _loaded() -> tuple[str, ...]:
    loaded = tuple(package for package in PACKAGES if package in sys.modules)
    if loaded:
        return loaded
    there = [package for package in PACKAGES if find_spec(package.partition(".")[0])]
    return (there[0],)


def is_rank_zero() -> bool:
    """Whether this process is the first of its launch, as Lightning tells it where no trainer is at hand."""
    rank_zero_only = framework("lightning_utilities.core.rank_zero", "lightning").rank_zero_only
    return not getattr(rank_zero_only, "rank", 0)
