"""The process in which files are parsed: `python -m services.retrieval.formats.child DESCRIPTOR`.

It answers requests on a socket until that is closed. It may not write files, and its memory is bounded.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import warnings
from dataclasses import asdict
from multiprocessing.connection import Connection

from services.retrieval.formats.extract import Unreadable
from services.retrieval.formats.limits import LARGEST_MEMORY
from services.retrieval.formats.read import extract


def main(descriptor: int) -> None:
    """Answer each request, a line of JSON and the file's bytes, with a line of JSON."""
    # What parsers say about faults in files goes nowhere: the answer tells what matters.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    _give_up_rights()
    with Connection(descriptor) as parent:
        while True:
            try:
                request = json.loads(parent.recv_bytes())
                data = parent.recv_bytes()
            except EOFError:
                return
            parent.send_bytes(json.dumps(_answer(data, request["suffix"], request["charset"])).encode())


def _give_up_rights() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform != "darwin":
        # macOS refuses to bound the address space.
        resource.setrlimit(resource.RLIMIT_AS, (LARGEST_MEMORY, LARGEST_MEMORY))


def _answer(data: bytes, suffix: str, charset: str) -> dict[str, object]:
    try:
        return asdict(extract(data, suffix, charset))
    except Unreadable as error:
        return {"refused": str(error)}


if __name__ == "__main__":
    main(int(sys.argv[1]))
