"""Convert a GGUF file to a Hugging Face folder; runs by path with the model server's python.

Usage: python convert.py GGUF OUTPUT

The services do not have torch, so this file imports nothing of theirs. It prints one JSON object with the
versions that did the conversion on its last line; anything else it prints is progress.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

CONVERTERS = ("torch", "transformers", "gguf", "accelerate", "safetensors")


def convert(gguf: Path, output: Path) -> None:
    """Write weights in bfloat16, configuration, tokenizer and chat template of `gguf` into the folder `output`."""
    import torch  # type: ignore[import-not-found, unused-ignore]
    from transformers import (  # type: ignore[import-not-found, unused-ignore]
        AutoModelForCausalLM,
        AutoTokenizer,
        GgufConfig,
    )

    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    # Without dequantize=True the model keeps its GGUF blocks and save_pretrained refuses it.
    quantization = GgufConfig(dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.bfloat16, quantization_config=quantization)
    model.save_pretrained(output)
    AutoTokenizer.from_pretrained(**source).save_pretrained(output)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
    print(json.dumps({name: version(name) for name in CONVERTERS}))
