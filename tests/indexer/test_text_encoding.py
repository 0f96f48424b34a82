import codecs

import pytest

from indexer.complaint import Complaint
from indexer.text_encoding import GB18030, UTF_8, UTF_16, find_encoding, find_fault, lines_of

CHINESE = "标准问,答案\n怎么申请退款？,打开订单，点“申请退款”。\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"", UTF_8),
        (b"plain", UTF_8),
        (CHINESE.encode(), UTF_8),
        (CHINESE.encode("utf-8-sig"), UTF_8),
        (codecs.BOM_UTF16_LE + CHINESE.encode("utf-16-le"), UTF_16),
        (codecs.BOM_UTF16_BE + CHINESE.encode("utf-16-be"), UTF_16),
        (CHINESE.encode("gb18030"), GB18030),
        (CHINESE.encode("gbk"), GB18030),
        ((CHINESE + "𠮷野家😀,€").encode("gb18030"), GB18030),
        ("a,怎么付款\n".encode("gb2312"), GB18030),
    ],
)
def test_an_encoding_is_recognised_and_the_text_is_read_back(content, encoding):
    assert find_encoding("faq.csv", content) is encoding
    text = "".join(lines_of(content, encoding))
    assert text.encode(encoding.codec) in (
        content,
        content.removeprefix(codecs.BOM_UTF8),
        codecs.BOM_UTF8 + content,
    ) or (encoding is UTF_16 and text == CHINESE)


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("Où est mon colis ? Déjà expédié, à côté\n", "latin-1"),
        ("Wo ist mein Päckchen? Größe, Übergröße\n", "cp1252"),
        ("Где моя посылка? Она уже в пути, спасибо\n", "cp1251"),
        ("Где моя посылка? Она уже в пути, спасибо\n", "koi8-r"),
        ("어떻게 비밀번호를 재설정합니까? 설정에서 가능합니다\n", "euc-kr"),
        ("パスワードを忘れました。どうすればいいですか\n", "shift-jis"),
        ("パスワードを忘れました。どうすればいいですか\n", "euc-jp"),
        ("我忘記密碼了怎麼辦？請問如何重設密碼\n", "big5"),
    ],
)
def test_what_is_not_chinese_in_gb18030_is_a_complaint_and_never_read_as_such(text, codec):
    assert isinstance(find_encoding("faq.csv", ("question,answer\n" + text * 20).encode(codec)), Complaint)


def test_chinese_in_utf_8_with_a_broken_byte_is_a_complaint_and_not_gb18030():
    content = (CHINESE * 20).encode()
    for position in range(0, len(content), 7):
        broken = content[:position] + b"\xff" + content[position + 1 :]
        assert isinstance(find_encoding("faq.csv", broken), Complaint)
        cut = content[:position] + content[position + 1 :]
        assert find_encoding("faq.csv", cut) in (UTF_8, find_fault("faq.csv", cut))


@pytest.mark.parametrize(
    ("content", "row", "problem"),
    [
        (b"one\r\ntwo\n\xce x", 3, "is not UTF-8 (byte 0xce at offset 9 of the file)"),
        (b"\xef\xbb\xbfone\r\xff", 2, "is not UTF-8 (byte 0xff at offset 7 of the file)"),
        (codecs.BOM_UTF16_LE + "a\nb".encode("utf-16-le") + b"\x00\xd8", 2, "is not UTF-16 (byte 0x00 at offset 8 of"),
        (b"a,\xed\xa0\x80\n", 1, "is not UTF-8 (byte 0xed at offset 2 of the file)"),
    ],
)
def test_a_byte_that_fits_no_encoding_is_named_with_its_line(content, row, problem):
    complaint = find_encoding("faq.csv", content)
    assert isinstance(complaint, Complaint)
    assert complaint.row == row
    assert complaint.problem.startswith(problem)


def test_lines_end_in_three_ways_and_not_at_a_separator_inside_a_text():
    assert list(lines_of("a\r\nb\rc\u2028\x0bd\n".encode())) == ["a\r\n", "b\r", "c\u2028\x0bd\n"]
