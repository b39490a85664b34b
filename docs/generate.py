"""Writes those parts of the documentation that are made from the code: `make docs` runs it.

A part stands between two comments, `<!-- NAME: made by make docs -->` and `<!-- end of NAME -->`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from beam_pipeline.corpus.detection import FORMATS
from beam_pipeline.corpus.formats.format import CueFormat, DataSetFormat, Format

DATA_FORMAT = Path(__file__).parent / "data-format.md"
HEADER = ("format", "known by", "a cue or row is", "speaker, apart from labels in the text")


def format_table(formats: Iterable[Format]) -> str:
    """A table of formats in Markdown: subtitles, then data sets, then tables, each by title."""
    rows = [_row(one) for one in sorted(formats, key=_place)]
    lines = [HEADER, ("---",) * len(HEADER), *rows]
    return "\n".join(f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in lines)


def with_part(page: str, name: str, part: str) -> str:
    """A page with new text in its part of that name.

    Raises:
      ValueError: if the page has no such part.
    """
    begin, end = f"<!-- {name}: made by make docs -->\n", f"\n<!-- end of {name} -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"expected the comments {begin.strip()} and {end.strip()}")
    return f"{before}{begin}{part}{end}{after}"


def _place(one: Format) -> tuple[bool, bool, str]:
    return not isinstance(one, CueFormat), not isinstance(one, DataSetFormat), one.title.casefold()


def _row(one: Format) -> tuple[str, ...]:
    extensions = (f"`{extension}`" for extension in (*one.extensions, *one.shared_extensions))
    return " ".join((one.title, *extensions)), one.known_by, one.item, one.speaker


if __name__ == "__main__":
    page = DATA_FORMAT.read_text("utf-8")
    DATA_FORMAT.write_text(with_part(page, "formats", format_table(FORMATS)), "utf-8")
