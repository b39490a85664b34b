"""Names -> what kind of speaker they stand for, by closed lists and plain patterns."""

from __future__ import annotations

import re
from typing import Final

from beam_pipeline.corpus.names import canonical, normalise
from beam_pipeline.records import SpeakerKind

_SEVERAL = frozenset(
    (
        "all",
        "#all#",
        "all together",
        "both",
        "everybody",
        "everyone",
        "several",
        "together",
        "alle",
        "beide",
        "tous",
        "toutes",
        "todos",
        "todas",
        "ambos",
        "tutti",
        "entrambi",
        "все",
    )
)
_SEVERAL_JOINT = re.compile(r"\s(?:and|&|\+)\s|,\s(?![js]r\b)|/")
_GROUPS_WORDS = (
    "audience boys cast children chorus class congregation crowd fans girls group guests guys "
    "kids ladies medics men others passengers patrons people players police protesters "
    "reporters soldiers spectators students team teens tribe villagers voices women workers"
)
_GROUPS = frozenset(_GROUPS_WORDS.split())
_ANYBODY_WORDS = (
    "boy child female girl guy kid lady male man person stranger teen voice woman "
    "frau junge mann mädchen stimme enfant femme fille garçon homme voix chica chico hombre mujer "
    "niña niño voz donna ragazza ragazzo uomo voce homem menina menino mulher jongen meisje vrouw "
    "девочка женщина мальчик мужчина голос 女 女性 男 男性"
)
_ANYBODY = frozenset(_ANYBODY_WORDS.split())
_ROLES_WORDS = (
    "agent anchor anchorman announcer attendant attorney bailiff bartender captor cashier clerk "
    "commentator computer conductor cop customer detective director dispatcher doctor driver "
    "guard guest host hostess interviewer judge juror lawyer machine manager medic mother "
    "narrator newscaster nurse officer operator paramedic pilot policeman priest radio "
    "receptionist recording referee reporter salesman secretary soldier speaker student teacher "
    "translator tv usher waiter waitress witness "
    "erzähler erzählerin reporterin sprecher sprecherin narrateur narratrice locutor narrador "
    "narradora presentador narratore диктор рассказчик"
)
_ROLES = frozenset(_ROLES_WORDS.split())
_ADJECTIVES_WORDS = "another elderly first little older old other second the young"
_ADJECTIVES = frozenset(_ADJECTIVES_WORDS.split())
_DESCRIBING_WORDS = (
    "adult air airline american angry arab army asian automated bald bank bar bearded big black "
    "blonde boat british bus cab cafe chief chinese civil club computer county court dutch "
    "drunk dying english fat female fire flight former french german guide head homeless "
    "hospital hotel injured irish italian japanese jewish korean large latin local mail male "
    "masked mean mexican middle-aged military muffled mysterious nervous new news night old "
    "older park passing pizza police polish posh prison radio robotic russian sad scottish "
    "school scottish security senior short shop skinny small spanish staff state store street "
    "strange swedish tall taxi teenage thin tough town tour train truck tv ugly uniformed vo "
    "wounded"
)
_DESCRIBING = frozenset(_DESCRIBING_WORDS.split()) | _ADJECTIVES
_WHERE = re.compile(r"\s(?:on|in|at|over|with|from|behind|off|through|via|outside|of|at)\s")
_GENDERED_VOICE = re.compile(r"(?:wo)?man's voice|(?:fe)?male (?:voice|speaker)|voice(?: over)?")
_NUMBERED = re.compile(r"\D\s*#?\d+$")
# `Boy A`, `Girls A-B-C`, `学生B`: somebody, of whom there are more.
_LETTERED = re.compile(
    r"(?P<who>.*\S)\s+#?(?P<letters>[a-z](?:\s?[-,/&+]\s?[a-z])*)|[\u3040-\u9fff]+[a-z]"
)
_FIRST_LETTERS = frozenset("abc-,/&+ ")
DIARISED: Final = (
    r"(?:speakers?|spkr?|guest|participant|sprecher|locuteur|intervenant|hablante|orador|falante|"
    r"parlante|spreker|спикер|говорящий|说话人|說話人|发言人|發言人|讲话者|話者|화자|참석자)"
    r"[ _-]?#?(?:\d{1,4}|[a-z](?![^\W_])|unk(?:nown)?(?![^\W_]))"
)
"""What a diariser calls a speaker, in any case: `SPEAKER_00`, `Speaker A`, `spk_0`."""

# In a field or column a bare number or letter is what a diariser calls a speaker as well.
_DIARISED = re.compile(rf"{DIARISED}|\d{{1,2}}|[a-z]|s\d{{1,2}}|ch(?:annel)?[ _-]?\d")
_NOBODY = frozenset(("?", "-", "default", "dialogue", "main", "n/a", "none", "nobody", "ntp",
                     "null", "speaker ?", "unidentified", "unidentified speaker", "unknown",
                     "unknown speaker", "uu"))  # fmt: skip
_SOMEBODY = frozenset(("unidentified", "unidentified speaker", "unknown", "unknown speaker"))
_NO_SPEECH = re.compile(
    r"(?:(?:staff |end |opening |closing )?credits?|caption(?:s|ing)?|eyecatch|insert song|karaoke|"
    r"logo|lyrics?|music|romaji|sfx|signs?|song|sound(?:s| effects?)?|text|tl note|titles?|"
    r"episode title|typeset(?:ting)?)(?: ?\d+)?"
)


def speaker_kind(name: str) -> SpeakerKind:
    """What a name stands for, to judge by the name alone."""
    folded = canonical(name)
    if not any(map(str.isalnum, folded)) or folded in _NOBODY:
        return SpeakerKind.UNKNOWN
    if _NO_SPEECH.fullmatch(folded):
        return SpeakerKind.NO_SPEECH
    if _DIARISED.fullmatch(folded):
        return SpeakerKind.DIARISED
    return _kind_of_person(folded)


def is_common(name: str) -> bool:
    """Whether a name is of common words, so that it is one in any case: `all`, `man 2`."""
    folded = canonical(name)
    if folded in _SEVERAL or folded in _SOMEBODY:
        return True
    common = (SpeakerKind.GROUP, SpeakerKind.GENERIC, SpeakerKind.UNKNOWN)
    return not _SEVERAL_JOINT.search(folded) and _kind_of_person(folded) in common


def _kind_of_person(folded: str) -> SpeakerKind:
    if folded in _SEVERAL or _SEVERAL_JOINT.search(folded):
        return SpeakerKind.SEVERAL
    if _NUMBERED.search(folded):
        return SpeakerKind.GENERIC
    if lettered := _LETTERED.fullmatch(folded):
        return _kind_of_lettered(lettered["who"], lettered["letters"])
    words = [word for word in folded.split() if word not in _ADJECTIVES]
    word = words[0] if len(words) == 1 else ""
    if word in _GROUPS or (word.endswith("s") and word[:-1] in _ROLES | _ANYBODY):
        return SpeakerKind.GROUP
    if word in _ANYBODY or _GENDERED_VOICE.fullmatch(folded):
        return SpeakerKind.UNKNOWN
    return SpeakerKind.GENERIC if word in _ROLES else SpeakerKind.NAMED


def is_described(name: str) -> bool:
    """Whether a name says what somebody is or where, and not who: `MAN ON TV`, `TAXI DRIVER`."""
    head, *where = _WHERE.split(normalise(name))
    *before, word = head.split() or [""]
    if word in _ANYBODY | {"voice"}:
        return bool(before or where)
    described = bool(where) or (bool(before) and _DESCRIBING.issuperset(before))
    return word in _ROLES and described and _DESCRIBING.issuperset(before)


def _kind_of_lettered(who: str | None, letters: str | None) -> SpeakerKind:
    """`Boy A` is somebody of one episode; `Malcolm X` is a person, and counting begins with A."""
    kind = _kind_of_person(who) if who else SpeakerKind.GENERIC
    if who and who.count(" ") > 1:  # `correct answer was C`
        return SpeakerKind.NAMED
    if kind is SpeakerKind.GROUP or (
        kind is SpeakerKind.NAMED and letters and not _FIRST_LETTERS.issuperset(letters)
    ):
        return kind
    return SpeakerKind.GENERIC
