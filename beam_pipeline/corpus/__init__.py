"""Files of subtitles and transcripts -> episodes.

Law of this package: pure. Bytes go in, records come out; only `paths` opens files.
"""
