"""The page itself: template, style, scripts and data -> one document under a strict policy.

Every script stands in the policy by its sha256, so a text that looks like a script never runs.
Texts travel compressed and are set as text, and JSON has no `<`: nothing of a corpus is markup.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from pathlib import Path
from typing import Any, Final

from emonet.corpus import LabelledCorpus
from emonet.emotions import Emotions
from emonet.palette import colours
from emonet.report.columns import packed_columns
from emonet.report.findings import findings
from emonet.report.quality import data_quality

_HERE: Final = Path(__file__).parent
_SCRIPTS: Final = (
    "vendor/d3.min.js",
    "vendor/plot.umd.min.js",
    "data.js",
    "charts.js",
    "sections.js",
    "search.js",
)
"""In the order in which they run."""

_POLICY: Final = (
    "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
"""Nothing is fetched, sent or embedded. Styles may be inline: charts have their own, which can do
nothing where nothing is fetched."""

_CARD: Final = Path(__file__).parents[2] / "model" / "pretrained" / "settings.json"


def report_page(corpus: LabelledCorpus, emotions: Emotions) -> str:
    """The page, as HTML.

    Args:
      corpus: whose manifests say what became of its files.
      emotions: its utterances.

    Raises:
      EmonetError: a file is not what its sha256 says.
    """
    known, packed = packed_columns(emotions)
    data = {
        **known,
        "labels": emotions.labels,
        "colours": colours(emotions.labels),
        "nights": [_night(one) for one in corpus.manifests.values()],
        "found": findings(emotions),
        "quality": data_quality(corpus),
        "card_f1": json.loads(_CARD.read_bytes())["provenance"]["dev_weighted_f1"],
        "key": hashlib.sha256(packed.encode()).hexdigest()[:16],
    }
    scripts = [(_HERE / name).read_text("utf-8") for name in _SCRIPTS]
    template = (_HERE / "page.html").read_text("utf-8")
    parts = {
        "policy": _POLICY.format(scripts=" ".join(map(_source, scripts))),
        "title": html.escape(_title(emotions)),
        "style": (_HERE / "page.css").read_text("utf-8"),
        "known": json.dumps(data).replace("<", "\\u003c"),
        "packed": packed,
        "scripts": "\n".join(f"<script>{script}</script>" for script in scripts),
    }
    # in one pass, so that nothing that is filled in is filled again
    pieces = template.split("%%")
    return "".join(parts[piece] if at % 2 else piece for at, piece in enumerate(pieces))


def _source(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _title(emotions: Emotions) -> str:
    shows = [str(cell[0]) for cell in emotions.codes("show")[1]]
    return shows[0] if len(shows) == 1 else f"{shows[0]} and {len(shows) - 1:,} more"


def _night(manifest: dict[str, Any]) -> dict[str, Any]:
    return {name: manifest[name] for name in ("night", "run", "model_id")}
