"""Lines -> blocks: a line that begins something, and those that belong to it until the next one.

It goes through the text once, whatever is in it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.formats.cue_blocks import lines_of


@dataclasses.dataclass
class LineBlock:
    """Lines that belong together.

    Attributes:
      number: of the first one, from 1.
      lines: without their ends, kept until they are longer than any cue may be.
      begun: whether the first one begins something; if not, it is alone.
    """

    number: int
    lines: list[str]
    begun: bool
    size: int = 0

    def add(self, line: str) -> None:
        """Appends a line."""
        if self.size <= limits.MAX_TEXT_CHARS:
            self.lines.append(line)
            self.size += len(line)


def line_blocks(text: str, begins: Callable[[str], bool]) -> Iterator[LineBlock]:
    """The blocks of a text; before the first of them, each line that is not empty.

    Args:
      text: a whole file.
      begins: whether a line begins a block.
    """
    block: LineBlock | None = None
    for number, line in enumerate(lines_of(text), 1):
        if begins(line):
            if block:
                yield block
            block = LineBlock(number, [line], begun=True, size=len(line))
        elif block:
            block.add(line)
        elif line.strip():
            yield LineBlock(number, [line], begun=False)
    if block:
        yield block
