"""What may become a password."""

from __future__ import annotations

import pytest

from app.auth.password_rules import GuessedPassword, WeakPassword, check
from app.auth.passwords import generate

NAMES = ("xiaolin", "客服小林", "kf2001")


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "PassWord",
        "ｐａｓｓｗｏｒｄ",
        "12345678",
        "23456789",
        "hgfedcba",
        "aaaaaaaa",
        "abababab",
        "        ",
        "   abc   ",
        "woaini1314",
        "xiaolin1",
        "XiaoLin123",
        "xiaolinxiaolin",
        "xiao.lin.01",
        "客服小林客服小林",
        "kf2001kf2001",
        "kfring123",
    ],
)
def test_what_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(GuessedPassword) as caught:
        check(password, NAMES)
    if password not in "this is one of the most common passwords":
        assert password not in str(caught.value)


@pytest.mark.parametrize("password", ["short", "x" * 257])
def test_the_limits_hold(password: str) -> None:
    with pytest.raises(WeakPassword):
        check(password, NAMES)


@pytest.mark.parametrize(
    "password",
    ["开门芝麻12345", "correct horse", "admin-password-1", "xiaolin-and-her-cat", "a b c d e f g"],
)
def test_others_are_taken(password: str) -> None:
    check(password, (*NAMES, "", None, "a"))
    check(generate(), NAMES)
