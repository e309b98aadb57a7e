"""The 64 faults and abuses, and how each is shown: by tests here, by tests elsewhere, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

T = TypeVar("T", bound=Callable[..., Any])


@dataclass(frozen=True)
class Row:
    """``elsewhere``: node ids of tests outside this folder; ``not_shown``: what no test shows."""

    fault: str
    elsewhere: tuple[str, ...] = ()
    not_shown: str = ""


def covers(row: int, *, long: bool = False) -> Callable[[T], T]:
    """The test shows this row of the table; ``long`` ones run by ``make faults`` only."""

    def mark(test: T) -> T:
        marked: T = pytest.mark.fault_row(row)(pytest.mark.faults(test))
        return pytest.mark.faults_long(marked) if long else marked

    return mark


_ZK = "tests/routing/test_zookeeper.py::test_"
_STORE = "tests/sessions/test_store.py::test_"
_SENDER = "tests/delivery/test_sender.py::test_"
_TIMING = "tests/security/test_timing.py::test_"
_QUOTA = "tests/delivery/test_quota.py::test_"
_TOKENS = "tests/wechat/test_tokens.py::test_"
_OUT = "tests/wechat/test_out.py::test_"
_ABUSE = "tests/wechat/test_abuse.py::test_"
_CALLBACK = "tests/edge/test_callback.py::test_"
_AUTH = "tests/api/test_auth.py::test_"
_SIGNIN = "tests/auth/test_signin.py::test_"

ROWS: dict[int, Row] = {
    1: Row("Redis killed in the middle of a script"),
    2: Row("Redis killed under callback load"),
    3: Row("reply lost after the command was executed"),
    4: Row("Redis frozen for 8 s"),
    5: Row("Redis slow (200 ms each way)"),
    6: Row("scripts flushed or lost by a restart"),
    7: Row("disk of the append-only file full"),
    8: Row("Redis out of memory"),
    9: Row("endless script"),
    10: Row("Sentinel failover"),
    11: Row("stale replica promoted, the last second lost"),
    12: Row("connection pool exhausted"),
    13: Row("stream trimmed past a reader"),
    14: Row(
        "sender dies with a message in hand",
        (_STORE + "a_send_whose_node_died_becomes_unknown_and_is_never_sent_again_by_itself",),
    ),
    15: Row("poisonous message"),
    16: Row(
        "ZooKeeper session expires", (_ZK + "an_expired_session_is_made_good_within_three_seconds",)
    ),
    17: Row(
        "ZooKeeper frozen for less than a session",
        (_ZK + "a_server_frozen_for_less_than_a_session_moves_nobody",),
    ),
    18: Row(
        "ZooKeeper frozen for more than a session",
        (
            _ZK + "a_server_frozen_for_longer_voids_what_was_seen_by_our_own_clock",
            _ZK + "nobody_waits_while_the_server_is_frozen",
        ),
    ),
    19: Row("ZooKeeper away at the start"),
    20: Row(
        "ZooKeeper's data wiped",
        (_ZK + "after_all_data_was_wiped_paths_nodes_and_watches_are_made_again",),
    ),
    21: Row(
        "parent node deleted by an operator",
        (_ZK + "the_parent_deleted_by_an_operator_is_made_again_and_watched",),
    ),
    22: Row("two nodes do the same sweep"),
    23: Row("node killed with 50 agents on it"),
    24: Row("node stopped by SIGTERM behind Nginx"),
    25: Row("node frozen for 30 s, then back"),
    26: Row("rolling restart of all nodes under load"),
    27: Row("agent's tab closed"),
    28: Row("agent in two tabs on two nodes"),
    29: Row(
        "double click on send, retry after a time-out",
        (
            "tests/api/test_messages.py::test_a_reply_reaches_the_customer_once_however_often_it_is_posted",
        ),
    ),
    30: Row(
        "the same push three times at once on different nodes",
        (
            "tests/e2e/test_two_nodes.py::"
            "test_three_deliveries_at_once_on_two_nodes_are_one_message_with_one_answer",
        ),
    ),
    31: Row("pushes out of order"),
    32: Row("the same event twice, without a MsgId"),
    33: Row(
        "push in the moment of an idle close",
        (
            _STORE
            + "a_message_and_the_sweep_at_the_same_moment_never_leave_a_closed_unread_message",
        ),
    ),
    34: Row(
        "two free seats, twenty customers at once",
        (
            _STORE
            + "two_free_seats_and_twenty_customers_at_once_make_two_seated_and_eighteen_in_order",
        ),
    ),
    35: Row("10,000 customers waiting"),
    36: Row("500 event streams reconnect at once"),
    37: Row("event stream whose reader does not read"),
    38: Row("clocks of nodes wrong, clock set back"),
    39: Row("sweeps on every node"),
    40: Row(
        "token expired for all workers at once",
        (_TOKENS + "eight_threads_with_an_expired_token_make_exactly_one_refresh",),
    ),
    41: Row(
        "40001 for ever",
        (
            _TOKENS + "a_platform_that_answers_40001_for_ever_costs_two_token_calls_a_minute",
            _OUT + "a_token_refused_twice_is_a_refusal",
        ),
    ),
    42: Row(
        "45015, 45047, 45009",
        (
            _SENDER + "a_refusal_is_final_and_corrects_the_budget",
            _QUOTA + "automatic_messages_are_held_back_until_midnight_and_are_no_dead_letters",
            _QUOTA + "agents_are_still_tried_and_the_first_that_is_taken_ends_the_hold",
        ),
    ),
    43: Row(
        "−1, 5xx, HTML, truncated JSON",
        (
            _SENDER + "a_platform_that_is_busy_is_asked_again_in_order_and_then_given_up",
            _OUT + "an_answer_that_cannot_be_trusted_is_unknown_and_not_repeated",
        ),
    ),
    44: Row("platform accepts and says nothing"),
    45: Row(
        "time-out after the platform took the message",
        (_SENDER + "a_send_without_a_clear_answer_is_unknown_and_never_repeated_by_itself",),
    ),
    46: Row(
        "customer leaves or blocks in mid conversation",
        (
            "tests/conversations/test_stories.py::"
            "test_leaving_the_account_closes_the_conversation_and_frees_the_seat",
            _STORE + "leaving_the_account_takes_every_reply_away",
        ),
    ),
    47: Row(
        "huge body, declared or chunked",
        (_CALLBACK + "a_body_that_is_too_long_or_has_no_length_is_refused",),
    ),
    48: Row("slow bodies on 200 connections"),
    49: Row(
        "entity, DTD, depth and encoding bombs",
        (
            _ABUSE + "abusive_bodies_are_refused_with_little_work",
            _ABUSE + "twice_the_abuse_costs_about_twice_the_work",
            _ABUSE + "abusive_bodies_take_no_memory",
        ),
    ),
    50: Row(
        "wrong signature, missing or old parameters, replay",
        (
            _CALLBACK + "what_is_not_proven_is_refused_and_leaves_nothing",
            _ABUSE + "a_missing_parameter_is_refused",
            _ABUSE + "a_stale_timestamp_is_refused",
            _CALLBACK + "every_delivery_gets_the_same_words",
        ),
    ),
    51: Row(
        "mutated cipher text",
        (
            _ABUSE + "no_mutated_body_is_accepted_with_other_content",
            _ABUSE + "flipped_cipher_bytes_signed_anew_raise_only_refusals",
            _ABUSE + "two_cipher_texts_are_refused",
            _TIMING + "a_cipher_text_is_refused_with_the_same_work_wherever_it_is_wrong",
        ),
    ),
    52: Row(
        "odd fields and texts",
        (
            _ABUSE + "any_json_value_in_any_field_raises_only_refusals",
            _ABUSE + "any_signed_plain_text_raises_only_refusals",
            _ABUSE + "bidi_and_markup_in_shown_fields_stay_text",
            "tests/security/test_corpus.py::test_any_bytes_on_any_way_in_raise_only_refusals",
        ),
    ),
    53: Row(
        "script in every text field",
        ("tests/web/test_desk.py::test_what_a_customer_writes_stays_text",),
    ),
    54: Row(
        "cross-site requests",
        (
            _AUTH + "an_unsafe_request_from_elsewhere_is_refused",
            _AUTH + "another_site_cannot_sign_a_browser_in",
            "tests/api/test_auth.py::TestUnderOurName::"
            "test_a_page_under_another_name_that_leads_here_is_not_ours",
        ),
    ),
    55: Row(
        "1,000 guesses, names told by time",
        (
            _SIGNIN + "guessing_is_stopped_also_for_the_right_password",
            _SIGNIN + "guessing_an_unknown_name_is_stopped_alike",
            "tests/security/test_guessing.py::"
            "test_of_a_thousand_guesses_few_are_looked_at_whether_the_name_exists_or_not",
            _TIMING + "a_wrong_password_and_an_unknown_name_cost_the_same_work",
        ),
    ),
    56: Row(
        "50 sign-ins at once",
        (
            _SIGNIN + "fifty_agents_sign_in_at_once_from_one_office",
            "tests/auth/test_passwords.py::test_fifty_sign_ins_at_once_hash_two_at_a_time",
        ),
    ),
    57: Row(
        "stolen cookie after sign-out, role lowered during a stream",
        (
            _AUTH + "signing_out_ends_the_cookie_at_once",
            _AUTH + "a_cookie_that_somebody_else_planted_is_not_taken_over",
            "tests/api/test_events.py::test_a_revoked_login_ends_the_stream",
            "tests/api/test_events.py::"
            "test_a_role_lowered_ends_the_stream_even_while_it_is_never_idle",
            _SIGNIN + "what_takes_something_away_signs_out_everywhere",
        ),
    ),
    58: Row(
        "another agent's conversation, every route with every role",
        (
            "tests/api/test_core.py::test_every_route_of_the_server_declares_who_may_use_it",
            "tests/api/test_core.py::test_every_other_route_refuses_one_without_a_login",
            "tests/api/test_access.py::test_every_route_answers_each_role_as_the_table_says",
            "tests/api/test_access.py::"
            "test_nothing_of_another_agents_conversation_is_seen_or_changed",
            "tests/api/test_sessions.py::test_another_agents_conversation_is_forbidden",
            "tests/api/test_messages.py::test_what_a_customer_sends_is_fetched_and_shown_to_his_agent_only",
        ),
    ),
    59: Row(
        "a file that lies about its type",
        (
            "tests/api/test_messages.py::test_files_that_wechat_would_refuse_are_refused_here",
            "tests/api/test_messages.py::test_a_video_is_a_download_and_can_be_read_in_parts",
            "tests/media/test_lying_files.py::"
            "test_what_a_customer_sends_as_a_picture_is_served_as_what_it_is_and_cannot_act",
            _OUT + "an_endless_answer_is_left_at_its_limit",
        ),
    ),
    60: Row("forged addresses in a message"),
    61: Row(
        "secrets and words in logs",
        (
            "tests/e2e/test_main_job.py::test_no_secret_and_no_message_stands_in_the_log",
            "tests/security/test_logs.py::"
            "test_nothing_of_it_reaches_the_log_through_any_refusal_or_failure",
            "tests/security/test_logs.py::"
            "test_an_error_that_nobody_foresaw_is_logged_by_kind_and_place_without_its_words",
        ),
    ),
    62: Row(
        "a customer is erased while he is served",
        (
            "tests/privacy/test_erasure.py::"
            "test_nothing_of_an_erased_customer_is_left_in_redis_or_sqlite",
            "tests/privacy/test_erasure.py::"
            "test_redis_file_of_all_writes_holds_nothing_of_an_erased_customer_either",
            "tests/sessions/test_rewriting.py::test_what_was_deleted_is_in_no_file_afterwards",
            "tests/privacy/test_erasure.py::"
            "test_the_open_conversation_of_an_erased_customer_gives_its_seat_back",
        ),
        "backups and RDB snapshots made before keep his words",
    ),
    63: Row(
        "key change with pushes under the old key in flight",
        (
            "tests/wechat/test_vectors.py::test_a_push_with_the_previous_key_is_still_read",
            "tests/auth/test_logins.py::"
            "test_a_changed_secret_key_signs_nobody_out_while_the_previous_one_is_named",
        ),
    ),
    64: Row(
        "bad configuration",
        (
            "tests/node/test_launcher.py::test_bad_settings_are_one_line_each_and_status_2",
            "tests/config/test_settings.py::test_a_bad_secret_is_named_and_never_shown",
            "tests/config/test_settings.py::test_a_missing_credential_is_named",
        ),
    ),
}
