from __future__ import annotations

import pytest
from pydantic import SecretStr

from app.node.banner import page
from app.node.generated import KeptSecrets
from tests.config.test_settings import ACCOUNT, load


@pytest.mark.parametrize(("made", "shown", "printed"), [(1, 0, True), (1, 1, False), (0, 0, False)])
def test_the_generated_admin_password_is_printed_once_and_only_where_it_is_the_admins(
    made: int, shown: int, printed: bool
) -> None:
    kept = KeptSecrets(SecretStr("key"), SecretStr("generated!"), "n", bool(made), bool(shown))
    text = "\n".join(page(load(**ACCOUNT), "http://127.0.0.1:8000", None, kept))
    assert ("generated!" in text) is printed
    assert "flask kf reset-password admin" in text


def test_the_links_are_those_that_people_can_follow() -> None:
    kept = KeptSecrets(SecretStr("key"), SecretStr("generated!"), "n", False, False)
    settings = load(**ACCOUNT, KF_PUBLIC_URL="https://kf.example.com")
    lines = list(page(settings, "http://127.0.0.1:8000", None, kept))
    links = [word for line in lines for word in line.split() if "://" in word]
    assert links[0] == "http://127.0.0.1:8000"
    assert [link.rpartition("/")[0] for link in links[1:3]] == ["https://kf.example.com"] * 2
