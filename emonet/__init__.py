"""Emotions for subtitles and transcripts."""
