"""For Lightning 2, as `lightning.pytorch` or as `pytorch_lightning`: a callback and a logger.

from argus.integrations.lightning import ArgusCallback

Trainer(callbacks=[ArgusCallback(project="demo", job_id="j1", stop_polling=True)])
"""

from argus.integrations.lightning.callback import ArgusCallback
from argus.integrations.lightning.logger import ArgusLogger

__all__ = ["ArgusCallback", "ArgusLogger"]
