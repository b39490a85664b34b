"""Which utterances flags ask for: an episode, a speaker, a label."""

from __future__ import annotations

import numpy as np

from beam_pipeline.corpus.names import canonical
from beam_pipeline.records import EmonetError
from emonet.cli.arguments import nearest
from emonet.emotions import Emotions


def select(
    emotions: Emotions, episode: str | None, speaker: str | None, label: str | None
) -> Emotions:
    """The utterances that fit all that is given.

    Args:
      emotions: all utterances.
      episode: an episode's id, or the end of one after a slash.
      speaker: a name, as names of speakers are compared.
      label: a class.

    Raises:
      EmonetError: there is no such episode, speaker or label, or no utterance has all of them.
    """
    masks = [np.ones(len(emotions), bool)]
    if episode is not None:
        masks.append(_of_episode(emotions, episode))
    if speaker is not None:
        masks.append(_of_speaker(emotions, speaker))
    if label is not None:
        masks.append(_of_label(emotions, label))
    mask = np.logical_and.reduce(masks)
    if not mask.any():
        raise EmonetError(
            "no utterance fits all of --episode, --speaker and --label; leave one out"
        )
    return emotions.where(mask)


def _of_episode(emotions: Emotions, name: str) -> np.ndarray:
    codes, cells = emotions.codes("episode_id")
    ids = [str(cell[0]) for cell in cells]
    lower = name.lower()
    fitting = [at for at, one in enumerate(ids) if one.lower() == lower]
    fitting = fitting or [at for at, one in enumerate(ids) if one.lower().endswith(f"/{lower}")]
    if len(fitting) != 1:
        several = ", ".join(ids[at] for at in fitting[:3])
        hint = f"; it is the end of {several}" if fitting else nearest(name, ids)
        raise EmonetError(f"--episode {name}: expected the id of one episode{hint}")
    mask: np.ndarray = codes == fitting[0]
    return mask


def _of_speaker(emotions: Emotions, name: str) -> np.ndarray:
    codes, cells = emotions.codes("speaker_name")
    fits = [cell[0] is not None and canonical(str(cell[0])) == canonical(name) for cell in cells]
    if not any(fits):
        raise EmonetError(
            f"--speaker {name}: nobody of this name speaks; `emonet show` without it lists speakers"
        )
    return np.take(np.array(fits), codes)


def _of_label(emotions: Emotions, name: str) -> np.ndarray:
    for number, label in enumerate(emotions.labels):
        if label.lower() == name.lower():
            mask: np.ndarray = emotions.chosen == number
            return mask
    raise EmonetError(f"--label {name}: expected one of {', '.join(emotions.labels)}")
