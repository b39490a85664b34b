"""What each command does. What it needs is imported when it runs: `--help` answers at once."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from beam_pipeline.output.acceptance import Acceptance
from emonet.cli.options import beam_options, corpus_name, read_options

if TYPE_CHECKING:
    from beam_pipeline.nights import Engine, Night
    from beam_pipeline.records import Episode, Rejected
    from model.checkpoint import Checkpoint

WITH_MODEL = ("label", "train", "ablate", "evaluate", "rebuild-memory")
"""The commands that load a model, and so torch."""


def label(flags: argparse.Namespace, rest: list[str]) -> int:
    """Labels a corpus."""
    engine, asked = engine_and_night(flags, rest)

    from beam_pipeline import nights
    from beam_pipeline.output.manifest import outdated_nights, read_manifests, superseded_manifest
    from beam_pipeline.storage import storage_of
    from emonet.cli import console, json_output

    due, done = [asked], []
    while due:
        night = due.pop()
        storage = storage_of(flags.output)
        superseded, _ = superseded_manifest(storage, night.name, replace=night.acceptance.replace)
        begun = time.monotonic()
        with console.job_progress(), console.engine_muted(flags.verbose):
            manifest = nights.label_night(flags.output, night, engine)
        seconds = time.monotonic() - begun
        if flags.json:
            done.append(json_output.labelled_night(manifest, seconds, superseded))
        else:
            console.show_run(manifest, flags.output, seconds, superseded)
        manifests = read_manifests(flags.output)
        outdated = list(outdated_nights(manifests))
        if flags.cascade:
            due = [
                dataclasses.replace(
                    nights.recorded_night(manifests[name]), acceptance=asked.acceptance
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
    flags.corpus = flags.corpus or corpus_name(flags.inputs)
    options = beam_options(rest, flags.parser.flags)

    from beam_pipeline.corpus.paths import expand_inputs, located
    from beam_pipeline.engines.preflight import check_engine

    paths = tuple(expand_inputs(flags.inputs, may_be_empty=flags.allow_empty))
    check_engine(options, [located(path, os.getcwd()) for path in paths])

    from beam_pipeline.nights import Engine, Night

    checkpoint = checkpoint_of(flags)
    languages = None if flags.any_language else checkpoint.settings.languages
    reading = dataclasses.replace(read_options(flags), languages=languages)
    engine = Engine(checkpoint, flags.encoder, options, flags.accelerator)
    return engine, Night(flags.night, paths, reading, acceptance)


def speakers(flags: argparse.Namespace, rest: list[str]) -> int:
    """Reports who speaks in a corpus, and proposes aliases."""
    from beam_pipeline.corpus.census import take_census
    from beam_pipeline.corpus.paths import expand_inputs, read_path
    from beam_pipeline.corpus.refusals import named
    from beam_pipeline.records import EmonetError
    from emonet.cli import json_output
    from emonet.cli.speaker_report import show_census, write_proposals

    flags.corpus = flags.corpus or corpus_name(flags.inputs)
    reading = read_options(flags)
    rejected: list[Rejected] = []

    def episodes() -> Iterator[Episode]:
        for path in expand_inputs(flags.inputs):
            for content in read_path(path, reading):
                rejected.extend(content.rejected)
                yield from content.episodes

    census = take_census(episodes())
    if rejected and not census.entries and not census.nameless:
        raise EmonetError(f"nothing could be read: {named(rejected)}")
    if flags.csv:
        write_proposals(census, sys.stdout)
    elif flags.json:
        json_output.print_json(json_output.speakers(census, rejected))
    else:
        show_census(census, rejected, sys.stdout)
    return 0


def fetch_encoder(flags: argparse.Namespace, rest: list[str]) -> int:
    """Fetches an encoder that has a name of ours."""
    from model.encoders.fetch import fetch_encoder as fetch
    from model.encoders.known_encoders import kept_in

    folder = Path(flags.output) if flags.output else kept_in(flags.name)
    origin = fetch(flags.name, folder)
    print(f"{folder}: {flags.name} from {origin}, every file checked")
    return 0


def verify(flags: argparse.Namespace, rest: list[str]) -> int:
    """Holds all manifests against the files."""
    from beam_pipeline.output.existing import check_output
    from beam_pipeline.output.verify import verify as problems_of
    from emonet.cli import json_output

    check_output(flags.output)
    problems = []
    for problem in problems_of(flags.output):
        problems.append(problem)
        if not flags.json:
            print(f"emonet verify: {problem}", file=sys.stderr)
    if flags.json:
        json_output.print_json({"output": flags.output, "problems": problems})
    else:
        print(f"{flags.output}: {len(problems) or 'no'} problem{'' if len(problems) == 1 else 's'}")
    return 1 if problems else 0


def runs(flags: argparse.Namespace, rest: list[str]) -> int:
    """Lists nights, and runs that no night names."""
    from beam_pipeline.output.existing import check_output
    from beam_pipeline.output.manifest import read_manifests
    from beam_pipeline.output.vacuum import temporary_files, unnamed_runs
    from emonet.cli import console, json_output

    check_output(flags.output)
    manifests, unnamed = read_manifests(flags.output), unnamed_runs(flags.output)
    temporary = temporary_files(flags.output)
    if flags.json:
        json_output.print_json(json_output.all_runs(manifests, unnamed, temporary))
    else:
        console.show_nights(manifests)
        console.show_unnamed(unnamed)
        console.show_temporaries(temporary)
    return 0


def vacuum(flags: argparse.Namespace, rest: list[str]) -> int:
    """Removes what no manifest names."""
    from beam_pipeline.output.existing import check_output
    from beam_pipeline.output.vacuum import vacuum as remove_unnamed
    from emonet.cli import console

    check_output(flags.output)
    now = datetime.datetime.now(datetime.UTC)
    console.show_removed(remove_unnamed(flags.output, flags.older_than, now))
    return 0


def rebuild_memory(flags: argparse.Namespace, rest: list[str]) -> int:
    """Makes the speaker memory of all nights anew."""
    from beam_pipeline.nights import origin_of
    from beam_pipeline.output.existing import check_output
    from beam_pipeline.rebuild import rebuild_memory as rebuild
    from emonet.cli import console
    from model.checkpoint import load_model

    check_output(flags.output)
    checkpoint = checkpoint_of(flags)
    model = load_model(checkpoint).for_inference()
    for night, speakers in rebuild(flags.output, model, origin_of(checkpoint)):
        console.stdout.print(f"night {night}: memory of {speakers:,} speakers")
    return 0


def train(flags: argparse.Namespace, rest: list[str]) -> int:
    """Trains a checkpoint."""
    from beam_pipeline.transcripts import read_transcripts, without_test_episodes
    from emonet.cli import console
    from model.checkpoint import open_checkpoint
    from model.dataset import Data, label_set
    from model.encoders.references import DEFAULT_ENCODER, reference_to
    from model.evaluation.scores import other_episodes
    from model.network.settings_file import read_settings, settings_of
    from model.training.cross_fitting import load_oof_logits
    from model.training.train import train as train_model

    reading = read_options(flags)
    train = read_transcripts(flags.inputs, reading)
    dev = read_transcripts(flags.dev, reading)
    labels = label_set(train)
    given = ("seed", "epochs", "oof_folds")
    chosen = {name: getattr(flags, name) for name in given if getattr(flags, name) is not None}
    settings, training = (
        read_settings(Path(flags.settings), labels)
        if flags.settings
        else settings_of({}, labels, "emonet train")
    )
    apart = len(other_episodes(dev, train))
    if apart < len(dev):
        shared = f"{len(dev) - apart} of the {len(dev)}"
        console.stdout.print(f"{shared} dev episodes are in part among the training data")
    found = read_transcripts(flags.auxiliary_data, reading) if flags.auxiliary_data else []
    auxiliary = without_test_episodes(found, train, dev)
    if found:
        used = f"{len(auxiliary)} of the {len(found)} episodes of --auxiliary-data are used"
        console.stdout.print(f"{used}, the others may be those of dev or of a test set")
    oof_logits, teacher_logits = (
        load_oof_logits(Path(file), train, labels) if file else None
        for file in (flags.oof_logits, flags.teacher_logits)
    )
    with console.step_progress("training", epochs=True) as progress:
        train_model(
            Data(train, dev, auxiliary, oof_logits, teacher_logits),
            settings,
            dataclasses.replace(training, **chosen),
            reference_to(flags.encoder or DEFAULT_ENCODER),
            Path(flags.output),
            progress,
        )
    reached = open_checkpoint(Path(flags.output)).provenance["dev_weighted_f1"]
    console.stdout.print(f"checkpoint: {flags.output}, dev weighted F1 {reached:.2f}")
    return 0


def ablate(flags: argparse.Namespace, rest: list[str]) -> int:
    """Trains and scores what each idea brings."""
    from beam_pipeline.transcripts import read_transcripts, without_test_episodes
    from emonet.cli import console
    from emonet.cli.ablation_report import show_suite, write_report
    from emonet.cli.plots import check_drawing
    from model.ablation.ablation import Ablation, Result
    from model.ablation.breakdown import history_breakdown, utterance_groups
    from model.ablation.comparison import suite_table
    from model.ablation.suite import SUITE, read_suite
    from model.dataset import Data, label_set
    from model.encoders.references import DEFAULT_ENCODER, reference_to

    check_drawing("emonet ablate")
    reading = read_options(flags)
    train, dev = read_transcripts(flags.inputs, reading), read_transcripts(flags.dev, reading)
    found = read_transcripts(flags.auxiliary_data, reading) if flags.auxiliary_data else []
    data = Data(train, dev, without_test_episodes(found, train, dev))
    encoder = reference_to(flags.encoder or DEFAULT_ENCODER)
    ablation = Ablation(data, encoder=encoder, folder=Path(flags.output))
    labels = label_set(train)
    groups = utterance_groups(data.train, data.dev, ablation.gold, labels)
    variants = [
        variant
        for variant in read_suite(Path(flags.suite or SUITE), labels)
        if (variant.main or not flags.main) and (found or not variant.auxiliary)
    ]
    about = f"trained on {', '.join(flags.inputs)}, scored on {', '.join(flags.dev)}"
    results: dict[str, list[Result]] = {variant.name: [] for variant in variants}
    for seed in range(max(variant.seeds for variant in variants)):
        for variant in variants:
            if seed < variant.seeds:
                with console.step_progress(f"{variant.name}, seed {seed}") as progress:
                    results[variant.name].append(ablation.result(variant, seed, progress))
        scored = ablation.gold, ablation.dialogues
        table = suite_table(variants, results, *scored)
        history = history_breakdown(variants, results, *scored, groups)
        write_report(table, history, about, Path(flags.output))
    show_suite(table, about)
    return 0


def checkpoint_of(flags: argparse.Namespace) -> Checkpoint:
    """The checkpoint that the flags name, or the one that ships."""
    from model.checkpoint import PRETRAINED, open_checkpoint

    return open_checkpoint(Path(flags.checkpoint or PRETRAINED), encoder=flags.encoder)
