"""The API client against a real HTTP server: what it sends, and what it makes of each answer."""

from __future__ import annotations

import io
import itertools
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator

import pytest
from urllib3 import PoolManager

from app.wechat.api import (
    NotConnected,
    OutcomeUnknown,
    PlatformRefused,
    WeChatApi,
    WeChatFailure,
    safe_filename,
)
from app.wechat.errors import MEANINGS, Kind, meaning, reason
from app.wechat.http import BODY_BYTES_MAX
from app.wechat.tokens import TokenUnavailable
from tests.support import free_port
from tests.wechat.conftest import FixedTokens
from tests.wechat.platform import Platform, Reply, error, ok
from tests.wechat.pushes import account

TEXT = {"msgtype": "text", "text": {"content": "您好 😀"}}
KF = "/customservice/kfaccount/"


def send(api: WeChatApi) -> object:
    return api.send_custom("oA", TEXT)


def html(status: int) -> Reply:
    return Reply(b"<html>oops</html>", status, {"Content-Type": "text/html"})


def test_a_message_goes_out_as_raw_utf8_under_the_agents_name(
    api: WeChatApi, platform: Platform
) -> None:
    accepted = api.send_custom("oA", TEXT, "kf1@shop")
    (request,) = platform.requests
    assert accepted.data["errcode"] == 0
    assert (request.method, request.path) == ("POST", "/cgi-bin/message/custom/send")
    assert request.query == {"access_token": "token-1"}
    assert "您好 😀".encode() in request.body
    assert request.json == {
        "touser": "oA",
        **TEXT,
        "customservice": {"kf_account": "kf1@shop"},
    }


def test_a_lone_surrogate_does_not_break_the_call(api: WeChatApi, platform: Platform) -> None:
    api.send_custom("oA", {"msgtype": "text", "text": {"content": "a\ud800b"}})
    assert platform.requests[0].json["text"]["content"] == "a?b"


@pytest.mark.parametrize(
    ("call", "method", "path", "body"),
    [
        (
            lambda api: api.typing("oA"),
            "POST",
            "/cgi-bin/message/custom/typing",
            {"touser": "oA", "command": "Typing"},
        ),
        (
            lambda api: api.typing("oA", active=False),
            "POST",
            "/cgi-bin/message/custom/typing",
            {"touser": "oA", "command": "CancelTyping"},
        ),
        (
            lambda api: api.kf_add("a@b", "小王"),
            "POST",
            KF + "add",
            {"kf_account": "a@b", "nickname": "小王"},
        ),
        (
            lambda api: api.kf_update("a@b", "n"),
            "POST",
            KF + "update",
            {"kf_account": "a@b", "nickname": "n"},
        ),
        (lambda api: api.kf_delete("a@b"), "POST", KF + "del", {"kf_account": "a@b"}),
        (
            lambda api: api.kf_invite("a@b", "wx_li"),
            "POST",
            KF + "inviteworker",
            {"kf_account": "a@b", "invite_wx": "wx_li"},
        ),
        (
            lambda api: api.update_remark("oA", "老客户"),
            "POST",
            "/cgi-bin/user/info/updateremark",
            {"openid": "oA", "remark": "老客户"},
        ),
    ],
)
def test_each_call_uses_the_documented_path_and_body(
    api: WeChatApi,
    platform: Platform,
    call: Callable[[WeChatApi], object],
    method: str,
    path: str,
    body: dict[str, str],
) -> None:
    call(api)
    (request,) = platform.requests
    assert (request.method, request.path, request.json) == (method, path, body)


def test_lists_and_user_facts_are_read(api: WeChatApi, platform: Platform) -> None:
    answers = {
        "/cgi-bin/customservice/getkflist": ok(kf_list=[{"kf_account": "a@b"}]),
        "/cgi-bin/customservice/getonlinekflist": ok(kf_online_list=[]),
        "/cgi-bin/user/info": ok(subscribe=1, openid="oA", remark="r"),
        "/cgi-bin/getcallbackip": ok(ip_list=["101.226.103.0/25"]),
    }
    platform.answer = lambda request: answers[request.path]
    assert api.kf_list() == [{"kf_account": "a@b"}]
    assert api.kf_online() == []
    assert api.user_info("oA")["remark"] == "r"
    assert api.callback_ips() == ["101.226.103.0/25"]
    assert platform.seen("/cgi-bin/user/info")[0].query["lang"] == "zh_CN"


@pytest.mark.parametrize("answer", [ok(), ok(kf_list="x"), ok(kf_list=["x"])])
def test_a_list_that_is_none_is_unknown(api: WeChatApi, platform: Platform, answer: Reply) -> None:
    platform.answer = lambda _request: answer
    with pytest.raises(OutcomeUnknown):
        api.kf_list()


def test_uploads_are_sent_whole_on_the_retry_too(api: WeChatApi, platform: Platform) -> None:
    answers = iter([error(42001), ok(type="image", media_id="m1", created_at=1)])
    platform.answer = lambda _request: next(answers)
    content = b"\xff\xd8" + b"x" * 5000
    assert api.upload_media("image", "图 片.jpg", content, "image/jpeg") == "m1"
    first, second = platform.requests
    assert first.query == {"access_token": "token-1", "type": "image"}
    assert second.query["access_token"] == "token-2"
    for request in (first, second):
        assert content in request.body
        assert b'name="media"; filename="' in request.body
        assert b'.jpg"' in request.body


def test_a_thumb_answers_with_its_own_name(api: WeChatApi, platform: Platform) -> None:
    platform.answer = lambda _request: ok(type="thumb", thumb_media_id="t1")
    assert api.upload_media("thumb", "t.jpg", b"x", "image/jpeg") == "t1"


def test_an_avatar_names_its_account_in_the_query(api: WeChatApi, platform: Platform) -> None:
    api.kf_avatar("a@b", "me.jpg", b"\xff\xd8")
    (request,) = platform.requests
    assert (request.path, request.query["kf_account"]) == (KF + "uploadheadimg", "a@b")


@pytest.mark.parametrize(
    ("name", "mime", "safe"),
    [
        ("a.png", "image/png", "a.png"),
        ("../../etc/passwd", "image/jpeg", "etc_passwd.jpg"),
        ('x";\r\nEvil: 1', "image/png", "x_Evil_1.png"),
        ("", "audio/amr", "upload.amr"),
        ("图片", "image/gif", "upload.gif"),
    ],
)
def test_filenames_are_made_safe(name: str, mime: str, safe: str) -> None:
    assert safe_filename(name, mime) == safe


def file_reply(**headers: str) -> Reply:
    return Reply(b"\xff\xd8data", headers={"Content-Type": "image/jpeg", **headers})


def test_media_is_downloaded_with_its_name(api: WeChatApi, platform: Platform) -> None:
    disposition = {"Content-Disposition": 'attachment; filename="a b.jpg"'}
    platform.answer = lambda _request: file_reply(**disposition)
    media = api.get_media("m1")
    assert media == (b"\xff\xd8data", "image/jpeg", "a_b.jpg")
    assert platform.requests[0].query == {"access_token": "token-1", "media_id": "m1"}


@pytest.mark.parametrize("content_type", ["application/json", "text/plain; charset=utf-8"])
def test_a_media_error_is_judged_by_its_code(
    api: WeChatApi, platform: Platform, content_type: str
) -> None:
    body = b'{"errcode":40007,"errmsg":"invalid media_id"}'
    platform.answer = lambda _request: Reply(body, headers={"Content-Type": content_type})
    with pytest.raises(PlatformRefused) as caught:
        api.get_media("m1")
    assert caught.value.errcode == 40007


def test_a_video_is_fetched_by_its_url_without_the_token(
    api: WeChatApi, platform: Platform
) -> None:
    url = platform.base_url + "/video.mp4"
    video = Reply(b"mp4", headers={"Content-Type": "video/mp4"})
    platform.answer = lambda request: video if "video" in request.path else ok(video_url=url)
    assert api.get_media("m1").content == b"mp4"
    assert platform.requests[1].query == {}


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/x",
        "http://10.0.0.1/x",
        "http://[::1]/x",
        "http://localhost/x",
        "http://redis:6379/",
        "file:///etc/passwd",
        "http://[broken",
        "",
    ],
)
def test_a_video_url_inside_our_network_is_not_fetched(
    api: WeChatApi, platform: Platform, url: str
) -> None:
    platform.answer = lambda _request: ok(video_url=url)
    with pytest.raises(NotConnected):
        api.get_media("m1")


@pytest.mark.parametrize("errcode", [45015, 45047, 43004, 45009, -1, 65401, 123456])
def test_a_refusal_carries_code_kind_and_words(
    api: WeChatApi, platform: Platform, errcode: int
) -> None:
    platform.answer = lambda _request: error(errcode)
    with pytest.raises(PlatformRefused) as caught:
        send(api)
    refused = caught.value
    assert (refused.errcode, refused.kind) == (errcode, meaning(errcode).kind)
    assert str(errcode) in refused.reason("zh")
    assert str(errcode) in refused.reason("en")
    assert len(platform.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        html(200),
        html(502),
        html(404),
        Reply(b'{"errcode":0,"errm'),
        Reply(b""),
        Reply(b"[]"),
        Reply(b'{"errcode":"x"}'),
        Reply(b'{"errcode":[]}x'),
        Reply(b"[" * 100_000),
        Reply(b"\xff\xfe"),
        Reply(status=500),
        Reply(
            status=302, headers={"Location": "http://127.0.0.1:1/", "Content-Length": "0"}, body=b""
        ),
        Reply(b'{"errcode":0}', headers={"Content-Length": "900"}, status=200),
        Reply(cut=True),
    ],
)
def test_an_answer_that_cannot_be_trusted_is_unknown_and_not_repeated(
    api: WeChatApi, platform: Platform, http: PoolManager, reply: Reply
) -> None:
    def answer(_request: object) -> Reply:
        return reply

    platform.answer = answer
    if "900" in reply.headers.values():
        reply.chunks = iter([reply.body])
    with pytest.raises(OutcomeUnknown):
        send(api)
    assert len(platform.requests) == 1


WRITES: dict[str, Callable[[WeChatApi], object]] = {
    "send": send,
    "typing": lambda api: api.typing("oA"),
    "kf_add": lambda api: api.kf_add("a@b", "小王"),
    "kf_update": lambda api: api.kf_update("a@b", "小王"),
    "kf_delete": lambda api: api.kf_delete("a@b"),
    "kf_invite": lambda api: api.kf_invite("a@b", "wx"),
    "kf_avatar": lambda api: api.kf_avatar("a@b", "x.jpg", b"x"),
    "update_remark": lambda api: api.update_remark("oA", "老客户"),
    "upload_media": lambda api: api.upload_media("image", "x.jpg", b"x", "image/jpeg"),
}
NO_ERRCODE = [
    b"{}",
    b'{"status":"error"}',
    b"null",
    b'""',
    b'{"errcode":null}',
    b'{"errcode":""}',
    b'{"errcode":[]}',
    b'{"errcode":{}}',
    b'{"errcode":0.5}',
    b'{"errcode":0.0}',
    b'{"errcode":false}',
    b'{"errcode":" 0"}',
]


@pytest.mark.parametrize("body", NO_ERRCODE, ids=lambda body: body.decode())
@pytest.mark.parametrize("call", WRITES.values(), ids=WRITES)
def test_a_call_that_writes_is_accepted_by_its_errcode_only(
    api: WeChatApi, platform: Platform, call: Callable[[WeChatApi], object], body: bytes
) -> None:
    platform.answer = lambda _request: Reply(body)
    with pytest.raises(OutcomeUnknown):
        call(api)
    assert len(platform.requests) == 1


@pytest.mark.parametrize("code", [b"0", b'"0"'])
def test_an_errcode_in_digits_is_read_as_a_number(
    api: WeChatApi, platform: Platform, code: bytes
) -> None:
    platform.answer = lambda _request: Reply(b'{"errcode":' + code + b"}")
    send(api)
    platform.answer = lambda _request: Reply(b'{"errcode":"45047"}')
    with pytest.raises(PlatformRefused):
        send(api)


@pytest.mark.parametrize("code", [b"[]", b'"x"', b"0.5", b"true"])
def test_a_call_that_reads_trusts_no_odd_errcode(
    api: WeChatApi, platform: Platform, code: bytes
) -> None:
    platform.answer = lambda _request: Reply(b'{"kf_list":[],"errcode":' + code + b"}")
    with pytest.raises(OutcomeUnknown):
        api.kf_list()


def test_a_4xx_with_an_errcode_is_a_refusal(api: WeChatApi, platform: Platform) -> None:
    platform.answer = lambda _request: Reply(b'{"errcode":45011}', status=429)
    with pytest.raises(PlatformRefused):
        send(api)


def test_a_server_that_accepts_and_says_nothing_is_left_after_3_s(
    api: WeChatApi, platform: Platform
) -> None:
    def hang(_request: object) -> Reply:
        platform.released.wait(20)
        return Reply()

    platform.answer = hang
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        send(api)
    assert 2.5 < time.monotonic() - began < 15


def test_a_dripping_answer_is_left_after_its_time(api: WeChatApi, platform: Platform) -> None:
    def drip() -> Iterator[bytes]:
        for _ in range(200):
            if platform.released.wait(0.1):
                return
            yield b" "

    platform.answer = lambda _request: Reply(chunks=drip())
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        send(api)
    assert time.monotonic() - began < 15, "before the last of what would drip for 20 s"


@pytest.mark.parametrize("chunked", [False, True])
def test_an_endless_answer_is_left_at_its_limit(
    api: WeChatApi, platform: Platform, chunked: bool
) -> None:
    block = b"x" * 65_536
    piece = b"10000\r\n" + block + b"\r\n" if chunked else block
    headers = {"Content-Type": "image/jpeg"}
    if chunked:
        headers["Transfer-Encoding"] = "chunked"
    platform.answer = lambda _request: Reply(headers=headers, chunks=itertools.repeat(piece))
    with pytest.raises(OutcomeUnknown, match="too large"):
        api.get_media("m1")
    assert BODY_BYTES_MAX == 10_485_760


def test_a_chunked_answer_is_read_whole(api: WeChatApi, platform: Platform) -> None:
    pieces = [b"3\r\n\xff\xd8a\r\n", b"2\r\nbc\r\n", b"0\r\n\r\n"]
    headers = {"Content-Type": "image/jpeg", "Transfer-Encoding": "chunked"}
    platform.answer = lambda _request: Reply(headers=headers, chunks=iter(pieces))
    assert api.get_media("m1").content == b"\xff\xd8abc"


def test_nobody_listening_is_not_connected(http: PoolManager, fixed_tokens: FixedTokens) -> None:
    api = WeChatApi(account(), fixed_tokens, f"http://127.0.0.1:{free_port()}", http)
    with pytest.raises(NotConnected):
        send(api)


def test_an_unknown_host_is_not_connected(http: PoolManager, fixed_tokens: FixedTokens) -> None:
    api = WeChatApi(account(), fixed_tokens, "http://nowhere.invalid", http)
    with pytest.raises(NotConnected):
        send(api)


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
def test_an_invalid_token_is_renewed_and_the_call_repeated_once(
    api: WeChatApi, platform: Platform, fixed_tokens: FixedTokens, errcode: int
) -> None:
    platform.answer = lambda request: (
        error(errcode) if request.query["access_token"] == "token-1" else ok(errcode=0)
    )
    send(api)
    assert fixed_tokens.renewed == ["token-1"]
    assert [request.query["access_token"] for request in platform.requests] == [
        "token-1",
        "token-2",
    ]
    assert platform.requests[0].body == platform.requests[1].body


def test_a_token_refused_twice_is_a_refusal(api: WeChatApi, platform: Platform) -> None:
    platform.answer = lambda _request: error(40001)
    with pytest.raises(PlatformRefused) as caught:
        send(api)
    assert caught.value.kind is Kind.TOKEN
    assert len(platform.requests) == 2


def test_no_failure_or_log_line_carries_the_token(
    api: WeChatApi, platform: Platform, http: PoolManager, fixed_tokens: FixedTokens
) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    closed = WeChatApi(account(), fixed_tokens, f"http://127.0.0.1:{free_port()}", http)
    try:
        for reply in (Reply(), error(45015), html(500), Reply(cut=True)):
            platform.answer = lambda _request, reply=reply: reply
            _tell(stream, api)
        _tell(stream, closed)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    text = stream.getvalue()
    assert "/cgi-bin/message/custom/send" in text
    assert "token-1" not in text
    assert "您好" not in text


def _tell(stream: io.StringIO, api: WeChatApi) -> None:
    try:
        send(api)
    except WeChatFailure as failure:
        stream.write("".join(traceback.format_exception(failure)))
        assert failure.__context__ is None
        assert failure.__cause__ is None


def test_many_threads_share_one_pool(api: WeChatApi, platform: Platform) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(10):
                send(api)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(platform.requests) == 80


def test_the_error_table_has_words_for_every_code() -> None:
    for errcode, row in MEANINGS.items():
        assert row.code.isidentifier()
        assert row.zh
        assert row.en
        assert reason(errcode, "zh").startswith(row.zh)
        assert reason(errcode, "en").startswith(row.en)
    assert meaning(777777).code == "unknown_code"


CODES = {
    *(45037, 45038, 45050, 45063, 45086, 45087, 45094, 45098, 45099, 45102, 45103, 45501),
    *(61400, 61401, 70000, 43005, 43006),
    *(40003, 40013, 40008, 40036, 40039, 40062, 40037, 40165, 40166, 45051, 40246, 40247, 40249),
    *(43004, 43101, 43100, *range(43102, 43109), 43116, 45009, 45168, 47003, 48001, 48004),
    *(*range(200011, 200023), 200100, 20001, 20002, 40400, 404),
    *(*range(40016, 40028), 40033, 40054, 40055, 45010, 45048, 45064, 46003, 53600),
    *(*range(65301, 65321), 40052, 40053, 40129, 45029),
    *(61003, 61004, 61005, 61006, 61007, *range(61009, 61020), 61023, 61024, 61025, 61028, 61029),
    *range(89000, 89005),
    *(*range(45002, 45009), 40066, 45015, 45047, 45166, 48002, 43019, 48008, 50002, 48006),
}
"""Every code of wechat-platform-2 12, 15.5, 16, 18 and 19."""


def test_every_code_that_the_platform_documents_has_words() -> None:
    missing = CODES - set(MEANINGS)
    assert missing == set()
    assert meaning(45009).kind is Kind.QUOTA and meaning(45029).kind is not Kind.QUOTA
    assert meaning(45015).kind is Kind.BUDGET


def test_the_sender_can_tell_kinds_apart() -> None:
    kinds = {code: meaning(code).kind for code in (-1, 45011, 42001, 45015, 45047, 45009, 40164)}
    assert kinds == {
        -1: Kind.RETRY,
        45011: Kind.RETRY,
        42001: Kind.TOKEN,
        45015: Kind.BUDGET,
        45047: Kind.BUDGET,
        45009: Kind.QUOTA,
        40164: Kind.CONFIG,
    }


def test_no_token_means_nothing_was_sent() -> None:
    assert issubclass(TokenUnavailable, NotConnected)
