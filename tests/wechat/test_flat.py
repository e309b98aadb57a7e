"""The quick reader reads what expat reads, and that the same; whatever else comes is left to expat."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.wechat.flat import FIELDS_MAX, read_flat
from app.wechat.xml import BadPush, _read_any
from tests.wechat.test_abuse import ABUSE

MARKUP = (
    "<xml> </xml> <A> </A> <B1> </B1> <A/> <![CDATA[ ]]> ] ]] &lt; &#65; & < > <!----> <!DOCTYPE"
)
ODD = " \n\t\rx字\U0001f600\0\x01\x0b\x7f\x85\u2028\ufeff\ufffe\uffff"
PIECES = st.sampled_from([*MARKUP.split(), *ODD, "\r\n", "<A b='c'>", "<?a b?>", "<!DOCTYPE xml>"])
VALUES = st.text(max_size=20) | st.lists(PIECES, max_size=4).map("".join)
NAMES = st.sampled_from(["A", "B", "MsgId", "_c9", "é", "a:b", "9", "x" * 64, "x" * 65])
ENDS = st.sampled_from(["", "", "\n", " ", "\ufeff", "x", "<!---->"])


def field(name: str, value: str, cdata: bool, inside: str) -> str:
    return f"<{name}>{f'<![CDATA[{value}]]>' if cdata else value}{inside}</{name}>"


FIELDS = st.builds(field, NAMES, VALUES, st.booleans(), st.sampled_from(["", "", "", "\n", "y"]))
PUSHES = st.builds(
    lambda before, fields, between, after: (
        f"{before}<xml>{between.join(fields)}{between}</xml>{after}"
    ),
    ENDS,
    st.lists(FIELDS, max_size=5),
    st.sampled_from(["", "\n", " \t", "\r\n", "z"]),
    ENDS,
)


def agrees(body: bytes) -> None:
    found = read_flat(body)
    if found is not None:
        assert found == _read_any(body)


@settings(max_examples=1500, deadline=None)
@given(PUSHES)
@example("<xml><A>]]></A></xml>")
@example("<xml><A><![CDATA[a]]]]></A></xml>")
@example("<xml><A><![CDATA[a]]><![CDATA[b]]></A></xml>")
@example("<xml><A>1</A><A>2</A></xml>")
def test_a_push_with_odd_places_is_read_as_expat_reads_it_or_left_to_it(push: str) -> None:
    agrees(push.encode("utf-8", "surrogatepass"))


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_pieces_of_xml_in_any_order_too(text: str) -> None:
    agrees(text.encode())


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40))
def test_and_any_bytes_in_a_field(data: bytes) -> None:
    agrees(b"<xml><A>" + data + b"</A></xml>")
    agrees(b"<xml><A><![CDATA[" + data + b"]]></A></xml>")


@pytest.mark.parametrize("name", ABUSE)
def test_nothing_abusive_is_read_quickly_unless_expat_takes_it(name: str) -> None:
    agrees(ABUSE[name])


def test_what_the_platform_sends_is_read_quickly() -> None:
    body = "<xml><To><![CDATA[gh_1]]></To>\n<Time>1</Time>\n<Empty></Empty><T><![CDATA[字]]></T></xml>\n"
    assert read_flat(body.encode()) == {"To": "gh_1", "Time": "1", "Empty": "", "T": "字"}


def test_too_many_fields_are_left_to_expat_which_refuses_them() -> None:
    body = "".join(f"<f{n}>1</f{n}>" for n in range(FIELDS_MAX + 1))
    assert read_flat(f"<xml>{body}</xml>".encode()) is None
    many = "".join(f"<f{n}>1</f{n}>" for n in range(400))
    with pytest.raises(BadPush):
        _read_any(f"<xml>{many}</xml>".encode())
