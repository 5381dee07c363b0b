//! The table.

use crate::rules::Test;

/// One thing that is tried.
pub struct Attempt {
    /// What.
    pub tried: &'static str,
    /// A reason code, a refusal of the broker, or where it ends otherwise.
    pub ends: &'static str,
    /// The broker version from which the broker itself refuses it, where an older one cannot.
    pub needs: &'static str,
    /// What shows it.
    pub test: Test,
}

macro_rules! attempts {
    ($($tried:literal => $ends:literal $(from $needs:literal)? [$module:ident::$test:ident];)*) => {
        /// All rows.
        pub fn all() -> Vec<Attempt> {
            vec![$(Attempt {
                tried: $tried,
                ends: $ends,
                needs: concat!($($needs)?),
                test: Test { name: stringify!($test),
                    run: |context| Box::pin(super::$module::$test(context)) },
            }),*]
        }
    };
}

attempts! {
    "publishing under another account's key, with wildcards, empty words or 255 bytes of it"
        => "broker: 403"
        [keys::hostile_another_accounts_key];
    "publishing under a key that begins like one's own: acme-eu, acmeevil, ACME" => "broker: 403"
        [keys::hostile_keys_that_begin_like_ones_own];
    "one's own key with wildcards, empty words, NUL, or 255 bytes long" => "malformed"
        [keys::hostile_ones_own_key_misspelt];
    "a key of one's own that nobody reads, and the types of deliveries and of messages between \
     services" => "unknown_type"
        [keys::hostile_a_key_that_nobody_reads];
    "CC to other accounts' keys, to queues and to services" => "malformed; broker: 403" from "4.0.3"
        [keys::hostile_copies_to_other_keys];
    "BCC to the same" => "decided once by each service, as the attacker's own; broker: 403"
        from "4.0.3"
        [keys::hostile_blind_copies_to_other_keys];
    "CC and BCC that are no list" => "broker: 406" [keys::hostile_copies_that_are_no_list];

    "publishing to sync, desk and events" => "broker: 403"
        [broker::hostile_publishing_to_the_services_exchanges];
    "publishing straight into other queues, by the default exchange" => "broker: 403"
        [broker::hostile_publishing_straight_into_queues];
    "publishing to amq.*" => "broker: 403" [broker::hostile_publishing_to_built_in_exchanges];
    "consuming and getting from other queues" => "broker: 403"
        [broker::hostile_reading_other_queues];
    "purging other queues, deleting any, one's own too" => "broker: 403"
        [broker::hostile_emptying_and_deleting_queues];
    "declaring queues, temporary ones too" => "broker: 403" [broker::hostile_declaring_queues];
    "a passive declare of another queue" => "passes: it tells that the queue is there, and how full"
        [broker::hostile_looking_at_other_queues];
    "binding one's own and other queues to any exchange, and unbinding them" => "broker: 403"
        [broker::hostile_binding_and_unbinding_queues];
    "declaring, binding and deleting exchanges" => "broker: 403"
        [broker::hostile_exchanges_made_joined_and_deleted];
    "direct reply-to" => "ignored: nobody replies" [broker::hostile_replies_without_a_queue];
    "rejecting one's own deliveries" => "parked: dead_lettered"
        [broker::hostile_deliveries_thrown_back];

    "user_id of another account, a service, the operator, guest or nobody" => "broker: 406"
        [properties::hostile_another_users_name];
    "no user_id" => "malformed" [properties::hostile_no_users_name];
    "message ids that are empty, too long, not ASCII or have a NUL" => "malformed"
        [properties::hostile_message_ids_that_are_none];
    "expiration=0, and others" => "malformed, or parked: dead_lettered, when the broker was faster"
        [properties::hostile_an_expiration];
    "priority" => "malformed" [properties::hostile_a_priority];
    "another content_type, and compressed bodies" => "malformed"
        [properties::hostile_another_content_type];
    "a type that does not agree with the key" => "malformed"
        [properties::hostile_a_type_that_is_not_the_keys];
    "a NUL in the type" => "malformed" [properties::hostile_a_nul_in_the_type];
    "a NUL in the message id, answered to a desk that has no queue" => "waits in undelivered"
        [properties::hostile_a_nul_to_a_desk_without_a_queue];
    "reply_to, correlation_id, app_id, cluster_id, timestamp, delivery_mode=1" => "ignored"
        [properties::hostile_properties_that_mean_nothing_here];
    "a message id again with another body" => "message_id_reused"
        [properties::hostile_a_message_id_again_with_another_body];
    "a message id that another account has used" => "decided as any other"
        [properties::hostile_a_message_id_of_another_account];
    "a body over 512 KiB, up to the broker's 4 MiB" => "too_large"
        [properties::hostile_a_body_over_the_limit];
    "a body of 64 MiB" => "broker: 406" [properties::hostile_a_body_of_64_mib];
    "message id, type, content type and header names that are not UTF-8" => "malformed"
        [properties::hostile_a_head_that_is_not_utf8];
    "a routing key that is not UTF-8, or has a NUL" => "malformed"
        [properties::hostile_a_key_that_is_not_utf8];

    "forged deskmesh-* headers and share-id" => "ignored: not_shared"
        [headers::hostile_forged_headers_of_our_own];
    "forged x-death and x-delivery-count, well-formed or not" => "ignored"
        [headers::hostile_a_forged_history_of_deaths];
    "traceparent and tracestate, forged, broken or long" => "ignored: a link at most"
        [headers::hostile_forged_traces];
    "headers of 100 kB, and 5,000 of them" => "ignored" [headers::hostile_headers_of_100_kb];
    "headers nested 18,000 deep" => "read as empty below 32"
        [headers::hostile_headers_nested_twenty_thousand_deep];
    "headers that are no table" => "broker: 501 or 541"
        [headers::hostile_headers_that_are_no_table];

    "JSON nested 33, 1,000 and 80,000 deep" => "malformed" [bodies::hostile_json_nested_too_deep];
    "bodies that are no JSON object" => "malformed" [bodies::hostile_a_body_that_is_no_object];
    "bodies that are not UTF-8" => "malformed" [bodies::hostile_text_that_is_not_utf8];
    "lone surrogates, and 40,000 of them" => "read as U+FFFD, as its receipt says"
        [bodies::hostile_lone_surrogates];
    "NUL in text and in keys" => "malformed" [bodies::hostile_nul_in_text_and_in_keys];
    "keys given twice, in one spelling or two" => "malformed" [bodies::hostile_keys_given_twice];
    "values of other types, paths and SQL for ids" => "malformed"
        [bodies::hostile_values_of_other_types];

    "1e400, 2^64, -1, fractions and other spellings of numbers" => "malformed"
        [values::hostile_numbers_too_large_for_any_type];
    "version 2^64-1, and the highest there is" =>
        "malformed; applied, and lower ones newer_change_exists"
        [values::hostile_the_highest_version_there_is];
    "base_revision 2^64-1 and 2^53-1" => "malformed; as if nothing was concurrent"
        [values::hostile_a_base_revision_that_never_was];
    "whole numbers beyond 64 bits for a field" => "bad_value"
        [values::hostile_whole_numbers_beyond_64_bits];
    "limits and cursors of lists that are none" => "malformed"
        [values::hostile_pages_that_are_none];
    "dates that are none, +24:00, years beyond 9999" => "malformed"
        [values::hostile_dates_that_are_none];
    "dates that an offset takes out of the years 0000 to 9999" => "malformed"
        [values::hostile_dates_that_leave_the_calendar];
    "more than a day ahead" => "malformed" [values::hostile_dates_ahead];
    "year 0000, 1900, leap seconds" => "applied" [values::hostile_dates_long_ago];

    "accounts named like a service, operator, desk, guest, svc.*" => "invalid_name"
        [names::hostile_accounts_named_like_the_system];
    "account names with dots, wildcards, upper case, Unicode, paths" => "invalid_name"
        [names::hostile_names_that_are_no_accounts];
    "registering globex-x, acmeevil, acme-x for somebody else" => "invalid_name"
        [names::hostile_registering_for_others];
    "registering acme-eu, which is there, another's sharing URL and its address" =>
        "account_exists, malformed, name_taken"
        [names::hostile_taking_a_name_that_is_there];
    "registering acme-x, to operate it, and publishing for it" =>
        "invalid_name, malformed, broker: 403"
        [names::hostile_an_account_below_ones_own];
    "renaming to another's address or a reserved one" => "name_taken, invalid_name"
        [names::hostile_renaming_to_what_is_anothers];
    "control characters and line breaks in names, addresses, titles" => "malformed"
        [names::hostile_control_characters_in_names];
    "names and patterns of 15,000 characters" => "malformed" [names::hostile_names_without_end];
    "HTML, scripts, templates, paths, SQL, escapes in content" => "text, to the partner alone, \
        letter by letter"
        [names::hostile_scripts_and_paths_in_content];
    "links that are not https, name no host or carry a password" =>
        "bad_link; of an account: malformed"
        [names::hostile_links_that_are_not_https];

    "accepting, declining, deactivating another's agreement" => "unknown_agreement"
        [others::hostile_deciding_anothers_agreement];
    "listing another's agreement and its shares" => "unknown_agreement"
        [others::hostile_looking_at_anothers_agreement];
    "sharing under another's agreement" => "unknown_agreement"
        [others::hostile_sharing_under_anothers_agreement];
    "inviting under another's agreement id" => "id_taken"
        [others::hostile_inviting_under_anothers_agreement_id];
    "accepting one's own invite" => "not_the_receiver" [others::hostile_accepting_ones_own_invite];
    "updating, binding, ending, redacting, resyncing, copying another's share" => "not_shared"
        [others::hostile_changing_anothers_share];
    "another's ticket by its number" => "not_shared"
        [others::hostile_changing_anothers_ticket_by_its_number];
    "sharing under another's share id" => "id_taken"
        [others::hostile_sharing_under_anothers_share_id];
    "comment ids with another's prefix, taken or free" => "id_taken, not_the_author"
        [others::hostile_anothers_comment_ids];
    "ending or using a share or agreement from its wrong end" => "receiver_cannot_unshare, \
        not_the_sender, already_bound"
        [others::hostile_ending_a_share_that_one_received];

    "10,000 tags, fields, CCs, comments, attachments" => "limit_exceeded"
        [volume::hostile_ten_thousand_of_everything];
    "10,000 fields, statuses, addresses of an account" => "limit_exceeded, malformed"
        [volume::hostile_settings_without_end];
    "tags, field keys and custom statuses of 4,000 and 400,000 characters" => "bad_value; \
        unchanged, where there are no custom statuses"
        [volume::hostile_tags_and_keys_without_end];
    "attachment ids of 4,000 and 400,000 characters" => "malformed"
        [volume::hostile_attachment_ids_without_end];
    "80 patterns that are bombs" => "bad_value, within seconds"
        [volume::hostile_a_pattern_that_is_a_bomb];
    "a flood of 2,000 bad messages" => "malformed; others are answered meanwhile"
        [volume::hostile_a_flood_of_bad_messages];
    "more than 20 connections" => "broker: 530"
        [volume::hostile_connections_and_channels_without_end];
}
