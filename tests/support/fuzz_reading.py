"""Throws damaged files at every reader, and says how that went; exits with 1 if any failed.

    python tests/support/fuzz_reading.py [INPUTS]

Half of the inputs are files of every format with bytes changed, cut, doubled and spliced; the
others are made by Hypothesis of the pieces that the formats consist of. No input may raise
anything, take more than a second of processor time, or break `found == used + dropped + rejected`;
all of them together may not take more than a bounded amount of memory.
"""

from __future__ import annotations

import base64
import random
import resource
import sys
import time
from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from made_up_files import FILES

from beam_pipeline.corpus.archives import read_packed
from beam_pipeline.corpus.options import ReadOptions

OPTIONS = ReadOptions("fuzz")
MAX_SECONDS = 1.0
MAX_GROWTH_BYTES = 512 * 2**20
MAX_ADDRESS_BYTES = 8 * 2**30

PIECES = [
    *"<>{}[]\"'&;:,.-|\\/= \t\n\r\0",
    *("-->", "<!--", "]]>", "<![CDATA[", "<!ENTITY a 'b'>", "&#x110000;", "&amp;", "WEBVTT\n\n"),
    *(
        "00:00:01,000",
        "0:00:02.00",
        "99999:99:99",
        "1e999",
        "NaN",
        "null",
        "\\ud800",
        "-1",
        "9" * 30,
    ),
    *("<tt>", "<body>", "<div begin='1s' timeContainer='seq'>", "<p end='2s'>", "</p>", "<br/>"),
    *("<span begin='soon'>", "<ttm:agent xml:id='a'>", "<ttm:name>", "<p ttm:agent='a' dur='9f'>"),
    *("<SAMI>", "<SYNC Start=1>", "<SYNC Start=x>", "<P Class=EN>", "<P ID=Source>", "</SAMI>"),
    *(
        "<document>",
        "<s>",
        "</s>",
        "<w>",
        "<time id='T1S' value='00:00:01,000'/>",
        "<time id='E'/>",
    ),
    *("[Events]\n", "Dialogue: ", "Comment:", "Format: Start, End, Text\n", "{\\p1}", "{\\p99999}"),
    *("{1}{2}", "{1}{1}0", "{0}{0}25.0", "{y:i}", "0:00:01.0,0:00:02.0\n", "[br]"),
    *(
        "Scenarist_SCC V1.0\n",
        "00:00:01;00\t",
        "9420 ",
        "942f ",
        "942c ",
        "1270 ",
        "9137 ",
        "ffff ",
    ),
    *('{"segments": [', '{"start": 0, "end": 1, "text": "a"}', "]}", '{"episodes": [', '"text"'),
    *("[1][2]", "[00:01.50]", "[ti:a]", "[offset:+9]", "00:00:01:", "00:00:01,2=", "<00:01.00>"),
    *("00:00:01:00 , 00:00:02:00 , ", "$Bold = TRUE\n", "^I", "[00:01.000 --> 00:02.000]  "),
    *("start\tend\ttext\n", "1\t2\t", "Ann Low  0:03\n", "[Ann] 16:00:12\n", "Ann (0:03): "),
    *(
        "0:0:1.5 --> 0:0:2.0\nAnn\n",
        "[Scene: a",
        "(laughing)",
        "INT. A\n\n",
        "[[",
        "/*",
        "*/",
        "@Al\n",
    ),
    *(
        '{"chunks": [{"timestamp": [0, null], "text": "a"}]}',
        '"events": [',
        '"segs": [',
        '"tStartMs": 1',
    ),
    *(
        '{"results": {"channels": [',
        '{"results": {"transcripts": [',
        '"items": [',
        '"alternatives": [',
    ),
    *(
        '"startTime": 1, "body": "a"',
        '{"utterances": [',
        '"start": 1, "end": 2',
        "[{",
        "}]",
        "},\n{",
    ),
    *("<timedtext>", "<transcript>", "<text start='1'>", "<p t='1' d='2'>", "</text>"),
    *('{"id": "a", "conversation_id": "c", "text": "a", "speaker": "A", "reply-to": "a"',),
    *("\x8a", "\x8f", "\x80", "850STL25.01"),
    *(
        "ANN: ",
        ">> ",
        "- ",
        "♪",
        "<v Ann>",
        "(",
        ")",
        "text,speaker\n",
        "word",
        "é",
        "\u2028",
        "😀",
    ),
]
BEGINS = ["", "<tt><body>", "<SAMI><BODY>", "<document>", "[Events]\n", "{1}{2}a\n", "WEBVTT\n\n"]
BEGINS += [
    "[1][2]a\n",
    "[00:01.50]a\n",
    "ANN: a\n",
    "Ann  0:03\na\nBo  0:04\n",
    "[{",
    "<timedtext>",
]
BEGINS += ["start\tend\ttext\n", "00:00:01:00 , 00:00:02:00 , a\n", '{"events": [', '{"results": {']
BEGINS += ["Scenarist_SCC V1.0\n", '{"segments": [', "0:00:01.0,0:00:02.0\n", "text,speaker\n"]
EXTENSIONS = ["srt", "vtt", "ass", "sub", "smi", "sbv", "scc", "ttml", "xml", "json", "jsonl"]
EXTENSIONS += ["lrc", "stl", "mpl", "tmp", "json3", "srv3", "fountain", "tsv", ""]
EXTENSIONS += ["csv", "zip", "parquet", "gz", "txt"]


class Fuzz:
    """What became of all inputs so far."""

    def __init__(self) -> None:
        self.inputs = self.failures = 0
        self.slowest = 0.0
        self.formats: Counter[str] = Counter()

    def throw(self, path: str, data: bytes) -> None:
        """Reads one input, and tells of it if that fails."""
        self.inputs += 1
        seconds = self._seconds_of(path, data)
        if seconds > MAX_SECONDS:
            # the collector of garbage may have come in between; the reader would be slow again
            seconds = self._seconds_of(path, data)
        self.slowest = max(self.slowest, seconds)
        if seconds > MAX_SECONDS:
            self._fail(path, data, f"took {seconds:.1f} s")

    def _seconds_of(self, path: str, data: bytes) -> float:
        begin = time.process_time()
        try:
            for content in read_packed(path, data, OPTIONS):
                source = content.source
                self.formats[source.format or "refused"] += 1
                if source.found != source.used + source.dropped + source.rejected:
                    raise AssertionError("found is not used + dropped + rejected")
                str(content.rejected).encode()
        # whatever it is that a reader lets through is what is looked for
        except Exception as error:
            self._fail(path, data, repr(error))
        return time.process_time() - begin

    def _fail(self, path: str, data: bytes, what: str) -> None:
        self.failures += 1
        print(f"{path}: {what}\n  {base64.b64encode(data[:2_000]).decode()}", flush=True)


def flipped(generator: random.Random) -> tuple[str, bytes]:
    """A file of some format with a few of its bytes changed."""
    path, data = generator.choice(FILES)
    for _ in range(generator.choice((1, 1, 2, 4, 16))):
        at, size = generator.randrange(len(data) + 1), generator.choice((1, 1, 2, 8, 64))
        piece = (
            generator.randbytes(size),
            generator.choice(PIECES).encode() * generator.choice((1, 2, 500)),
            data[at : at + size] * generator.choice((0, 2, 200)),
            generator.choice(FILES)[1][at : at + size],
        )
        data = data[:at] + generator.choice(piece) + data[at + size :]
    return generator.choice((path, f"a.{generator.choice(EXTENSIONS)}")), data


def flip_bytes(fuzz: Fuzz, inputs: int) -> None:
    """Throws files with changed bytes, the same ones in every run."""
    generator = random.Random(0)
    for _ in range(inputs):
        fuzz.throw(*flipped(generator))


def build_structures(fuzz: Fuzz, inputs: int) -> None:
    """Throws documents made of the pieces of formats, the same ones in every run."""
    pieces = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=9)), max_size=40)
    documents = st.tuples(st.sampled_from(BEGINS), pieces, st.sampled_from((1, 1, 1, 300)))

    @settings(
        max_examples=inputs,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(documents, st.sampled_from(EXTENSIONS))
    def throw(document: tuple[str, list[str], int], extension: str) -> None:
        begin, pieces, times = document
        text = begin + "".join(pieces) * times
        fuzz.throw(f"a.{extension}", text.encode("utf-8", "replace"))

    throw()


def main(inputs: int) -> int:
    """Throws that many inputs, and reports."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_BYTES, MAX_ADDRESS_BYTES))
    fuzz = Fuzz()
    for path, data in FILES:
        fuzz.throw(path, data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    begin = time.perf_counter()
    flip_bytes(fuzz, inputs // 2)
    build_structures(fuzz, inputs - inputs // 2)
    growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    print(f"{fuzz.inputs:,} inputs in {time.perf_counter() - begin:.0f} s")
    print(f"{fuzz.failures} failures, slowest {fuzz.slowest:.3f} s of processor time")
    print(
        f"memory grew by {growth / 2**20:.0f} MiB, at most {MAX_GROWTH_BYTES / 2**20:.0f} allowed"
    )
    print(", ".join(f"{name} {count:,}" for name, count in fuzz.formats.most_common()))
    return int(fuzz.failures > 0 or growth > MAX_GROWTH_BYTES)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 120_000))
