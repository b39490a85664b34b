"""The stages of the job: a PTransform a file, each a thin shell around pure functions."""
