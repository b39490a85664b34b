"""Turns the ONNX file of an encoder of the BERT family into what `emonet --encoder` reads.

    python infra/encoder/convert.py e5-small-v2-jar/ model/encoders/e5-small

The folder holds `NAME.onnx` and `NAME-tokenizer.json`, as the jars of LangChain4j do. Weights are
stored in bfloat16, which labelling multiplies in anyway. Nothing of the file is run. Needs `onnx`.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import onnx
import safetensors.torch
import torch
from onnx import numpy_helper

_CONFIG = {
    "architectures": ["BertModel"],
    "attention_probs_dropout_prob": 0.1,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 384,
    "intermediate_size": 1536,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "model_type": "bert",
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "pad_token_id": 0,
    "type_vocab_size": 2,
    "vocab_size": 30522,
}
_TOKENIZER = {"do_lower_case": True, "model_max_length": 512, "tokenizer_class": "BertTokenizer"}


def tensors_of(model: onnx.ModelProto) -> dict[str, torch.Tensor]:
    """The weights by their published names, bfloat16.

    The exporter has transposed the matrices of linear maps and lost their names; the nodes that
    multiply by them still have them. Positions that are counted and the pooler are left out.
    """
    constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    named = {name: array for name, array in constants.items() if not name.startswith("onnx::")}
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1].startswith("onnx::"):
            module = node.name.strip("/").removesuffix("/MatMul").replace("/", ".")
            named[f"{module}.weight"] = constants[node.input[1]].T
    return {
        name: torch.tensor(array).to(torch.bfloat16).contiguous()
        for name, array in sorted(named.items())
        if "position_ids" not in name and not name.startswith("pooler")
    }


def main(source: Path, folder: Path) -> None:
    """Writes weights, settings and tokenizer into `folder`."""
    (model,) = source.glob("*.onnx")
    (tokenizer,) = source.glob("*-tokenizer.json")
    tensors = tensors_of(onnx.load(model))
    safetensors.torch.save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    for name, content in (("config.json", _CONFIG), ("tokenizer_config.json", _TOKENIZER)):
        (folder / name).write_text(json.dumps(content, indent=2) + "\n")
    shutil.copyfile(tokenizer, folder / "tokenizer.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
