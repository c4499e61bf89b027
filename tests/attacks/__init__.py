"""The attacks A1 to A28, and where each is tried: one list (P21, `./run promises P21`).

Most were tried beside what they attack before there was this list; `test_floods` and `test_on_the_wire` hold the rest.
Where an attack is tried only in part, or not at all, it says so.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Attack(NamedTuple):
    """One attack."""

    title: str
    tried: tuple[str, ...]  # file::test
    not_yet: str = ""


_TLS: Final = "tests/switch/test_tls.py"
_SEALS: Final = "tests/switch/test_macs.py"
_KEYS: Final = "tests/switch/test_key_change.py"
_LINK: Final = "tests/protocols/runtime/test_link.py"
_BAD: Final = "tests/peers/test_bad_input.py"
_WHO: Final = "tests/switch/console/test_who_comes_in.py"
_TOLD: Final = "tests/switch/console/test_what_is_told.py"
_JOURNAL: Final = "tests/switch/store/test_journal.py"
_PROMISES: Final = "tests/switch/test_promises.py"
_HERE: Final = "tests/promises/test_in_one_process.py"
_WIRE: Final = "tests/attacks/test_on_the_wire.py"
_FLOODS: Final = "tests/attacks/test_floods.py"

ATTACKS: Final[dict[str, Attack]] = {
    "A1": Attack(
        "no certificate, an expired one, another authority's, another participant's",
        (
            f"{_TLS}::test_without_a_good_certificate_nobody_comes_in",
            f"{_TLS}::test_a_sign_on_cannot_change_who_the_certificate_named",
        ),
        "There is no list of addresses: who comes is known by a certificate; the laboratory port is this machine's.",
    ),
    "A2": Attack(
        "old TLS, half-open handshakes by the hundred",
        (
            "tests/protocols/runtime/test_tls.py::test_tls_before_1_2_is_refused",
            f"{_FLOODS}::test_a2_a_flood_of_half_open_handshakes_holds_up_nobody",
        ),
        "Renegotiation is not tried: TLS 1.3 has none, and OpenSSL refuses it in 1.2 unless asked.",
    ),
    "A3": Attack("money before sign-on", (f"{_HERE}::test_p21_before_its_sign_on_nobody_is_served",)),
    "A4": Attack(
        "another merchant's terminal", (f"{_BAD}::test_a_gateway_speaks_for_known_shops_once_it_has_said_who_it_is",)
    ),
    "A5": Attack(
        "undoing somebody else's payment",
        (
            f"{_PROMISES}::test_a_reversal_through_another_acquirer_finds_nothing",
            f"{_WIRE}::test_a5_who_undoes_anothers_payment_hears_what_he_hears_of_none",
        ),
    ),
    "A6": Attack(
        "a purchase played again, also after a restart and a day",
        (f"{_WIRE}::test_a6_a_purchase_played_again_has_no_second_effect",),
    ),
    "A7": Attack("a new STAN under the old MAC", (f"{_WIRE}::test_a7_a_new_number_under_the_old_seal_is_refused",)),
    "A8": Attack("our own message played back at us", (f"{_WIRE}::test_a8_what_we_said_ourselves_goes_nowhere",)),
    "A9": Attack(
        "a bit flipped under a MAC, both ways",
        (
            f"{_WIRE}::test_a9_a_changed_request_is_refused",
            f"{_SEALS}::test_a_forged_answer_is_none_and_its_request_is_undone",
        ),
    ),
    "A10": Attack("the MAC left out", (f"{_SEALS}::test_a_wrong_or_missing_seal_is_refused_and_goes_nowhere",)),
    "A11": Attack(
        "a key change played again, or not what it says",
        (
            f"{_KEYS}::test_a_key_change_that_is_played_again_is_refused",
            f"{_KEYS}::test_a_key_that_is_not_what_it_says_is_refused_and_the_old_one_stays",
            f"{_KEYS}::test_the_old_key_is_good_for_a_minute_at_most",
        ),
    ),
    "A12": Attack(
        "a decline made an approval between issuer and switch",
        (
            f"{_WIRE}::test_a12_a_decline_made_an_approval_is_no_approval",
            f"{_WIRE}::test_a12_where_nothing_is_sealed_the_books_tell",
        ),
    ),
    "A13": Attack(
        "a forged answer from another link", (f"{_WIRE}::test_a13_an_answer_counts_only_from_whom_was_asked",)
    ),
    "A14": Attack(
        "PIN guessing, blocks turned into others",
        (
            "tests/hsm_sim/test_pin_translation.py::test_the_rule_says_of_each_cell",
            "tests/hsm_sim/test_pin_translation.py::test_no_format_reads_another_ones_block_as_its_own_but_by_its_rule",
        ),
    ),
    "A15": Attack(
        "keys out of the HSM",
        (
            "tests/hsm_sim/test_key_commands.py::test_a_zmk_goes_out_in_the_authorised_state_only",
            "tests/hsm_sim/test_keys.py::test_a_key_of_any_other_type_is_bad_parity",
            "tests/hsm_sim/test_wires.py::test_the_audit_log_names_command_lmk_check_value_and_result_and_no_key",
        ),
    ),
    "A16": Attack(
        "connections by the hundred, and a storm of them",
        (
            "tests/protocols/runtime/test_listener.py::test_one_host_may_not_take_every_place",
            f"{_FLOODS}::test_a16_a_storm_of_connections_leaves_the_open_links_alone",
        ),
    ),
    "A17": Attack(
        "one byte at a time, and nobody who reads",
        (
            f"{_LINK}::test_ten_seconds_are_for_the_frame_not_for_each_read",
            f"{_LINK}::test_a_peer_that_never_reads_is_given_up_after_ten_seconds",
            f"{_LINK}::test_more_than_the_bound_closes_the_link_at_once",
        ),
    ),
    "A18": Attack(
        "bombs of length and depth",
        (f"{_BAD}::test_999_in_forty_elements", f"{_BAD}::test_chip_data_nested_without_end"),
    ),
    "A19": Attack(
        "costly noise",
        (f"{_BAD}::test_a_stream_of_noise", "tests/protocols/test_tlv.py::test_nesting_without_end_costs_nothing"),
    ),
    "A20": Attack(
        "writing into logs, pages and tables",
        (
            "tests/protocols/test_elements.py::test_nothing_shown_can_steer_a_terminal",
            "tests/protocols/runtime/test_log.py::test_a_line_is_one_json_object",
            f"{_TOLD}::test_what_peers_write_is_shown_and_never_obeyed",
        ),
        "The load tester's seconds.csv holds DE 39 as a host spelled it: two characters, not prefixed.",
    ),
    "A21": Attack(
        "the console by another page, another origin, another path",
        (
            f"{_WHO}::test_a_button_needs_the_session_its_csrf_token_and_our_own_page",
            f"{_WHO}::test_another_origin_gets_neither_pages_nor_the_stream",
            f"{_WHO}::test_paths_lead_nowhere_but_to_pages",
        ),
    ),
    "A22": Attack(
        "reading or redirecting the files",
        (
            f"{_JOURNAL}::test_a_symbolic_link_is_refused",
            f"{_JOURNAL}::test_folder_and_files_are_closed_to_others",
            "tests/test_secrets.py::test_no_file_holds_a_secret",
        ),
    ),
    "A23": Attack("the journal edited offline", (f"{_JOURNAL}::test_a_journal_edited_offline_names_the_batch",)),
    "A24": Attack(
        "two writers, an old backup",
        (f"{_JOURNAL}::test_a_second_writer_is_refused", f"{_JOURNAL}::test_an_old_backup_does_not_open_unless_forced"),
    ),
    "A25": Attack(
        "filling the disk with our log",
        ("tests/protocols/runtime/test_log.py::test_what_a_log_budget_remembers_is_bounded",),
    ),
    "A26": Attack("trying out cards", (), "There is no velocity rule."),
    "A27": Attack(
        "card numbers among the figures",
        (f"{_TOLD}::test_no_secret_of_a_payment_stands_on_a_page_or_among_the_figures",),
    ),
    "A28": Attack("code in files that are data", (f"{_WIRE}::test_a28_nothing_here_runs_what_it_reads",)),
}
