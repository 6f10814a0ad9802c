"""How gunicorn runs Tryton: few threads, connections kept, and an end with whoever started it."""

import os
import signal
import sys
import threading

workers = 1
threads = 4
keepalive = 30  # seconds; after the default of 2 a client that reuses a connection loses a call
timeout = 120
control_socket_disable = True


def on_starting(server: object) -> None:
    """Stop once our standard input ends: whoever started us is gone."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):  # unbuffered: no lock is held when we end
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
