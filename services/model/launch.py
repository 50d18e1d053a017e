"""Start vLLM's OpenAI-compatible server so that no process of it outlives the one that started it.

Usage: python launch.py [arguments of vllm.entrypoints.openai.api_server]; runs by path with the model server's python.

vLLM is three processes: the HTTP server, an engine and a worker. Killing the first with SIGKILL leaves the other two
running with gigabytes of memory. They are made by multiprocessing's spawn, which imports the parent's main file again
in each child: so the request below, at the top level of this file, is made by all three. It also starts seconds
sooner than `python -m`, where each child would import the HTTP server.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
SERVER = "vllm.entrypoints.openai.api_server"


def die_with_parent(number: int) -> None:
    """Ask the kernel to send this process signal `number` when its parent ends; nothing where there is no prctl."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number)


if __name__ == "__main__":
    # The server gets the polite signal and stops its children; FIDUCIA_MODEL_PARENT closes the gap before the request.
    die_with_parent(signal.SIGTERM)
    if os.getppid() != int(os.environ.get("FIDUCIA_MODEL_PARENT", os.getppid())):
        sys.exit("the process that started the model server has ended")
    # alter_sys stays off: with it, children would import the HTTP server in place of this file.
    runpy.run_module(SERVER, run_name="__main__", alter_sys=False)
else:
    die_with_parent(signal.SIGKILL)
