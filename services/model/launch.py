"""Start vLLM's OpenAI-compatible server so that no process of it outlives the one that started it.

Usage: python launch.py [arguments of vllm.entrypoints.openai.api_server]; runs by path with the model server's python.

vLLM is three processes: the HTTP server, an engine and a worker. Killing the first with SIGKILL leaves the other two
running with gigabytes of memory. They are made by multiprocessing's spawn, which imports the parent's main file again
in each child: that import makes the request below. It also starts the server in 33 s where `python -m` takes 41 s
(two cores, warm), because there each child imports the HTTP server.
"""

from __future__ import annotations

import ctypes
import runpy
import signal
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
SERVER = "vllm.entrypoints.openai.api_server"


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent ends; nothing where there is no prctl."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    # Whoever starts this file asks the same for it, with a SIGTERM that stops all three in order (child.py).
    # alter_sys stays off: with it, the children would import the HTTP server in place of this file.
    runpy.run_module(SERVER, run_name="__main__", alter_sys=False)
else:
    die_with_parent()
