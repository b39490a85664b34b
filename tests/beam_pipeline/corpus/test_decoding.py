from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipeline.corpus.decoding import decode, is_broken
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_marks_and_utf_8_are_read_exactly(encoding: str) -> None:
    decoded = decode("Grüße, мир, 世界".encode(encoding))
    assert (decoded.text, decoded.encoding) == ("Grüße, мир, 世界", encoding)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_utf_8_is_never_taken_for_anything_else(text: str) -> None:
    if "\ufeff" not in text:
        decoded = decode(text.encode())
        assert decoded.encoding == "utf-8"
        assert decoded.text == text or decoded.twice


@pytest.mark.parametrize(
    "text",
    [
        "café",
        "Ça va? J'ai été là, père et mère, où êtes-vous?\n" * 3,
        "Ich möchte gern über die Straße gehen, schöne Grüße\n" * 8,
        "El niño mañana jugará, ¿qué pasó con la canción?\n" * 8,
        "Hej på dig, går det bra? Vi ses på måndag kväll.\n" * 8,
    ],
)
def test_latin_1_is_read_as_windows_1252(text: str) -> None:
    decoded = decode(text.encode("latin-1"))
    assert (decoded.text, decoded.encoding) == (text, "cp1252")


def test_windows_quotes_and_undefined_bytes_are_read() -> None:
    assert decode(b"\x93Hi\x94 \x81").text == "“Hi” \x81"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Привет, как дела? Всё хорошо, спасибо.\n" * 5, "cp1251"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy.\n" * 5, "cp1250"),
        ("こんにちは、元気ですか。今日はいい天気ですね。\n" * 5, "cp932"),
        ("你好，今天天气很好，我们去公园吧。\n" * 5, "gb18030"),
        ("안녕하세요 오늘 날씨가 좋네요\n" * 5, "cp949"),
    ],
)
def test_other_alphabets_are_detected_even_behind_much_ascii(text: str, encoding: str) -> None:
    data = b"1\n00:00:01,000 --> 00:00:02,000\n" * 10_000 + text.encode(encoding)
    decoded = decode(data)
    assert decoded.encoding == encoding
    assert decoded.text.endswith(text)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["Hello", "1\n00:00:01,000 --> 00:00:02,000\n你好，мир\n"])
def test_utf_16_is_known_without_a_mark(text: str, encoding: str) -> None:
    decoded = decode(text.encode(encoding))
    assert (decoded.text, decoded.encoding) == (text, encoding)


@pytest.mark.parametrize(
    "text", ["Grüße an dich, schöne Frau Müller", "Привет, как дела?", "今日はいい"]
)
def test_utf_8_with_a_broken_byte_is_utf_8_but_for_that_byte(text: str) -> None:
    decoded = decode(text.encode() + b"\xe9 or so")
    assert decoded.encoding == "utf-8"
    assert decoded.text.startswith(text)
    assert is_broken(decoded.text)


@pytest.mark.parametrize("data", [bytes(99), bytes(range(256)), b"\1\0\2\0\3\0", b"H\0i\0\0"])
def test_binary_data_is_refused(data: bytes) -> None:
    with pytest.raises(RefusalError) as error:
        decode(data)
    assert error.value.reason is Reason.UNDECODABLE


POLISH = "Zażółć gęślą jaźń, proszę cię.\n"
GREEK = "Καλημέρα, τι κάνεις;\n"


@pytest.mark.parametrize(
    ("text", "encoding", "language"),
    [
        (POLISH, "cp1250", "pl"),
        ("Őrült tűz, hűvös őszi eső.\n", "cp1250", "hu"),
        ("Привет, как дела?\n", "cp1251", "ru"),
        (GREEK, "cp1253", "el"),
        ("Çok güzel, teşekkür ederim, iyi değilim.\n", "cp1254", "tr"),
        ("今日はいい天気ですね。\n", "cp932", "ja"),
        ("今天的水很冷。\n", "gb18030", "zh"),
        ("今天的水很冷，你為什麼不說？\n", "big5", "zh-TW"),
        ("물이 차갑다.\n", "cp949", "ko"),
        ("น้ำเย็นมาก\n", "cp874", "th"),
    ],
)
def test_a_short_text_is_read_in_an_encoding_of_its_language(
    text: str, encoding: str, language: str
) -> None:
    decoded = decode(text.encode(encoding), language)
    assert (decoded.text, decoded.encoding) == (text, encoding)
    head = f"WEBVTT\nLanguage: {language}\n\n".encode()
    assert decode(head + text.encode(encoding)).text.endswith(text)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("どうしてもっと早く言わなかったの？\n", "cp932"),
        ("どうしてもっと早く言わなかったの？\n", "euc_jp"),
        ("วันนี้น้ำเย็นมาก\n", "cp874"),
        ("لماذا لم تخبرني من قبل؟\n", "cp1256"),
        ("왜 더 일찍 말하지 않았어?\n", "cp949"),
        ("Почему ты не сказал мне раньше?\n", "cp1251"),
        ("Почему ты не сказал мне раньше?\n", "koi8_r"),
        ("ПОЧЕМУ ТЫ НЕ СКАЗАЛ МНЕ РАНЬШЕ?\n", "koi8_r"),
        ("Почему ты не сказал мне раньше?\n", "cp866"),
        ("Чому ти не сказав мені раніше?\n", "cp1251"),
        ("Dlaczego mi nie powiedziałeś wcześniej?\n", "cp1250"),
        ("Dlaczego mi nie powiedziałeś wcześniej? Żółw.\n", "iso8859_2"),
        ("Proč jsi mi to neřekl dřív?\n", "cp1250"),
        ("Nem tudtam, hogy vársz. Őrült űrhajó.\n", "cp1250"),
        ("Neden söylemedin? Şimdi değil. Beklediğini bilmiyordum.\n", "cp1254"),
        ("Kodėl man nepasakei anksčiau? Nežinojau.\n", "cp1257"),
        ("Je suis allé à la pêche, où es-tu né ? Ça va.\n", "cp1252"),
        ("¿Dónde estás, señor? Mañana comió.\n", "cp1252"),
        ("Größe zählt, schöne Grüße.\n", "cp1252"),
    ],
)
def test_a_short_text_is_known_by_its_script_or_its_spelling(text: str, encoding: str) -> None:
    decoded = decode(text.encode(encoding))
    assert (decoded.text, decoded.encoding) == (text, encoding)


@pytest.mark.parametrize("name", ["windows-1250", "WINDOWS-1250"])
def test_an_encoding_that_the_file_declares_is_used(name: str) -> None:
    head = f'<?xml version="1.0" encoding="{name}"?>\n'
    assert decode((head + POLISH).encode("cp1250")).text == head + POLISH


def test_an_encoding_that_is_declared_in_vain_is_passed_over() -> None:
    head = b'<?xml version="1.0" encoding="rot13"?>\n'
    assert decode(head + b"caf\xe9\n").text.endswith("café\n")


@given(st.sampled_from(["I don’t know why.", "♪ La la ♪", "„Schöne Grüße“", "Привет, мир"]))
@pytest.mark.parametrize("wrong", ["cp1252", "latin-1"])
def test_text_that_was_decoded_in_the_wrong_encoding_is_repaired(wrong: str, text: str) -> None:
    try:
        once = text.encode().decode(wrong)
    except UnicodeDecodeError:
        return
    decoded = decode(f"1\n{once}\nYes.\n".encode())
    assert (decoded.text, decoded.twice) == (f"1\n{text}\nYes.\n", True)


def test_a_script_whose_bytes_were_read_as_western_is_repaired() -> None:
    text = "Почему ты не сказал мне раньше?\n"
    decoded = decode(text.encode("cp1251").decode("latin-1").encode())
    assert (decoded.text, decoded.twice) == (text, True)


@pytest.mark.parametrize("text", ["Ünïcödé wörds\n", "naïve café, Ã is a letter\n", "Σύμφωνα\n"])
def test_text_that_is_sound_is_left_alone(text: str) -> None:
    assert decode(text.encode()) == decode(text.encode("utf-8-sig")).__class__(text, "utf-8")


def test_control_characters_of_windows_are_its_quotes() -> None:
    assert decode("don\x92t\n".encode()).text == "don’t\n"


def test_marks_zeros_and_doubled_line_ends_are_no_text() -> None:
    data = b"a\r\r\nb\r\r\n\xef\xbb\xbf1\r\r\n" + bytes(999) + b"c" + bytes(9)
    assert decode(data).text == "a\nb\n1\nc"
    assert decode(b"00:01 The ket\0tle is warm.\n\0\0\0").text == "00:01 The kettle is warm.\n"
