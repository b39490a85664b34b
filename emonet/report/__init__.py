"""The page: what is labelled, as one file that a browser opens from disk and that asks nobody."""
