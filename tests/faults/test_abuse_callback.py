"""What anybody on the internet may send to the callback, and what WeChat may send oddly."""

from __future__ import annotations

import random
import select
import socket
import threading
import time

import pytest

from tests.conversations.conftest import Office
from tests.conversations.conftest import engine as engine
from tests.conversations.conftest import office as office
from tests.faults.cluster import Site, rss_mb
from tests.faults.conftest import Sheet, proof
from tests.faults.load import Load
from tests.faults.rows import covers
from tests.support import free_port, wait_until


@covers(31)
def test_pushes_out_of_order_are_kept_in_the_order_they_arrived(
    office: Office, sheet: Sheet
) -> None:
    office.agent("a@x", seats=5)
    stamps = list(range(100, 130))
    random.Random(7).shuffle(stamps)
    for stamp in stamps:
        office.says("o1", str(stamp), created_s=stamp, msg_id=str(stamp), dedup_key=f"m:o1:{stamp}")
    (sid,) = office.account.seats.held("a@x")
    stored = office.account.queries.messages(sid, 0, 100)
    assert [m["text"] for m in stored] == [str(stamp) for stamp in stamps]
    assert [m["seq"] for m in stored] == list(range(1, 31))
    sheet.held("seq is the order accepted, and the order shown")


@covers(32)
def test_the_same_event_twice_has_one_effect(office: Office, sheet: Sheet) -> None:
    office.agent("a@x")
    key = {"kind": "event", "type": "event", "event": "CLICK", "event_key": "人工"}
    first = office.says("o1", "", msg_id="", dedup_key="e:o1:5:CLICK:人工", **key)
    second = office.says("o1", "", msg_id="", dedup_key="e:o1:5:CLICK:人工", **key)
    assert (first.repeated, second.repeated) == (False, True)
    assert first.session_id == second.session_id
    assert len(office.account.queries.messages(first.session_id, 0, 10)) == 1
    sheet.held("one conversation, one line")


@pytest.mark.parametrize("way", ["node", "nginx"])
@covers(47)
def test_ten_megabytes_declared_or_chunked_are_refused_and_cost_no_memory(
    site: Site, load: Load, sheet: Sheet, way: str
) -> None:
    node = site.nodes[0]
    assert node.process is not None
    before = rss_mb(node.process.pid)
    port = node.port if way == "node" else site.nginx.port
    path = f"/wechat/callback/{site.credentials.appid}"
    declared = refused(port, path, "Content-Length: 10000000", b"")
    chunked = refused(port, path, "Transfer-Encoding: chunked", b"10000\r\n")
    assert (declared, chunked) == (413, 411 if way == "node" else 413)
    assert rss_mb(node.process.pid) - before < 40
    load.staff(1)
    load.rush(load.crowd(2))
    proof(load, sheet)
    sheet.held(f"{way}: {declared} declared, {chunked} chunked")


def refused(port: int, path: str, how: str, begin: bytes) -> int:
    """The status that comes while ten megabytes are on their way; nothing more is sent after it."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n{how}\r\n\r\n"
    block = begin + b"x" * 65_536 + (b"\r\n" if begin else b"")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(head.encode())
        for _ in range(160):
            if select.select([sock], [], [], 0.2)[0]:
                break
            sock.sendall(block)
        return int(sock.recv(64).split(b" ")[1])


@pytest.mark.parametrize("way", ["node", "nginx"])
@covers(48)
def test_two_hundred_slow_bodies_hold_up_nobody(
    site: Site, load: Load, sheet: Sheet, way: str
) -> None:
    """At the node itself as long as threads are left, at the proxy always."""
    load.staff(2)
    port = site.nodes[0].port if way == "node" else site.nginx.port
    path = f"/wechat/callback/{site.credentials.appid}"
    slow = []
    for _ in range(200):
        sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        sock.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n<".encode())
        slow.append(sock)
    pushes = load.rush(load.crowd(10), each=2)
    for sock in slow:
        sock.close()
    assert all(push.tries == 1 for push in pushes)
    slowest = max(push.seconds for push in pushes)
    proof(load, sheet)
    sheet.held(f"{way}: slowest callback beside them {slowest:.2f} s")


@covers(60)
def test_addresses_in_a_message_are_never_fetched(site: Site, load: Load, sheet: Sheet) -> None:
    load.staff(1)
    (openid,) = load.crowd(1)
    load.says(openid)
    trap, hits = socket.socket(), []
    port = free_port()
    trap.bind(("127.0.0.1", port))
    trap.listen(8)
    trap.settimeout(0.5)

    def listen() -> None:
        while True:
            try:
                client, _ = trap.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            hits.append(1)
            client.close()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    for number, address in enumerate((f"http://127.0.0.1:{port}/p.jpg", "http://169.254.169.254/")):
        inner = (
            f"<xml><ToUserName><![CDATA[gh_0123456789ab]]></ToUserName>"
            f"<FromUserName><![CDATA[{openid}]]></FromUserName>"
            f"<CreateTime>{int(time.time())}</CreateTime><MsgType><![CDATA[image]]></MsgType>"
            f"<PicUrl><![CDATA[{address}]]></PicUrl><MediaId><![CDATA[m{number}]]></MediaId>"
            f"<MsgId>{77 + number}</MsgId></xml>"
        )
        assert site.nodes[0].push_xml(inner).status_code == 200
    client, prefix = site.client(), f"kf:{{{site.credentials.appid}}}:"
    wait_until(lambda: client.zcard(prefix + "mediaq") == 0, 40)
    trap.close()
    thread.join(5)
    assert hits == []
    sheet.held("0 connections to the forged address")
