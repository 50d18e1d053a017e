"""Become another program that the kernel ends together with the process that started it.

Usage: python launch.py PARENT_PID SIGNAL COMMAND [ARGUMENT ...]; runs by path, before anything else is imported.

The request survives exec, so the program itself needs to know nothing. A file of its own, and not code between fork
and exec, because the parent has threads by then.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main(arguments: list[str]) -> None:
    """Make the request, check that the parent still lives, and become the command."""
    parent, number, *command = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number))
    if os.getppid() != int(parent):  # It ended before the request was made.
        sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
