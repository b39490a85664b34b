"""The card of a checkpoint: what it was trained on, how well it does, and what a person adds.

After Mitchell et al. 2019, "Model Cards for Model Reporting". What the program knows is filled in;
what only a person knows is asked for in italics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from model.checkpoint import Checkpoint

CARD = "README.md"


def write_card(checkpoint: Checkpoint, folder: Path) -> None:
    """Writes the card of a checkpoint to its folder, unless there is one already."""
    path = folder / CARD
    if not path.exists():
        path.write_text(card(checkpoint, folder.resolve().name), encoding="utf-8")


def card(checkpoint: Checkpoint, name: str) -> str:
    """The card, in Markdown.

    Args:
      checkpoint: with what its training recorded.
      name: what it is called.
    """
    known = checkpoint.provenance
    sections = [
        f"# {name}",
        _table(("", ""), [
            ("use it for", "*fill in: which texts, which questions*"),
            ("do not use it for", "decisions about people; measuring what somebody feels; "
             "*fill in: what else*"),
            ("languages", ", ".join(checkpoint.settings.languages)),
            ("labels", ", ".join(checkpoint.settings.labels)),
            ("encoder", f"{checkpoint.encoder.name}, {checkpoint.width} wide"),
            ("model id", f"`{checkpoint.model_id}`"),
        ]),
        "## Data",
        *_data(known),
        "## How well it does",
        *_scores(known),
        *_fine_tuning(known),
        *_training(known),
        "## What it must not be used for",
        "*Fill in. The words that a model reads carry the bias of those who wrote and labelled "
        "them; who may be harmed by a wrong label?*",
    ]  # fmt: skip
    return "\n\n".join(sections) + "\n"


def _data(known: Mapping[str, Any]) -> list[str]:
    """Where the data are from, and how much there is of each label."""
    asked = [
        ("training set", "*fill in: name, source, licence, who labelled it and how*"),
        ("dev", "*fill in, where it is another set*"),
    ]
    digests = [
        (f"sha256 of {name}", f"`{known[key]}`")
        for name, key in (("the training set", "data_digest"), ("dev", "dev_digest"))
        if key in known
    ]
    labels: Mapping[str, int] = known.get("train_labels", {})
    if not labels:
        return [_table(("", ""), [*asked, *digests])]
    total = sum(labels.values())
    rows = [(label, f"{count:,}", f"{count / total:.1%}") for label, count in labels.items()]
    return [
        _table(("", ""), [*asked, *digests]),
        f"{known['train_utterances']:,} utterances to train on, "
        f"{known['dev_utterances']:,} of dev.",
        _table(("label", "utterances", "share"), rows),
    ]


def _scores(known: Mapping[str, Any]) -> list[str]:
    scores = known.get("dev_scores")
    if not scores:  # checkpoints of before do not record them
        return ["*Fill in: weighted F1 and F1 of each class, on which data*"]
    rows = [
        ("weighted F1", f"{100 * scores['weighted_f1']:.1f}"),
        ("macro F1", f"{100 * scores['macro_f1']:.1f}"),
        ("accuracy", f"{100 * scores['accuracy']:.1f}"),
        (
            "expected calibration error (15 bins)",
            f"{100 * scores['expected_calibration_error']:.1f}",
        ),
    ]
    names = ("precision", "recall", "f1")
    classes = [
        (label, *(f"{100 * row[name]:.1f}" for name in names), f"{row['support']:,}")
        for label, row in scores["classes"].items()
    ]
    return [
        f"On the {scores['utterances']:,} labelled utterances of dev. Epoch, mixing weights and "
        "temperature were chosen on them, so expect somewhat less elsewhere.",
        _table(("dev", ""), rows),
        _table(("class", "precision", "recall", "F1", "support"), classes),
    ]


def _fine_tuning(known: Mapping[str, Any]) -> list[str]:
    """What corrections have changed since; nothing without any."""
    tuned = known.get("fine_tuned")
    if not tuned:
        return []
    how = "a stratified sample" if tuned["sample"] else "picked by hand"
    rows = [
        (label, f"{tuned['labels'][label]:,}", f"{f1:.1f}") for label, f1 in tuned["f1"].items()
    ]
    return [
        "## Fine-tuning",
        f"The scores above are those of model `{tuned['model_id']}`, whose context's classifier "
        f"was then fine-tuned on {tuned['lines']:,} corrected lines, {how}. By cross-validation "
        f"over dialogues, weighted F1 on these lines was {tuned['weighted_f1_before']:.1f} and is "
        f"{tuned['weighted_f1']:.1f}.",
        _table(("class", "corrected lines", "F1"), rows),
        "*Fill in: who corrected them, and by which rules*",
    ]


def _training(known: Mapping[str, Any]) -> list[str]:
    if "epochs" not in known:
        return []
    epochs = [
        (str(one["number"]), f"{one['loss']:.3f}", f"{one['dev']:.1f}") for one in known["epochs"]
    ]
    settings = ", ".join(f"{name} {value}" for name, value in sorted(known["settings"].items()))
    versions = ", ".join(f"{name} {value}" for name, value in known["versions"].items())
    table = _table(("epoch of the context", "loss", "weighted F1 on dev"), epochs)
    how = f"Epoch {known['epoch']} was kept. {versions}. Settings: {settings}."
    return ["## How it was trained", table, how]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
