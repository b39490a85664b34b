"""`emonet label`: files of a corpus -> a night of labels in Parquet."""

from __future__ import annotations

import argparse
import dataclasses
import os
import time
from typing import TYPE_CHECKING

from beam_pipeline.output.acceptance import Acceptance
from beam_pipeline.records import EmonetError
from emonet.cli.options import beam_options, corpus_name, read_options
from emonet.cli.shared_flags import (
    Commands,
    add_calibration_flag,
    add_checkpoint_flags,
    add_corpus_flags,
    add_json_flag,
    checkpoint_of,
    input_command,
)
from emonet.cli.waiting import waiting

if TYPE_CHECKING:
    from beam_pipeline.nights import Engine, Night


def add_to(commands: Commands) -> None:
    """Enters the command with its flags."""
    parser = input_command(
        commands,
        "label",
        label,
        "label a corpus: files -> Parquet",
        "emonet label 'shows/**/*.srt' --output labelled --night 2026-11-22",
        inputs="*",
    )
    parser.usage = "emonet label [INPUT...] --output OUT [options] [options of Beam]"
    parser.set_defaults(
        loads_model=True,
        interrupted="nothing is half written; `emonet runs` lists what is there",
        done="the night is committed",
    )
    add = parser.add_argument
    add("--inputs-from", metavar="FILE",
        help="more inputs, one a line; FILE may be gs://, too")  # fmt: skip
    add("--output", required=True, metavar="OUT", help="folder of all nights, or gs://BUCKET/PATH")
    add("--night", default="0", help="name of this batch (default: 0)")
    add("--replace", action="store_true", help="supersede a night of other files or with damage")
    add("--allow-empty", action="store_true", help="commit a night in which nothing is labelled")
    share = Acceptance.max_rejected
    add("--max-rejected", type=float, metavar="SHARE", default=share,
        help=f"of files, or of cues, refused (default: {share})")  # fmt: skip
    add("--fresh", action="store_true",
        help="label again what an interrupted run has done")  # fmt: skip
    add("--any-language", action="store_true",
        help="label what the checkpoint was not trained on, too")  # fmt: skip
    add("--cascade", action="store_true",
        help="run later nights again that stand on superseded nights")  # fmt: skip
    add("--accelerator", metavar="TYPE",
        help="what encoding asks an engine for; see docs/deploy.md")  # fmt: skip
    add_json_flag(parser)
    add_corpus_flags(parser)
    add_checkpoint_flags(parser)
    add_calibration_flag(parser)


def label(flags: argparse.Namespace, rest: list[str]) -> int:
    """Labels a corpus."""
    with waiting("loading Beam and the model"):
        engine, asked = engine_and_night(flags, rest)

        from beam_pipeline import nights
        from beam_pipeline.output.manifest import (
            superseded_manifest,
            written_bytes,
        )
        from beam_pipeline.output.past import manifests_around, outdated_nights
        from beam_pipeline.storage import storage_of
        from emonet.cli import console, json_output, progress

    due, done = [asked], []
    storage = storage_of(flags.output)
    # once, before anything is labelled: one that is damaged is told in time
    manifests = manifests_around(storage, asked.name)
    while due:
        night = due.pop()
        superseded, _ = superseded_manifest(storage, night.name, replace=night.acceptance.replace)
        begun = time.monotonic()
        with progress.job_progress(), progress.engine_muted(flags.verbose):
            manifest = nights.label_night(flags.output, night, engine)
        seconds = time.monotonic() - begun
        wrote = written_bytes(storage, manifest)
        same = wrote == written_bytes(storage, superseded) if superseded else None
        if flags.json:
            done.append(json_output.labelled_night(manifest, seconds, same))
        else:
            console.show_run(manifest, flags.output, seconds, same)
        manifests[night.name] = manifest
        outdated = list(outdated_nights(manifests, asked.name))
        if flags.cascade:
            due = [
                dataclasses.replace(
                    nights.recorded_night(flags.output, manifests[name]),
                    acceptance=asked.acceptance,
                )
                for name in outdated[:1]
            ]
    if flags.json:
        json_output.print_json({"nights": done, "outdated_nights": outdated})
    else:
        console.show_outdated(outdated)
    return 0


def engine_and_night(flags: argparse.Namespace, rest: list[str]) -> tuple[Engine, Night]:
    """What the flags of `emonet label` ask for, and Beam's.

    Raises:
      EmonetError: a flag is off, an input matches nothing, the checkpoint is damaged, or the
        engine is not there.
    """
    acceptance = Acceptance(flags.allow_empty, flags.max_rejected, flags.replace)
    options = beam_options(rest, flags.parser.flags)

    from beam_pipeline.corpus.paths import expand_inputs, located, read_list

    if flags.inputs_from:
        flags.inputs = [*flags.inputs, *read_list(flags.inputs_from)]
    if not flags.inputs:
        raise EmonetError("nothing to label: give INPUT or --inputs-from FILE")
    flags.corpus = flags.corpus or corpus_name(flags.inputs)
    from beam_pipeline.engines.preflight import check_engine

    paths = tuple(expand_inputs(flags.inputs, may_be_empty=flags.allow_empty))
    check_engine(options, [located(path, os.getcwd()) for path in paths])

    from beam_pipeline.nights import Engine, Night

    checkpoint = checkpoint_of(flags)
    languages = None if flags.any_language else checkpoint.settings.languages
    reading = dataclasses.replace(read_options(flags), languages=languages)
    engine = Engine(checkpoint, flags.encoder, options, flags.accelerator)
    return engine, Night(flags.night, paths, reading, acceptance, flags.fresh)
