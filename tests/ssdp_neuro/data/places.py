"""Where real data lies, if it does: SSDP_NEURO_DATA, or beside the project."""

import os
from pathlib import Path

PROJECT = Path(__file__).parents[3]
REAL = Path(os.environ.get("SSDP_NEURO_DATA", PROJECT.parent / "shared" / "data"))
