"""Whether somebody else forwards what a process prints: `argus run` hears all that its command does.

Said once, by one of them. Pure but for one look at a descriptor.
"""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# In the environment: the batch that gets the lines of whatever is started with it.
FORWARDED_TO = "ARGUS_FORWARDED_TO"


def forwards(environ: Mapping[str, str], batch_id: str, descriptor: int | None) -> bool:
    """Whether lines of `batch_id` that go out by `descriptor` are forwarded by who has started us.
    None: nobody knows which it is. What is printed into a file is not heard; a pipe may be `tee`."""
    if environ.get(FORWARDED_TO) != batch_id:
        return False
    try:
        return descriptor is None or not stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:  # it is closed
        return True
