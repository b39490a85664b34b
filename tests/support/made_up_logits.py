"""Logits whose gold labels are known to be as likely as they say."""

from __future__ import annotations

import numpy as np

from model.evaluation.calibration import probabilities


def drawn(seed: int, utterances: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and gold labels that are as frequent as these say."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (utterances, 4)).astype(np.float32)
    gold = [random.choice(4, p=row) for row in probabilities(logits.astype(np.float64))]
    return logits, np.array(gold)
