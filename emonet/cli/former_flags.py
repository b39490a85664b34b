"""Former flags, refused with what to give instead: another flag, or a setting of a file."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

_IN_A_FILE = {
    "--averaging": "ema_decay",
    "--batch-turns": "batch_turns",
    "--encoder-rate": "encoder_lr",
    "--head-rate": "head_lr",
    "--language": "languages",
    "--memory-epochs": "speaker_epochs",
    "--patience": "patience",
    "--remember": "history",
    "--second-weight": "auxiliary_weight",
    "--tag": "tag",
    "--trained-layers": "trained_layers",
    "--utterance-layers": "utterance_encoder_layers",
    "--warmup": "warmup",
    "--weight-decay": "weight_decay",
    "--weight-exponent": "weight_exponent",
    "--window-tokens": "window_tokens",
    "--window-turns": "window_turns",
}

OF_TRAIN = {
    "--beside": "it is called --auxiliary-data now",
    "--folds": "it is --oof-folds K now, or --oof-logits FILE",
    "--taught-by": "it is called --teacher-logits now",
    **{flag: f"set {name} in a file for --settings" for flag, name in _IN_A_FILE.items()},
}
"""What to do instead of each flag that `emonet train` had."""

OF_ABLATE = {
    "--beside": "it is called --auxiliary-data now",
    "--ladder": "it is called --suite now",
}
"""The same of `emonet ablate`."""


def refuse(parser: argparse.ArgumentParser, advice: Mapping[str, str]) -> None:
    """Makes a parser answer each of these flags with its advice, and show none of them."""
    for flag, instead in advice.items():
        parser.add_argument(
            flag,
            action=_Refusal,
            instead=instead,
            nargs="*",
            default=argparse.SUPPRESS,
            help=argparse.SUPPRESS,
        )


class _Refusal(argparse.Action):
    def __init__(self, *names: Any, instead: str, **options: Any):
        super().__init__(*names, **options)
        self.instead = instead

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        parser.error(f"{option_string}: {self.instead}")
