"""One file a format: text or bytes -> cues or rows."""
