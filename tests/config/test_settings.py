from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from config.settings import CallbackMode, Settings, SettingsError, load_settings

AES_KEY = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
ACCOUNT = {
    "KF_APPID": "wx0123456789abcdef",
    "KF_APP_SECRET": "the-app-secret",
    "KF_TOKEN": "tok3n",
    "KF_ENCODING_AES_KEY": AES_KEY,
    "KF_WECHAT_ID": "shop",
}


def load(**variables: str) -> Settings:
    return load_settings(variables, env_file=None)


def refusal(**variables: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(**variables)
    return caught.value.lines


def test_without_any_variable_the_defaults_of_the_contract_hold() -> None:
    settings = load()
    assert (settings.host, settings.port, settings.data_dir) == ("127.0.0.1", 8000, Path("var"))
    assert settings.demo and settings.simulator_on
    assert settings.redis_url is None and settings.zookeeper_hosts is None
    assert settings.api_base == "https://api.weixin.qq.com"
    timings = (settings.idle_close_s, settings.sweep_s, settings.heartbeat_s)
    assert timings == (1800, 5, 30)
    assert (settings.presence_grace_s, settings.wait_limit_s, settings.max_sessions) == (
        30,
        86400,
        5,
    )
    assert (settings.load_factor, settings.affinity_days, settings.reopen_s) == (1.25, 7, 600)
    assert (settings.reply_budget, settings.agent_reply_s) == (5, 180)
    assert (settings.transfer_consent, settings.transfer_timeout_s) == (False, 60)
    assert (settings.transfer_limit_s, settings.queue_max, settings.streams_max) == (
        7200,
        1000,
        200,
    )
    assert settings.timezone == "Asia/Shanghai" and settings.role == "all"
    assert settings.warnings == ()


def test_an_empty_variable_counts_as_absent() -> None:
    settings = load(KF_APPID="", KF_REDIS_URL="", PORT="", KF_IDLE_CLOSE_S="")
    assert settings.demo and settings.redis_url is None and settings.port == 8000


def test_host_and_port_are_taken_with_and_without_the_prefix() -> None:
    assert load(PORT="9001", HOST="::1").port == 9001
    assert load(KF_PORT="9002", PORT="9001").port == 9002


def test_one_account_comes_from_the_single_variables() -> None:
    (account,) = load(**ACCOUNT).accounts
    assert (account.appid, account.wechat_id) == ("wx0123456789abcdef", "shop")
    assert account.token.get_secret_value() == "tok3n"
    assert account.callback_mode is CallbackMode.SAFE


def test_plain_mode_needs_no_aes_key() -> None:
    variables = {**ACCOUNT, "KF_CALLBACK_MODE": "plain", "KF_ENCODING_AES_KEY": ""}
    assert load(**variables).accounts[0].encoding_aes_key is None
    (line,) = refusal(**{**variables, "KF_CALLBACK_MODE": "compat"})
    assert line.startswith("KF_ENCODING_AES_KEY: is needed in compat mode")


@pytest.mark.parametrize("missing", ["KF_APPID", "KF_APP_SECRET", "KF_TOKEN"])
def test_a_missing_credential_is_named(missing: str) -> None:
    (line,) = refusal(**{**ACCOUNT, missing: ""})
    assert line.startswith(f"{missing} is missing")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KF_TOKEN", "a!"),
        ("KF_TOKEN", "x" * 33),
        ("KF_ENCODING_AES_KEY", AES_KEY[:-1]),
        ("KF_ENCODING_AES_KEY", "!" * 43),
        ("KF_ENCODING_AES_KEY_PREVIOUS", AES_KEY + "x"),
        ("KF_SECRET_KEY", "tooshort!"),
        ("KF_SECRET_KEY_PREVIOUS", "tooshort!"),
        ("KF_ZOOKEEPER_AUTH", "hunter22"),
        ("KF_ADMIN_PASSWORD", "sesame"),
        ("KF_REDIS_URL", "http://user:hunter22@host"),
        ("KF_REDIS_URL", "redis://user:hunter22@host:port/0"),
        ("KF_DATABASE_URL", "mysql://user:hunter22@host/x"),
        ("KF_DATABASE_URL", "postgresql://user:hunter22@host:99999/x"),
    ],
)
def test_a_bad_secret_is_named_and_never_shown(name: str, value: str) -> None:
    lines = refusal(**{**ACCOUNT, name: value})
    assert len(lines) == 1 and lines[0].startswith(f"{name}: ")
    assert value not in lines[0] and "hunter22" not in lines[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("KF_PORT", "70000"),
        ("KF_IDLE_CLOSE_S", "0"),
        ("KF_SWEEP_S", "-5"),
        ("KF_LOAD_FACTOR", "0.5"),
        ("KF_MAX_SESSIONS", "many"),
        ("KF_ROLE", "boss"),
        ("KF_CALLBACK_MODE", "open"),
        ("KF_TIMEZONE", "Mars/Olympus"),
        ("KF_PUBLIC_URL", "kf.example.com"),
        ("KF_WECHAT_API_BASE", "ftp://host"),
        ("KF_ZOOKEEPER_HOSTS", "zk1:2181,,zk2"),
        ("KF_NODE_ID", "a b"),
        ("KF_TRUSTED_PROXIES", "10.0.0.0/99"),
        ("KF_SIMULATOR", "perhaps"),
        ("KF_THREADS", "100"),
    ],
)
def test_a_bad_value_gives_one_line_that_names_the_variable(name: str, value: str) -> None:
    (line,) = refusal(**{name: value})
    assert line.startswith(name) and "\n" not in line


def test_every_bad_setting_gets_its_own_line() -> None:
    lines = refusal(KF_SWEEP_S="0", KF_QUEUE_MAX="x", KF_LOG_LEVEL="loud")
    assert len(lines) == 3


def test_every_mistake_of_every_kind_is_named_at_once() -> None:
    lines = refusal(
        KF_PORT="http",
        KF_SWEEP_S="0",
        KF_REDIS_URL="http://redis",
        KF_TOKEN="tok3n",
        KF_IDLE_CLOSES="4",
    )
    assert [line.split()[0].strip(":") for line in lines] == [
        "KF_PORT",
        "KF_SWEEP_S",
        "KF_APPID",
        "KF_REDIS_URL",
        "KF_IDLE_CLOSES",
    ]
    assert "KF_APPID and KF_APP_SECRET are missing" in lines[2]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KF_CALLBACK_MODE", "open"),
        ("KF_ROLE", "boss"),
        ("KF_STREAMS_MAX", "0"),
        ("KF_THREADS", "x"),
        ("KF_SECRET_KEY", "short"),
    ],
)
def test_a_setting_that_cannot_be_read_is_named_once_and_no_other_for_its_sake(
    name: str, value: str
) -> None:
    plain = {**ACCOUNT, "KF_ENCODING_AES_KEY": "", "KF_CALLBACK_MODE": "plain"}
    (line,) = refusal(**{**plain, "KF_ZOOKEEPER_HOSTS": "z:2181", name: value})
    assert line.startswith(name)


def test_split_roles_need_outside_redis_and_zookeeper() -> None:
    lines = refusal(**ACCOUNT, KF_ROLE="web")
    assert [line.split()[0] for line in lines] == ["KF_REDIS_URL", "KF_ZOOKEEPER_HOSTS"]
    outside = {"KF_REDIS_URL": "redis://r:6379/0", "KF_ZOOKEEPER_HOSTS": "z1:2181,z2:2181/kf"}
    assert load(**ACCOUNT, **outside, KF_ROLE="worker").role == "worker"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "kf.example.com"])
def test_the_demo_never_listens_where_others_can_reach_it(host: str) -> None:
    (line,) = refusal(HOST=host)
    assert host in line and "credentials" in line
    assert load(**ACCOUNT, HOST=host).host == host


def test_the_simulator_is_refused_with_credentials_on_an_open_address() -> None:
    (line,) = refusal(**ACCOUNT, HOST="0.0.0.0", KF_SIMULATOR="1")
    assert line.startswith("KF_SIMULATOR")
    assert load(**ACCOUNT, KF_SIMULATOR="1").simulator_on
    assert not load(**ACCOUNT).simulator_on


def test_no_credentials_and_no_simulator_is_a_missing_account() -> None:
    (line,) = refusal(KF_SIMULATOR="0")
    assert line.startswith("KF_APPID is missing")


def test_the_env_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("PORT=9001\nKF_SWEEP_S=7\nKF_IDLE_CLOSE_S=11\n")
    settings = load_settings({"PORT": "9002", "KF_IDLE_CLOSE_S": ""}, env_file)
    assert (settings.port, settings.sweep_s, settings.idle_close_s) == (9002, 7, 11)


def test_a_misspelt_variable_is_a_warning_with_the_nearest_name() -> None:
    (warning,) = load(KF_IDLE_CLOSES="4").warnings
    assert "KF_IDLE_CLOSES" in warning and "KF_IDLE_CLOSE_S?" in warning


def test_lists_are_split_at_commas() -> None:
    settings = load(KF_ENTRY_KEYS="human, help,", KF_TRUSTED_PROXIES="10.0.0.0/8,127.0.0.1")
    assert settings.entry_keys == {"human", "help"}
    assert [str(network) for network in settings.trusted_proxies] == [
        "10.0.0.0/8",
        "127.0.0.1/32",
    ]


def test_threads_leave_room_beside_the_event_streams() -> None:
    assert load(KF_STREAMS_MAX="10").thread_count == 96
    assert load(KF_STREAMS_MAX="500").thread_count == 564


def test_the_database_defaults_to_sqlite_in_the_data_folder(tmp_path: Path) -> None:
    url = load(KF_DATA_DIR=str(tmp_path)).sqlalchemy_url.get_secret_value()
    assert url == f"sqlite:///{tmp_path}/kfring.db"
    url = load(KF_DATABASE_URL="postgresql://u@h/kf").sqlalchemy_url.get_secret_value()
    assert url == "postgresql+psycopg://u@h/kf"


def accounts_file(folder: Path, *tables: str) -> str:
    path = folder / "accounts.toml"
    path.write_text("\n".join(f"[[accounts]]\n{table}" for table in tables))
    return str(path)


TABLE = f"""appid = "wx1"
app_secret = "s1"
token = "tok1"
encoding_aes_key = "{AES_KEY}"
"""


def test_several_accounts_come_from_a_file(tmp_path: Path) -> None:
    second = 'appid="wx2222"\napp_secret="s2"\ntoken="tok2"\nkind="miniprogram"\n'
    path = accounts_file(
        tmp_path, TABLE.replace("wx1", "wx1111"), second + 'callback_mode="plain"\n'
    )
    first, other = load(KF_ACCOUNTS_FILE=path).accounts
    assert (first.appid, first.callback_mode) == ("wx1111", "safe")
    assert (other.kind, other.callback_mode) == ("miniprogram", "plain")


def test_the_accounts_file_names_account_and_field_of_each_problem(tmp_path: Path) -> None:
    path = accounts_file(tmp_path, TABLE, 'appid="wx2222"\napp_secret="sec"\ntoken="a!"\nx=1\n')
    lines = refusal(KF_ACCOUNTS_FILE=path)
    assert any("account 1: appid" in line for line in lines)
    assert any("account 2: x" in line for line in lines)
    assert not any("sec" in line.split(": ", 1)[1].replace("secret", "") for line in lines)


def test_an_account_listed_twice_is_refused(tmp_path: Path) -> None:
    table = TABLE.replace("wx1", "wx1111")
    (line,) = refusal(KF_ACCOUNTS_FILE=accounts_file(tmp_path, table, table))
    assert "wx1111 stands there twice" in line


@pytest.mark.parametrize("text", ["", "accounts = 1", "secret = 'abc", "[accounts]\nx=1"])
def test_an_unusable_accounts_file_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "accounts.toml"
    path.write_text(text)
    (line,) = refusal(KF_ACCOUNTS_FILE=str(path))
    assert str(path) in line and "abc" not in line
    (line,) = refusal(KF_ACCOUNTS_FILE=str(tmp_path / "absent.toml"))
    assert "cannot be read" in line


def test_the_file_and_the_single_variables_exclude_each_other(tmp_path: Path) -> None:
    (line,) = refusal(**ACCOUNT, KF_ACCOUNTS_FILE=accounts_file(tmp_path, TABLE))
    assert "both set" in line


def test_no_secret_shows_in_the_representation() -> None:
    text = repr(load(**ACCOUNT, KF_REDIS_URL="redis://:hunter22@h:1/0"))
    assert "the-app-secret" not in text and AES_KEY not in text and "hunter22" not in text


ENCODINGS = [("gbk", "probably GBK"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16")]


@pytest.mark.parametrize(("encoding", "name"), ENCODINGS)
@pytest.mark.parametrize("kind", ["env", "accounts"])
def test_a_file_in_another_encoding_is_one_line_that_names_file_and_encoding(
    tmp_path: Path, kind: str, encoding: str, name: str
) -> None:
    file = tmp_path / kind
    file.write_bytes("KF_WECHAT_ID=shop\n# 商店的设置".encode(encoding))
    with pytest.raises(SettingsError) as caught:
        if kind == "env":
            load_settings({}, env_file=file)
        else:
            load(KF_ACCOUNTS_FILE=str(file))
    (line,) = caught.value.lines
    assert f"{file} is {name}, not UTF-8; save it as UTF-8" in line


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    env, accounts = tmp_path / ".env", tmp_path / "accounts.toml"
    table = (
        f'[[accounts]]\nappid = "wx0123456789abcdef"\napp_secret = "s"\ntoken = "tok3n"\n'
        f'encoding_aes_key = "{AES_KEY}"\nname = "商店"\n'
    )
    accounts.write_bytes(table.encode("utf-8-sig"))
    env.write_bytes(f"KF_ACCOUNTS_FILE={accounts}\r\nPORT=9003\r\n".encode("utf-8-sig"))
    settings = load_settings({}, env_file=env)
    assert ([a.name for a in settings.accounts], settings.port) == (["商店"], 9003)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("closed", ["file", "folder"])
def test_an_env_file_of_another_owner_is_one_line(closed: str) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        env = folder / ".env"
        env.write_text("PORT=9003\n")
        env.chmod(0o600)
        folder.chmod(0o755 if closed == "file" else 0o700)
        os.seteuid(65534)
        try:
            with pytest.raises(SettingsError) as caught:
                load_settings({}, env_file=env)
        finally:
            os.seteuid(0)
    assert caught.value.lines == [f"{env} cannot be read: Permission denied"]
