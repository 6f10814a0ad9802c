"""`python -m fairlead.sandbox --world world.json --port 8700 --data ./sandbox-data`"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import simplejson
from pydantic import ValidationError

from fairlead.errors import InvalidDefinition
from fairlead.sandbox.server import serve
from fairlead.sandbox.world import World


def main() -> int:
    asked = argparse.ArgumentParser("fairlead.sandbox", description=__doc__)
    asked.add_argument("--world", type=Path, required=True, help="which systems to host (JSON)")
    asked.add_argument("--host", default="127.0.0.1")
    asked.add_argument("--port", type=int, default=0, help="0: any free one")
    asked.add_argument("--data", type=Path, help="folder for the books; without it in memory")
    asked.add_argument(
        "--until-stdin-ends", action="store_true", help="end with the process that started this"
    )
    options = asked.parse_args()

    def ready(url: str, end: Callable[[], None]) -> None:
        sys.stdout.write(simplejson.dumps({"url": url}) + "\n")
        sys.stdout.flush()
        if options.until_stdin_ends:
            Thread(target=lambda: (sys.stdin.read(), end()), daemon=True).start()

    try:
        world = World.model_validate_json(options.world.read_text("utf-8"))
        serve(world, data=options.data, host=options.host, port=options.port, ready=ready)
    except (InvalidDefinition, ValidationError, OSError) as refused:
        sys.stderr.write(f"The sandbox cannot start: {refused}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
