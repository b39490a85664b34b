"""Lines of a cue that nobody says: who made the subtitles, and what those who spread them sell.

What names a maker is written in few ways: a job and `by`, a job and a colon. A job before a colon
may be said, too (`Translation: he is late.`), so it wants a name and no sentence behind it.
"""

from __future__ import annotations

import re

# Who made them, and how: `Synced and corrected by`, `Captioning sponsored by`.
_DONE = (
    r"(?:closed[ -])?caption(?:ing|ed|s)?|sub(?:bed|s)|subtitl(?:ing|ed|es?)|"
    r"(?:re-?)?synch?(?:ed|ro)?|(?:re-?)?synced|(?:re-?)?synchroni[sz](?:ed|ation)|correct(?:ed|ions?)|translat(?:ed|ions?)|"
    r"transcri(?:bed|pts?|ptions?)|ripped|(?:re-?)?encoded|encoding|timed|timings?|typeset(?:ting)?|"
    r"adapted|adaptation|improved|proofread|uploaded|ocr|qc|overs[aæ]t(?:telse|t)|"
    r"untertitel(?:ung|t)?|übersetz(?:ung|t)|korrektur|sous-titr(?:es?|age)|traduction|"
    r"subt[ií]tul(?:os?|ad[oa])|tradu(?:cción|cido|ção|zido|zione|it)|sincroniza(?:do|ción)|"
    r"corregido|legendas?|legendado|revis(?:ão|ione)|sottotitoli|ondertitel(?:ing|d)|vertal(?:ing|d)|"
    r"vertaald|undertexter|översatt|översättning|tekst(?:ing|et|er)|napisy|tłumaczenie|korekta|"
    r"titulky|překlad|přeložil|čeviri|çeviri|çeviren|altyazı|субтитры|перевод|переводчик|корректор|"
    r"редактор субтитров"
)
_BY = r"by|from|por|par|von|vom|durch|di|da|door|av|af|przez|od|от"
_AND = r"(?:\s*(?:,|&|\+|/|and|und|et|y|e|i|og|och)\s*)"
_MADE_BY = (
    rf"(?:{_DONE})(?:{_AND}(?:{_DONE}|edited|\w+(?=\s+by\b)))*"
    r"(?: sponsored| provided| performed| made possible| funded| downloaded)*"
    rf"\s+(?:{_BY})\b"
)
# A name behind a colon: words in capitals or without case, and no end of a sentence.
_NAMED = r"(?-i:[^\W_a-zß-ÿа-я])[^\n.?!…]*|[\w.-]+\.\w{2,}"
_SITES = (
    r"open[ -]?subtitles|addic7ed|subscene|podnapisi|tvsubtitles|osdb\.link|yify|amara\.org|"
    r"napiprojekt|titlovi\.com|titulky\.com|legendas\.tv|subf2m|subdl\.|字幕[组組]|人人影[视視]"
)
_SOLD = (
    r"advertise your product or brand here|become (?:a )?vip member|remove all ads from|"
    r"please rate this subtitle|choose the best subtitles|subtitles for any video|"
    r"use the free code|free browser extension|watch (?:online )?movies and series|"
    r"subtitles? downloaded from|downloaded from\s+\S+\.\w{2,}|"
    r"untertitel\w* (?:des zdf|der amara)|sous-titrage (?:st'|société)"
)
_ADDRESS = (
    r"(?:(?:https?://|www\.)\S+"
    r"|[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|tv|info|io|me|co|uk|de|fr|es|it|pl|ru|eu)(?:/\S*)?)"
)
_MADE = re.compile(
    # to the end of the cue: the makers' names may take several lines
    rf"[^\w\n]*(?:{_MADE_BY}(?:.|\n)*"
    rf"|(?:{_DONE}|字幕|翻[译譯訳]|校[对對]|时间轴|자막|번역)\s*[:：][ \t\W]*(?:{_NAMED})$"
    rf"|(?:written|directed|produced|provided|created|edited|music|screenplay|story)"
    rf"(?:{_AND}\w+)? by\b[^\w\n.?!]*(?:\s+(?-i:[A-Z])[\w.'’-]*){{1,4}}[^\w\n.?!]*$"
    rf"|provided by [^\n.?!]*\n[^\w\n]*{_ADDRESS}[^\w\n.?!]*$"
    rf"|{_ADDRESS}[^\w\n.?!]*$"
    rf"|(?:©|\(c\)|copyright\b)[ ©]*(?:\(c\)[ ]*)?\d{{4}}\b[^\n]*$)",
    re.IGNORECASE | re.MULTILINE,
)
_OPEN = re.compile(rf"[^\w\n]*{_MADE_BY}\W*$", re.IGNORECASE | re.MULTILINE)
_NAMES = re.compile(
    r"\W*(?:[^\W\d_a-z][\w.'’-]*|&|and|de|von)(?:,? (?:[^\W\d_a-z][\w.'’-]*|&|and|de|von)){0,5}\W*"
)
_SPREAD = re.compile(rf"{_SITES}|{_SOLD}", re.IGNORECASE)
# What is cheap to look for, as nearly all lines have none of it: how a credit begins, and a part of
# what an advertisement has.
_FIRST = re.compile(r"[^\w\n]*(\w{1,3})(?:[\w-]+\.\w)?")
_BEGINNINGS_WORDS = (
    "ada alt cap clo cop cor cre c dir edi enc htt imp kor leg mus nap ocr ond ove pro qc re "
    "rei res rev rip scr sin sot sou sto sub syn tek tim tit tra typ tłu unt upl ver wri www "
    "öve übe pře čev çev суб пер кор ред 번역 자막 时间轴"
)
_BEGINNINGS = frozenset(_BEGINNINGS_WORDS.split())
_PARTS = (
    "subtitles", "addic7ed", "subscene", "podnapisi", "yify", "amara.", "osdb", "titlovi",
    "titulky", "legendas", "napiprojekt", "subf2m", "subdl", "字幕", "人人", "advertise",
    "vip", "ads from", "any video", "free ", "movies", "downloaded", "untertitel",
    "sous-titrage",
)  # fmt: skip
_PART = re.compile("|".join(map(re.escape, _PARTS)))


def without_credits(text: str) -> str:
    """A cue's text with as many lines, but without those that are credits or advertisements."""
    kept: list[str] = []
    may_spread = _PART.search(text.lower()) is not None
    at = 0
    while at <= len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        if made := _may_be_made(text, at) and _MADE.match(text, at):
            kept += [""] * (made[0].count("\n") + 1)
            at = made.end() + 1
            continue
        line = text[at:end]
        kept.append("" if may_spread and _SPREAD.search(line) else line)
        at = end + 1
    return "\n".join(kept)


def goes_on(credit: str, text: str) -> bool:
    """Whether a cue has nothing but the names that the credit of the cue before it wants.

    Args:
      credit: the text of a cue, without markup, `Subtitles by`.
      text: of the next one, `Oda Vale`.
    """
    if not credit.rstrip(": -\n").lower().endswith((" by", " from")) or text.endswith(
        (".", "?", "!")
    ):
        return False
    return _OPEN.search(credit) is not None and _NAMES.fullmatch(text) is not None


def _may_be_made(text: str, at: int) -> bool:
    first = _FIRST.match(text, at)
    if first is None:
        return text[at : at + 1] == "©"
    begins = first[1].lower()
    return (
        begins in _BEGINNINGS or "©" in first[0] or not begins.isascii() or first[0][-2:-1] == "."
    )
