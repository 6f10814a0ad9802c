"""The small world of the engine's tests serves here too, as `tests.flow.small_world`."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
