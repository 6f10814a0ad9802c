"""The API of a firm, as `fairlead serve`, after the defects that it is told to plant.

python -m faults.receiver [defect …]
"""

from __future__ import annotations

import sys

from fairlead.cli.main import app

from . import defects


def main() -> None:
    for name in sys.argv[1:]:
        defects.PLANTS[name]()
    app(["serve"])


if __name__ == "__main__":
    main()
