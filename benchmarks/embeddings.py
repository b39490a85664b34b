"""Embeddings of utterances against the programs that people have for it, one thread each.

    python benchmarks/embeddings.py emotion-detection-dev.json

Sides take turns over the same utterances, and of each the best round counts. Time is that of the
processor, so that other programs on the machine matter little; ratios matter more than rates. MFU
counts the operations of real tokens alone, over the peak that a large product has on this thread.
OpenVINO takes part where it is installed (`pip install openvino`).
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import subprocess
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1")

import numpy as np
import sentence_transformers
import torch
import transformers

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.transcripts import read_transcripts
from model.encoders.references import DEFAULT_ENCODER, locate, reference_to
from model.network.emonet import EmoNet
from model.network.encoder import load_encoder
from model.network.inference import DTYPES, ROWS
from model.network.packing import fill_buffers
from model.network.precision import Precision
from model.network.settings import Settings

BATCH, TOKENS = 32, 128

Side = Callable[[list[str]], object]


def ours(name: str, precision: Precision) -> Side:
    """The embeddings of EmoNet's frozen encoder."""
    context, embedder = load_encoder(reference_to(name)), load_encoder(reference_to(name))
    settings = Settings(labels=("a", "b"), window_tokens=TOKENS, trained_layers=0)
    model = EmoNet(settings=settings, context=context, embedder=embedder)
    return model.for_inference(precision=precision).embed


def by_sentence_transformers(name: str, precision: Precision) -> Side:
    """Its own batches, sorted by length."""
    model = sentence_transformers.SentenceTransformer(str(locate(name)), device="cpu")
    model.max_seq_length = TOKENS
    model.to(DTYPES[precision])
    return lambda texts: model.encode(texts, batch_size=BATCH, show_progress_bar=False)


def by_pipeline(name: str, precision: Precision) -> Side:
    """A text at a time, as the documentation of `transformers` has it."""
    pipeline = transformers.pipeline(
        "feature-extraction", model=str(locate(name)), dtype=DTYPES[precision], device="cpu"
    )
    return lambda texts: [np.mean(one[0], axis=0) for one in pipeline(texts)]


def by_openvino(name: str, precision: Precision) -> Side:
    """Batches sorted by length, each padded to its longest text."""
    import openvino

    folder = locate(name)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    network = transformers.AutoModel.from_pretrained(folder, attn_implementation="sdpa").eval()
    example = dict(tokenizer(["an example", "of two"], padding=True, return_tensors="pt"))
    hint = {
        "INFERENCE_NUM_THREADS": 1,
        "INFERENCE_PRECISION_HINT": {"bfloat16": "bf16", "float32": "f32"}[precision],
    }
    compiled = openvino.compile_model(
        openvino.convert_model(network, example_input=example), "CPU", hint
    )

    def embed(texts: list[str]) -> object:
        ids = tokenizer(texts, truncation=True, max_length=TOKENS)["input_ids"]
        order = sorted(range(len(ids)), key=lambda row: -len(ids[row]))
        means = []
        for begin in range(0, len(order), BATCH):
            chosen = {"input_ids": [ids[row] for row in order[begin : begin + BATCH]]}
            padded = dict(tokenizer.pad(chosen, return_tensors="np"))
            padded.setdefault("token_type_ids", np.zeros_like(padded["input_ids"]))
            states, kept = compiled(padded)[0], padded["attention_mask"][..., None]
            means.append((states * kept).sum(axis=1) / kept.sum(axis=1))
        return np.concatenate(means)

    return embed


SIDES: dict[str, Callable[[str, Precision], Side]] = {
    "ours": ours,
    "sentence-transformers": by_sentence_transformers,
    "pipeline": by_pipeline,
}
if importlib.util.find_spec("openvino"):
    SIDES["OpenVINO"] = by_openvino


def peak(precision: Precision) -> float:
    """Operations a second of a large product."""
    square = torch.randn(1536, 1536).to(DTYPES[precision])
    return 2 * 1536**3 / min(timed(lambda: square @ square) for _ in range(8))


def timed(call: Callable[[], object]) -> float:
    """Seconds of the processor that a call takes."""
    begun = time.process_time()
    call()
    return time.process_time() - begun


def operations(name: str, lengths: np.ndarray) -> float:
    """Of the linear maps and attention of all layers, over real tokens."""
    shape = load_encoder(reference_to(name)).network.shape
    linear = 2 * (4 * shape.width**2 + 2 * shape.width * shape.intermediate)
    return float(shape.layers * (linear * lengths + 4 * shape.width * lengths**2).sum())


def main() -> None:
    """Measures all sides and prints them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", help="a corpus of dialogues")
    parser.add_argument("--encoder", default=DEFAULT_ENCODER)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--utterances", type=int, help="the first so many; all if not given")
    args = parser.parse_args()
    torch.set_num_threads(1)
    transcripts = read_transcripts([args.data], ReadOptions(corpus="benchmark"))
    texts = [text for one in transcripts for text in one.texts][: args.utterances]
    tokens = load_encoder(reference_to(args.encoder)).tokenize(texts, TOKENS)
    lengths = np.array([len(turn) for turn in tokens])
    commit = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    print(time.strftime("%Y-%m-%d"), subprocess.check_output(commit, text=True).strip())
    print(f"{cpu()}, Python {platform.python_version()}, one thread")
    packages = ("torch", "transformers", "sentence-transformers", "openvino")
    found = [name for name in packages if importlib.util.find_spec(name.replace("-", "_"))]
    print(", ".join(f"{name} {metadata.version(name)}" for name in found))
    computed = len(fill_buffers(lengths.tolist(), ROWS)) * ROWS
    print(f"{args.encoder}: {len(texts):,} utterances, {lengths.sum():,} tokens, "
          f"{lengths.sum() / computed:.3f} of those that ours computes")  # fmt: skip
    for precision in Precision:
        sides = {side: make(args.encoder, precision) for side, make in SIDES.items()}
        for run in sides.values():
            run(texts[:32])
        best = dict.fromkeys(sides, float("inf"))
        for _ in range(args.rounds):
            for side, run in sides.items():
                best[side] = min(best[side], timed(lambda run=run: run(texts)))  # type: ignore[misc]
        most = peak(precision)
        print(f"\n{precision}, peak {most / 1e9:.0f} GFLOP/s")
        for side, seconds in best.items():
            used = operations(args.encoder, lengths) / seconds / most
            print(f"{side:22} {len(texts) / seconds:6.0f} utterances/s   MFU {used:.2f}   "
                  f"ours is {seconds / best['ours']:.2f} times as fast")  # fmt: skip


def cpu() -> str:
    """The processor's name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))


if __name__ == "__main__":
    main()
