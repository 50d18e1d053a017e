"""A proposal as a JSON file."""

from __future__ import annotations

import os
import re
from pathlib import Path

from fiducia.advisor.v1 import proposal_pb2
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from services.cli.errors import CliError


def to_json(message: Message) -> str:
    """Return the message in protobuf's JSON form, readable."""
    return MessageToJson(message, indent=2, ensure_ascii=False) + "\n"


def write_proposal(proposal: proposal_pb2.Proposal, folder: Path) -> Path:
    """Write the proposal whole, readable by its owner only, and return the file."""
    file = folder / f"{re.sub(r'[^A-Za-z0-9._-]', '-', proposal.id)}.json"
    part = file.with_suffix(f".{os.getpid()}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text(to_json(proposal), encoding="utf-8")
        part.chmod(0o600)
        part.replace(file)
    except OSError as error:
        raise CliError(f"{file} cannot be written: {error.strerror}; name another folder with --out") from error
    return file
