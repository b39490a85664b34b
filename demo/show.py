"""Says what in the demo decides labels: words, dialogue or speaker. Run in the output folder.

Every line is labelled three times: as it was, in its dialogue but said by nobody known, and alone.
Nothing is expected of the answer; where a label depends on words alone, the tables say so.
"""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

import emonet

SAID_BY_SEVERAL = "Here we go."
SHOWN = 6
COLUMNS = ("show", "season", "episode", "text")

console = Console(width=100)
lines = emonet.open_corpus(".").labels().to_pylist()
model = emonet.load_model()


def labels(dialogues: Sequence[str]) -> list[str]:
    """The label of each line where no speaker is known and dialogues are these."""
    rows = [
        {name: line[name] for name in COLUMNS} | {"dialogue": dialogue}
        for line, dialogue in zip(lines, dialogues, strict=True)
    ]
    labelled = emonet.label(rows, model=model, any_language=True)
    given: list[str] = labelled["label"].to_pylist()
    return given


for line, nobody, alone in zip(
    lines,
    labels([line["dialogue_id"] for line in lines]),
    labels([str(number) for number in range(len(lines))]),
    strict=True,
):
    line.update(nobody=nobody, alone=alone)


def show(title: str, chosen: Sequence[dict[str, str]]) -> None:
    """A row a line: what it is labelled, and what it would be without speaker and dialogue."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for head in ("episode", "speaker", "text", "label", "no history", "words alone"):
        table.add_column(head, max_width=36, no_wrap=True)
    for line in chosen:
        cells = (line["episode_id"][-6:], line["speaker_name"] or "", line["text"])
        table.add_row(*cells, line["label"], line["nobody"], line["alone"])
    console.print(table)


by_history = [line for line in lines if line["label"] != line["nobody"]]
by_dialogue = [line for line in lines if line["nobody"] != line["alone"]]
moved = max(abs(line["speaker_logit"]) for line in lines)
several = [line for line in lines if line["text"] == SAID_BY_SEVERAL]
different = len({line["label"] for line in several})

found = "always the same label" if different == 1 else f"{different} labels"
show(f'"{SAID_BY_SEVERAL}", said {len(several)} times: {found}', several)
show(
    f"The dialogue before a line changes {len(by_dialogue)} of {len(lines)} labels",
    by_dialogue[:SHOWN],
)
if by_history:
    title = f"What the speaker said earlier changes {len(by_history)} of {len(lines)} labels"
    show(title, by_history[:SHOWN])
else:
    console.print(f"What the speaker said earlier changes none of {len(lines)} labels;")
console.print(f"at most it moves the logit of a label by {moved:.2f}.")
