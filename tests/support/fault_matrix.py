"""Every fault of the matrix: what must come of it, and the tests that show it."""

from dataclasses import dataclass

_LOAD = "tests/chaos/test_faults_under_load.py::"
_KILLS = "tests/chaos/sink/test_kill_during_inserts.py::"
_SEEDS = "tests/chaos/test_seeds.py::test_a_seed_of_mixed_faults_under_load_breaks_no_promise"
_KAFKA = "tests/integration/links/test_links_to_kafka.py::"
_POSTGRES = "tests/integration/links/test_links_to_postgresql.py::"
_DISKS = "tests/integration/links/test_full_disks.py::"
_MEMORY = "tests/integration/links/test_memory_limits.py::"
_ONCE = "tests/integration/sink/test_exactly_once.py::"
_GROUP = "tests/integration/sink/rest/test_group.py::"
_OUTAGE = "tests/integration/sink/test_outage.py::"
_SLOW = "tests/integration/sink/test_slow_database.py::"
_CATALOG = "tests/integration/catalog/test_outage.py::"
_RELAY = "tests/integration/order/test_relay.py::"
_FENCING = "tests/integration/order/test_relay_fencing.py::"
_REFUSALS = "tests/integration/order/test_relay_refusals.py::"
_MISHAPS = "tests/integration/order/test_saga_mishaps.py::"
_ADDRESSES = "tests/integration/links/test_addresses_that_change.py::"
_LINKS = "tests/chaos/test_links_of_the_stack.py::test_links_that_a_seed_breaks_under_load_break_no_promise"
_BETWEEN = "tests/integration/links/test_links_between_brokers.py::"
_BAD = "tests/integration/sink/test_bad_records.py::"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row: what is broken, what must come of it, which invariants decide, which tests show it, what no test shows."""

    name: str
    behaviour: str
    invariants: tuple[str, ...]
    tests: tuple[str, ...] = ()
    open: str = ""


FAULTS = (
    Fault(
        name="order instance killed",
        behaviour="a retry with the same key gives the same answer; nothing acknowledged is gone",
        invariants=("ACK", "STOCK"),
        tests=(
            f"{_LOAD}test_an_order_instance_killed_three_times__what_it_acknowledged_stays__ack_stock",
            "tests/chaos/order/test_hundred_in_stock.py::test_a_thousand_orders_for_a_hundred_sell_a_hundred_though_an_instance_is_killed",
            "tests/integration/order/test_owner_down.py::test_a_retry_after_a_crash_gets_the_answer_of_the_commit",
            _SEEDS,
        ),
    ),
    Fault(
        name="order instance paused",
        behaviour="the others go on, and it does afterwards",
        invariants=("ACK", "STOCK"),
        tests=(
            f"{_LOAD}test_an_order_instance_paused_for_six_seconds__others_go_on_and_it_too__ack_stock",
            _SEEDS,
        ),
    ),
    Fault(
        name="order instance stopped in order",
        behaviour="it drains, and comes back",
        invariants=("ACK", "STOCK"),
        tests=(
            f"{_LOAD}test_an_order_instance_stopped_in_order__it_drains_and_comes_back__ack_stock",
            _SEEDS,
        ),
    ),
    Fault(
        name="relay killed at any step, or failing",
        behaviour="sends again; duplicates drop out",
        invariants=("ACK", "VER", "ACCT"),
        tests=(
            "tests/integration/order/test_relay_killed_at_each_step.py::test_a_relay_killed_at_each_of_its_steps_loses_nothing_and_the_read_side_drops_what_it_sends_twice",
            f"{_RELAY}test_after_a_failure_it_goes_back_to_what_was_acknowledged_with_a_new_producer",
            f"{_LOAD}test_an_order_instance_killed_three_times__what_it_acknowledged_stays__ack_stock",
        ),
    ),
    Fault(
        name="request of a given-up or killed producer arrives late",
        behaviour="refused by the broker: the last record of a key stays its newest version",
        invariants=("VER",),
        tests=(
            f"{_FENCING}test_a_late_request_of_a_producer_that_was_given_up_is_refused",
            f"{_KAFKA}test_a_request_that_the_network_held_until_the_next_producer_had_written_is_refused",
        ),
    ),
    Fault(
        name="two relays on one outbox",
        behaviour="duplicates only; the order of each key is kept",
        invariants=("VER",),
        tests=(f"{_RELAY}test_two_relays_on_one_outbox_keep_the_order_of_every_key",),
    ),
    Fault(
        name="one broker killed, paused or stopped",
        behaviour="everything goes on",
        invariants=("ACK", "LIVE"),
        tests=(
            f"{_LOAD}test_the_leading_broker_killed__everything_goes_on__ack_live",
            f"{_LOAD}test_a_broker_paused_for_eight_seconds__everything_goes_on__ack_live",
            _SEEDS,
        ),
    ),
    Fault(
        name="the controller killed or hanging",
        behaviour="everything goes on",
        invariants=("ACK", "LIVE"),
        tests=(
            f"{_LOAD}test_the_controller_killed__everything_goes_on__ack_live",
            f"{_LOAD}test_the_controller_paused_for_eight_seconds__everything_goes_on__ack_live",
        ),
    ),
    Fault(
        name="two of three brokers killed",
        behaviour="commands are accepted, the outbox grows, 503 at its limit",
        invariants=("ACK", "LIVE"),
        tests=(
            f"{_LOAD}test_two_of_three_brokers_killed__commands_are_still_accepted__ack_live",
            "tests/unit/order/entrypoints/http/test_outbox_limit.py::test_at_the_limit_commands_are_refused_with_a_time_to_come_back",
            _SEEDS,
        ),
    ),
    Fault(
        name="sink killed at any moment",
        behaviour="goes on from the stored offsets",
        invariants=("ACK", "ACCT"),
        tests=(
            "tests/chaos/sink/test_killed_at_each_step.py::test_a_sink_killed_at_a_step_writes_every_record_once_in_the_end",
            f"{_KILLS}test_twenty_kills_during_plain_inserts_lose_nothing_and_double_nothing",
            f"{_LOAD}test_the_sink_killed__goes_on_from_its_stored_offsets__ack_acct",
        ),
    ),
    Fault(
        name="sink killed amid dead letters",
        behaviour="each is there once",
        invariants=("ACCT",),
        tests=(f"{_KILLS}test_kills_in_the_midst_of_dead_letters_lose_none_and_double_none",),
    ),
    Fault(
        name="answer to the sink's COMMIT lost, or the COMMIT late",
        behaviour="nothing is written twice",
        invariants=("ACCT",),
        tests=(
            "tests/integration/sink/test_lost_answer.py::test_a_batch_whose_commit_went_through_unheard_is_not_inserted_again",
            f"{_OUTAGE}test_a_link_that_is_held_until_the_task_has_given_up_loses_and_doubles_nothing",
        ),
    ),
    Fault(
        name="zombie sink: paused past its session, then continued",
        behaviour="the epochs refuse it",
        invariants=("ACK", "VER"),
        tests=(
            "tests/chaos/test_zombie_sink.py::test_a_zombie_sink__the_epoch_fence_refuses_it__ack_ver",
            f"{_GROUP}test_a_worker_stopped_past_the_session_timeout_can_write_nothing_when_it_goes_on",
        ),
    ),
    Fault(
        name="workers join and leave",
        behaviour="progress goes on; nothing is lost or doubled",
        invariants=("LIVE", "ACCT"),
        tests=(
            f"{_GROUP}test_while_a_worker_joins_and_another_leaves_every_three_seconds_records_go_on_arriving_once",
            f"{_GROUP}test_from_one_worker_to_four_and_back_under_load_nothing_is_lost_or_doubled",
            f"{_ONCE}test_tasks_that_come_and_go_neither_lose_nor_double",
        ),
    ),
    Fault(
        name="catalog killed",
        behaviour="commands do not notice; a stream resumes",
        invariants=("ACK",),
        tests=(
            f"{_LOAD}test_the_catalog_killed__commands_do_not_notice__ack",
            "tests/integration/catalog/test_stream.py::test_a_stream_resumes_at_any_event_with_nothing_lost_or_doubled",
            _SEEDS,
        ),
    ),
    Fault(
        name="read database killed, restarted, its connections cut",
        behaviour="tried again, no dead letter; queries 503 or what was known",
        invariants=("SUM", "RYW"),
        tests=(
            f"{_LOAD}test_the_read_database_killed__retried_and_nothing_set_aside__sum_ryw",
            f"{_CATALOG}test_queries_go_on_after_every_connection_was_cut",
            f"{_CATALOG}test_without_its_database_it_serves_says_what_is_missing_and_asks_to_come_again",
            f"{_OUTAGE}test_an_outage_of_the_database_is_waited_out",
            _SEEDS,
        ),
    ),
    Fault(
        name="write database crashes",
        behaviour="what was not acknowledged may be gone, what was stays",
        invariants=("ACK",),
        tests=(
            "tests/integration/order/test_write_database_crash.py::test_what_was_acknowledged_is_there_after_a_crash_of_the_instances_postgresql",
            f"{_LOAD}test_an_order_instance_killed_three_times__what_it_acknowledged_stays__ack_stock",
        ),
        open="a power cut",
    ),
    Fault(
        name="link to Kafka cut, held one way or both ways, reset in mid-answer",
        behaviour="time-outs fire; commands go on; everything is published and read afterwards, once",
        invariants=("ACK", "VER", "ACCT", "LIVE"),
        tests=(
            _LINKS,
            f"{_KAFKA}test_commands_go_on_while_the_link_of_an_instance_is_broken_and_all_is_published_afterwards",
            f"{_KAFKA}test_a_sink_whose_link_is_broken_loses_and_doubles_nothing",
        ),
        open="the catalog's link alone: the seeds break it among others",
    ),
    Fault(
        name="link to PostgreSQL cut, held one way or both ways, reset in mid-answer",
        behaviour="time-outs fire; an unknown command resolves by its key; nothing is written twice",
        invariants=("ACK", "ACCT", "LIVE"),
        tests=(
            _LINKS,
            f"{_POSTGRES}test_commands_are_answered_in_time_while_the_link_is_broken_and_each_has_one_effect_in_the_end",
            f"{_OUTAGE}test_a_link_that_is_held_until_the_task_has_given_up_loses_and_doubles_nothing",
            f"{_CATALOG}test_a_link_to_its_database_that_is_held_is_given_up_in_time_and_used_again_once_it_passes",
        ),
    ),
    Fault(
        name="link between brokers cut, held one way or both ways, reset in mid-answer",
        behaviour="what is not copied is not acknowledged; everything is there afterwards, once and in order",
        invariants=("ACK", "VER", "LIVE"),
        tests=(
            f"{_BETWEEN}test_what_one_broker_cannot_have_copied_is_acknowledged_once_it_can_and_nothing_is_lost_or_doubled",
            _LINKS,
        ),
    ),
    Fault(
        name="link to the leading controller cut or held, links to all of them cut",
        behaviour="another leads; without a quorum records go on, and what changes the cluster waits",
        invariants=("ACK", "VER", "LIVE"),
        tests=(
            f"{_BETWEEN}test_while_the_leading_controller_is_cut_off_another_leads_and_records_go_on",
            f"{_BETWEEN}test_while_no_controller_reaches_another_records_go_on_and_changes_wait",
        ),
    ),
    Fault(
        name="link slow, also with jitter",
        behaviour="later, and nothing else",
        invariants=("LIVE",),
        tests=(
            f"{_KAFKA}test_over_a_slow_link_orders_take_longer_and_are_confirmed",
            f"{_POSTGRES}test_over_a_slow_link_orders_take_longer_and_are_confirmed",
            f"{_OUTAGE}test_over_a_slow_link_everything_is_written",
            _LINKS,
        ),
    ),
    Fault(
        name="instances cannot reach each other",
        behaviour="an order waits for an owner that is away; the rest goes on; a command over a held link is answered in time",
        invariants=("ACK", "STOCK"),
        tests=(
            "tests/integration/order/test_links_between_instances.py::test_a_command_over_a_held_link_is_answered_in_time_and_has_one_effect_once_it_passes",
            f"{_MISHAPS}test_an_order_waits_for_an_owner_that_is_down_and_finishes_when_it_is_back",
            "tests/integration/order/test_owner_down.py::test_a_key_whose_owner_is_down_waits_and_commands_without_keys_do_not",
        ),
    ),
    Fault(
        name="disk full: read database, instance, broker",
        behaviour="tried again or 503; resumes when there is room",
        invariants=("SUM", "ACK"),
        tests=(
            f"{_DISKS}test_a_sink_waits_while_the_disk_of_its_table_is_full_and_writes_everything_once_there_is_room",
            f"{_DISKS}test_an_instance_whose_disk_is_full_says_503_and_takes_commands_again_once_there_is_room",
            f"{_DISKS}test_a_broker_whose_disk_is_full_ends_and_is_back_with_every_acknowledged_record",
        ),
        open="where tests do not run as root (they mount a small disk)",
    ),
    Fault(
        name="poison: bad bytes, types, identifiers, nesting",
        behaviour="that record is set aside, its neighbours are applied, nobody dies",
        invariants=("ACCT", "ALIVE"),
        tests=(
            f"{_BAD}test_every_poison_is_parked_with_its_bytes_and_its_neighbours_are_written",
            "tests/chaos/test_hostile_records.py::test_hostile_records_in_every_topic__nobody_dies_and_honest_orders_are_visible__live_acct",
        ),
    ),
    Fault(
        name="events doubled, reordered, late",
        behaviour="dropped by version",
        invariants=("VER",),
        tests=(
            "tests/integration/sink/test_projections.py::test_summary_sales_and_history_are_exact_whatever_is_repeated_late_or_read_again",
            f"{_MISHAPS}test_every_message_doubled_and_in_reverse_changes_nothing_any_more",
        ),
    ),
    Fault(
        name="schema changes in mid-stream",
        behaviour="an optional column is added; what does not fit is set aside or stops the task, as configured",
        invariants=("ACCT",),
        tests=(
            "tests/integration/sink/test_schema.py::test_auto_evolve_adds_optional_and_defaulted_fields_and_parks_a_required_one",
            "tests/contract/test_event_evolution.py::test_version_2_of_the_order_event_passes_through_a_running_sink",
        ),
    ),
    Fault(
        name="read database slow or locked",
        behaviour="smaller batches, no dead letter, no eviction from the group",
        invariants=("LIVE",),
        tests=(
            f"{_SLOW}test_a_batch_that_takes_longer_than_the_command_time_out_is_written_in_smaller_ones",
            f"{_SLOW}test_a_locked_table_is_waited_for_and_makes_no_dead_letter",
            f"{_OUTAGE}test_an_outage_of_the_database_is_waited_out",
        ),
    ),
    Fault(
        name="message too large",
        behaviour="refused by the API; refused by Kafka it is passed alone",
        invariants=("ACK",),
        tests=(
            "tests/unit/order/entrypoints/http/test_refusals.py::test_a_body_over_the_limit_is_refused_also_in_chunks",
            f"{_REFUSALS}test_a_record_that_is_too_large_is_passed_alone",
        ),
    ),
    Fault(
        name="topic recreated",
        behaviour="the sink stops and says why; an instance reads the new topic from its beginning",
        invariants=("ACCT",),
        tests=(
            f"{_ONCE}test_a_recreated_topic_is_refused_until_the_offsets_are_reset",
            "tests/integration/order/test_bad_records.py::test_a_position_of_another_topic_of_the_same_name_does_not_count",
        ),
    ),
    Fault(
        name="retention passed the stored offset",
        behaviour="the task stops and says why; never a silent reset",
        invariants=("ACCT",),
        tests=(
            f"{_ONCE}test_an_offset_that_retention_has_passed_fails_the_task_and_is_never_reset_silently",
        ),
    ),
    Fault(
        name="clocks an hour apart, and jumping",
        behaviour="nothing is ordered by a clock",
        invariants=("VER", "STOCK"),
        tests=("tests/integration/order/test_clocks.py::test_clocks_an_hour_apart_that_jump_order_nothing",),
    ),
    Fault(
        name="mixed faults under load",
        behaviour="every promise holds, in the end and on the way",
        invariants=("ACK", "VER", "SUM", "STOCK", "ACCT", "LIVE", "RYW", "MONO"),
        tests=(
            _SEEDS,
            "tests/compose/test_kill.py::test_a_seed_of_mixed_faults_under_load_breaks_no_promise",
        ),
    ),
    Fault(
        name="memory limits",
        behaviour="fewer records at a time, or restarted and resumed; no dead letter",
        invariants=("ACK", "SUM", "ACCT", "LIVE"),
        tests=(
            f"{_MEMORY}test_a_sink_that_gets_no_more_memory_says_so_and_writes_everything_once_it_does",
            f"{_MEMORY}test_a_sink_whose_fetching_has_ended_begins_anew",
            f"{_MEMORY}test_an_instance_whose_fetching_has_ended_is_told",
            f"{_MEMORY}test_a_catalog_whose_fetching_has_ended_is_told",
            "tests/chaos/test_faults_under_load.py::test_no_more_memory_for_one_of_each_part_for_six_seconds__they_go_on_or_are_started_again__ack_sum_live",
            "tests/unit/sink/sink/test_buffer.py::test_a_process_short_of_memory_blames_no_record_and_reads_fewer_at_a_time",
            "tests/unit/test_short_of_memory.py::test_what_finds_no_memory_blames_nothing_it_works_on",
            "tests/unit/http/test_protocol.py::test_a_request_that_there_is_no_memory_for_is_not_called_wrong",
            "tests/unit/http/test_guarded_server.py::test_a_server_that_can_take_on_no_connection_any_more_answers_what_it_has_and_ends",
            "tests/unit/http/test_guarded_server.py::test_a_server_ends_where_a_lack_of_memory_has_cost_the_loop_more_than_a_connection",
        ),
        open="a running database",
    ),
    Fault(
        name="DNS and address changes",
        behaviour="a name that leads elsewhere is followed",
        invariants=("LIVE", "ACCT"),
        tests=(
            f"{_ADDRESSES}test_a_sink_follows_its_database_to_another_address",
            f"{_ADDRESSES}test_a_sink_follows_a_broker_to_another_address",
            f"{_ADDRESSES}test_an_instance_follows_its_broker_to_another_address",
        ),
        open="brokers that all get other names at once; an instance's own PostgreSQL; the catalog",
    ),
    Fault(
        name="upgrade from the last release, at once or part by part",
        behaviour="this version goes on with the data and the work under way; both take orders side by side",
        invariants=("ACK", "SUM"),
        tests=(
            "tests/e2e/own_stack/test_upgrade.py::test_what_was_committed_and_not_written_becomes_visible",
            "tests/e2e/own_stack/test_upgrade.py::test_after_a_load_on_both_versions_the_audit_is_clean",
            "tests/integration/upgrade/test_versions_side_by_side.py::test_parts_of_both_versions_work_side_by_side_under_load_and_the_audit_is_clean",
        ),
        open="a catalog of the earlier version beside the rest of this one",
    ),
)
