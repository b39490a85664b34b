"""Training: one list of steps from data to a checkpoint."""
