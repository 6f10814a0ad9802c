"""`python -m tests.api.serving <database url>`: the API in a process that a test may kill."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from fairlead.api.app import create
from fairlead.api.serve import log_as_json, server
from fairlead.store.database import Database

sys.path.append(str(Path(__file__).parents[1]))

from . import firm

if __name__ == "__main__":
    log_as_json("WARNING")
    # named, as asyncio answers at once only then
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0))
        listening.listen(256)
        host, port = listening.getsockname()
        print(port, flush=True)
        app = create(firm.parts(Database(sys.argv[1])))
        server(app, host=host, port=port).run(sockets=[listening])
