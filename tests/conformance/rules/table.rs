//! Every rule of the domain reference, in a line of our own, with who keeps it and the tests that
//! show it.
//!
//! A test is an `async fn r_07_…(context: ConformanceContext)` in the module of its subject, and
//! its name beside its rule here.

use super::{KeptBy, Rule, Test};

macro_rules! rules {
    ($($number:literal $kept_by:ident $line:literal [$($module:ident::$test:ident),* $(,)?];)*) => {
        pub fn all() -> Vec<Rule> {
            vec![$(Rule {
                number: $number,
                line: $line,
                kept_by: KeptBy::$kept_by,
                tests: vec![$(Test {
                    name: stringify!($test),
                    run: |context| Box::pin(crate::$module::$test(context)),
                }),*],
            }),*]
        }
    };
}

rules! {
    "R-01" Deskmesh "a ticket crosses only under an accepted agreement between the two accounts"
        [sharing::r_01_only_an_accepted_agreement_lets_a_ticket_across];
    "R-02" Deskmesh "the agreement states the terms, and what crosses goes by them"
        [sharing::r_02_what_crosses_goes_by_the_terms_that_the_agreement_states];
    "R-03" Deskmesh "the partner shares its own tickets only under an agreement of its own making"
        [sharing::r_03_the_partner_shares_its_own_tickets_under_an_agreement_of_its_own];
    "R-04" Deskmesh "the partner's agents add what they know, or solve the ticket where the terms \
        let them"
        [sharing::r_04_the_partners_agents_help_or_solve_as_the_terms_let_them];
    "R-05" Deskmesh "status and comments of both copies stay in step, as far as the terms go"
        [sharing::r_05_status_and_comments_of_both_copies_stay_in_step];
    "R-06" Deskmesh "an accepted agreement is in force at once"
        [sharing::r_06_the_receipt_of_an_acceptance_lets_the_first_ticket_across];
    "R-07" Deskmesh "any account may invite any other"
        [agreements::r_07_any_account_may_invite_any_other];
    "R-08" Deskmesh "the sender alone sets terms; the receiver takes or refuses them"
        [agreements::r_08_only_the_sender_sets_the_terms];
    "R-09" Deskmesh "an agreement is one-way: its receiver cannot share under it"
        [agreements::r_09_the_receiver_may_not_share_under_the_senders_agreement];
    "R-10" Deskmesh "for the other direction there is a second, independent agreement"
        [agreements::r_10_the_other_direction_takes_an_agreement_of_its_own];
    "R-11" Helpdesk "no share field where all agreements are incoming"
        [agreements::r_11_incoming_agreements_alone_give_no_share_field,
            helpdesk::r_11_the_pages_have_the_share_field_only_with_an_outgoing_agreement];
    "R-12" Deskmesh "a receiver cannot end the share of a ticket it got"
        [agreements::r_12_the_receiver_cannot_end_a_share];
    "R-13" Deskmesh "a ticket is shared with one account at a time"
        [agreements::r_13_a_ticket_is_shared_with_one_account_at_a_time];
    "R-14" Deskmesh "a receiver may share its copy on, under an agreement of its own"
        [agreements::r_14_a_copy_may_be_shared_on_under_the_receivers_own_agreement];
    "R-15" Deskmesh "either side may cancel an agreement at any time"
        [agreements::r_15_either_side_may_cancel_at_any_time];
    "R-16" Deskmesh "an account may decline all invites by a setting"
        [agreements::r_16_an_account_may_decline_all_invites];
    "R-17" Deskmesh "a rename breaks the account's agreements, visibly to both sides"
        [agreements::r_17_a_rename_breaks_the_agreements_of_an_account_visibly];
    "R-18" Deskmesh "a share makes a new ticket at the receiver, with a number of its own"
        [sharing::r_18_a_share_makes_a_new_ticket_with_a_number_of_its_own];
    "R-19" Deskmesh "status can be kept in step"
        [sharing::r_19_status_is_kept_in_step_along_the_whole_chain];
    "R-20" Deskmesh "custom fields can be kept in step"
        [fields::r_20_custom_fields_are_kept_in_step_along_the_whole_chain];
    "R-21" Deskmesh "comments can be kept in step"
        [comments::r_21_comments_of_both_copies_are_kept_in_step];
    "R-22" Shape "sharing defines no field: each account does so itself"
        [fields::r_22_sharing_makes_no_field];
    "R-23" Deskmesh "CCs of the original do not go along"
        [sharing::r_23_ccs_of_the_original_do_not_go_along];
    "R-24" Deskmesh "every comment, private ones too, is seen on both sides"
        [comments::r_24_every_comment_is_seen_on_both_sides_private_ones_too];
    "R-25" Deskmesh "a public comment on the copy reaches the CCs of the original"
        [notices::r_25_a_public_comment_on_the_copy_is_mailed_to_the_ccs_of_the_original];
    "R-26" Deskmesh "a closed ticket cannot be shared"
        [sharing::r_26_a_closed_ticket_cannot_be_shared];
    "R-27" Helpdesk "a ticket in a live share is not merged"
        [duties::r_27_a_ticket_in_a_live_share_is_not_merged,
            helpdesk::r_27_the_pages_refuse_to_merge_a_ticket_in_a_live_share];
    "R-28" Deskmesh "where the terms allow, the receiver answers the requester and solves"
        [sharing::r_28_where_the_terms_allow_the_receiver_answers_and_solves];
    "R-29" Shape "fields of users and organisations stay at home"
        [sharing::r_29_fields_of_users_and_organisations_stay_at_home];
    "R-30" Shape "rules of one account neither travel nor run on the other's copy"
        [sharing::r_30_business_rules_neither_travel_nor_act_on_the_other_copy];
    "R-31" Deskmesh "recordings stay in the account of the call"
        [comments::r_31_a_recording_stays_in_the_account_of_the_call];
    "R-32" Deskmesh "the receiver cannot play a recording from its copy"
        [comments::r_32_the_receiver_cannot_play_the_recording_from_its_copy];
    "R-33" Deskmesh "who belongs to both accounts plays it at home only"
        [comments::r_33_who_belongs_to_both_accounts_is_led_to_the_original];
    "R-34" Deskmesh "a voicemail's transcript crosses as text"
        [comments::r_34_a_transcript_crosses_as_lines_of_text];
    "R-35" Deskmesh "with secure downloads on, attachments do not cross"
        [comments::r_35_with_secure_downloads_on_attachments_stay];
    "R-36" Deskmesh "with secure downloads off, they do"
        [comments::r_36_with_secure_downloads_off_attachments_cross];
    "R-37" Deskmesh "each person of the original gets a placeholder at the receiver"
        [people::r_37_each_person_of_the_original_becomes_a_placeholder];
    "R-38" Deskmesh "a placeholder comes even where the same person is known already"
        [people::r_38_a_placeholder_comes_even_where_the_same_person_is_known];
    "R-39" Deskmesh "an agent who comments on the copy is an end-user placeholder at the sender"
        [people::r_39_an_agent_who_comments_on_the_copy_is_an_end_user_at_the_sender];
    "R-40" Helpdesk "placeholders cannot be deleted"
        [people::r_40_a_placeholder_stays_whatever_happens,
            helpdesk::r_40_the_pages_refuse_to_take_a_placeholder_away];
    "R-41" Deskmesh "no address, telephone or other customer data crosses"
        [people::r_41_no_address_or_telephone_crosses,
            people::r_41_a_customers_number_is_no_telephone,
            people::r_41_an_address_is_cut_wherever_it_stands_in_a_name];
    "R-42" Helpdesk "a shared ticket is not linked to a user of the same name or address"
        [people::r_42_nothing_leads_from_a_shared_ticket_to_a_user_of_the_receiver,
            helpdesk::r_42_a_person_here_stays_apart_from_a_placeholder_of_the_name];
    "R-43" Helpdesk "an agent may put a local user in the requester's place, and is warned"
        [duties::r_43_another_requester_may_be_set_by_hand_with_a_warning,
            helpdesk::r_43_the_pages_let_another_requester_in_with_a_warning];
    "R-44" Helpdesk "after unsharing, a requester without an address is out of reach, as the agent \
        learns"
        [duties::r_44_after_the_end_a_requester_without_an_address_is_out_of_reach,
            helpdesk::r_44_the_pages_say_whom_a_reply_reaches_after_unsharing];
    "R-45" Helpdesk "no mail between two accounts that have an agreement"
        [notices::r_45_partners_know_where_no_mail_may_go,
            helpdesk::r_45_the_pages_put_no_partners_support_address_in_copy];
    "R-46" Deskmesh "automatic mail to a partner is suppressed"
        [notices::r_46_automatic_mail_to_a_partner_is_suppressed];
    "R-47" Deskmesh "mail to a partner that an agent's action causes is suppressed as well"
        [notices::r_47_mail_that_an_agents_action_causes_towards_a_partner_is_suppressed];
    "R-48" Deskmesh "on-hold arrives as open, every other status as it is"
        [status::r_48_hold_arrives_as_open];
    "R-49a" Deskmesh "custom statuses on neither side: one to one but for on-hold"
        [status::r_49a_without_custom_statuses_each_arrives_as_it_is];
    "R-49b" Deskmesh "custom statuses at the sender: their category arrives"
        [status::r_49b_custom_statuses_arrive_as_their_category];
    "R-49c" Deskmesh "custom statuses at the receiver: the category's default arrives"
        [status::r_49c_a_status_arrives_as_its_categorys_default];
    "R-49d" Deskmesh "custom statuses on both sides: the category arrives, even where they are \
        alike"
        [status::r_49d_alike_or_not_custom_statuses_arrive_as_the_categorys_default];
    "R-50" Deskmesh "a custom status of on-hold arrives as open, or as open's default"
        [status::r_50_a_custom_status_of_on_hold_arrives_as_open_or_its_default];
    "R-51" Deskmesh "only an administrator makes an agreement"
        [invites::r_51_only_an_administrator_sets_up_an_agreement];
    "R-52" Deskmesh "an agreement begins with an invite that states its terms"
        [invites::r_52_an_agreement_begins_with_an_invite_that_states_its_terms];
    "R-53" Deskmesh "first choice of terms: public and private comments, status kept in step"
        [comments::r_53_public_and_private_comments_and_status_cross_both_ways];
    "R-54" Deskmesh "second choice: private comments of the receiver only, status not kept in step"
        [comments::r_54_under_private_only_the_receiver_only_supplies_information];
    "R-55" Helpdesk "the screen where an invite is made"
        [invites::r_55_the_invite_screen_has_all_it_needs,
            helpdesk::r_55_an_invite_is_made_among_the_settings_for_tickets];
    "R-56" Helpdesk "the form asks first: a help desk of this kind, or a third-party system"
        [invites::r_56_the_partner_is_a_help_desk_or_a_third_party_system,
            helpdesk::r_56_the_form_asks_for_a_help_desk_or_a_third_party];
    "R-57" Helpdesk "a help desk is invited by its address, a third party by its sharing URL"
        [invites::r_57_a_help_desk_has_an_address_and_a_third_party_a_sharing_url,
            third_parties::r_57_an_unknown_sharing_url_becomes_an_account_once,
            helpdesk::r_57_the_form_takes_an_address_or_a_sharing_url];
    "R-58" Helpdesk "the form offers exactly two choices for comments and status"
        [invites::r_58_comments_and_status_have_exactly_two_choices,
            helpdesk::r_58_the_form_has_two_choices_for_comments];
    "R-59" Helpdesk "the form offers exactly two choices for tags"
        [invites::r_59_tags_have_exactly_two_choices,
            helpdesk::r_59_the_form_has_two_choices_for_tags];
    "R-60" Deskmesh "tags are kept in step both ways, or not at all"
        [status::r_60_tags_are_kept_in_step_both_ways_or_not_at_all];
    "R-61" Deskmesh "tags of business rules never cross"
        [status::r_61_tags_of_business_rules_never_cross];
    "R-62" Deskmesh "custom fields by choice, and not with third-party systems"
        [fields::r_62_custom_fields_do_not_cross_to_third_parties];
    "R-63" Helpdesk "the last step sends the invite"
        [invites::r_63_the_last_step_sends_the_invite,
            helpdesk::r_63_the_pages_last_step_sends_the_invite];
    "R-64" Deskmesh "the receiver is told of the invite"
        [invites::r_64_the_receiver_is_told_of_the_invite];
    "R-65" Deskmesh "the receiver sees the terms before it decides"
        [invites::r_65_the_receiver_sees_the_terms_before_it_decides];
    "R-66" Deskmesh "accept, decline, or decide later: then it stays pending"
        [invites::r_66_the_receiver_accepts_declines_or_decides_later];
    "R-67" Deskmesh "after the acceptance sharing is possible at once"
        [invites::r_67_after_the_acceptance_sharing_is_possible_at_once];
    "R-68" Deskmesh "after a refusal the sender may invite again"
        [invites::r_68_after_a_refusal_the_sender_may_invite_again];
    "R-69" Deskmesh "all agreements are listed, whatever became of them"
        [invites::r_69_all_agreements_are_listed_whatever_became_of_them];
    "R-70" Deskmesh "the setting to decline all invites is an explicit one"
        [invites::r_70_declining_all_invites_is_set_explicitly];
    "R-71" Deskmesh "with it on, invites are declined and the account never hears of them"
        [invites::r_71_an_account_that_declines_all_invites_never_hears_of_them];
    "R-72" Deskmesh "who invites such an account sees a refusal, and may try again"
        [invites::r_72_who_invites_it_sees_a_refusal_and_may_try_again];
    "R-73" Deskmesh "either side deactivates, at any time"
        [deactivation::r_73_either_side_deactivates_at_any_time];
    "R-74" Deskmesh "what is deactivated stays so"
        [deactivation::r_74_what_is_deactivated_stays_so];
    "R-75" Deskmesh "afterwards either side may invite the other anew"
        [deactivation::r_75_afterwards_either_side_may_invite_the_other_anew];
    "R-76" Deskmesh "the partner gets a mail about the deactivation"
        [deactivation::r_76_the_partner_gets_a_mail_about_the_deactivation];
    "R-77" Deskmesh "the partner's list shows the deactivation"
        [deactivation::r_77_the_partners_list_shows_the_deactivation];
    "R-78" Deskmesh "nothing new is shared under it"
        [deactivation::r_78_nothing_new_is_shared_under_it];
    "R-79" Deskmesh "what was shared is kept by both sides and no longer in step"
        [deactivation::r_79_what_was_shared_stays_with_both_and_is_no_longer_in_step];
    "R-80" Helpdesk "automations, triggers and views can name tickets that came by sharing"
        [business_rules::r_80_rules_can_name_tickets_that_came_by_sharing,
            helpdesk::r_80_a_trigger_of_the_pages_knows_what_came_by_sharing];
    "R-81" Helpdesk "\"updated via\" can be \"ticket sharing\""
        [business_rules::r_81_updated_via_is_ticket_sharing_for_what_a_partner_did,
            helpdesk::r_81_update_via_has_ticket_sharing_among_its_values];
    "R-82" Helpdesk "a view of all tickets shared to the account"
        [business_rules::r_82_a_view_shows_all_tickets_shared_to_the_account,
            helpdesk::r_82_the_pages_list_all_that_was_shared_with_the_account];
    "R-83" Helpdesk "a view of all tickets the account shared out, by a tag"
        [business_rules::r_83_a_tag_marks_the_tickets_shared_out,
            helpdesk::r_83_a_tag_gives_a_view_of_what_was_shared_out];
    "R-84" Helpdesk "automations and triggers can have conditions on sharing"
        [business_rules::r_84_triggers_and_automations_have_conditions_on_sharing,
            helpdesk::r_84_an_automation_can_have_a_condition_on_sharing];
    "R-85" Helpdesk "a trigger on \"updated via ticket sharing\" can route and tag"
        [business_rules::r_85_a_trigger_on_ticket_sharing_routes_and_tags,
            helpdesk::r_85_a_trigger_of_the_pages_routes_and_tags];
    "R-86" Helpdesk "incoming: the condition \"received from\" a partner"
        [business_rules::r_86_received_from_names_the_partner,
            helpdesk::r_86_received_from_is_a_condition_of_the_pages];
    "R-87" Helpdesk "outgoing: the condition \"sent to\" a partner"
        [business_rules::r_87_sent_to_names_the_partner,
            helpdesk::r_87_sent_to_is_a_condition_of_the_pages];
    "R-88" Helpdesk "both conditions filter views"
        [business_rules::r_88_both_conditions_filter_views,
            helpdesk::r_88_views_of_the_pages_filter_by_both];
    "R-89" Deskmesh "whether custom fields cross is the agreement's choice"
        [fields::r_89_custom_fields_cross_only_where_the_terms_say_so];
    "R-90" Deskmesh "a field crosses where both sides have made one of its title and type"
        [fields::r_90_a_field_crosses_where_both_have_one_of_its_title_and_type];
    "R-91" Deskmesh "titles are compared without regard to case"
        [fields::r_91_titles_are_compared_without_regard_to_case,
            fields::r_91_names_that_look_alike_are_one];
    "R-92" Deskmesh "types have to fit each other"
        [fields::r_92_types_that_fit_cross_and_others_do_not];
    "R-93" Deskmesh "system fields do not cross as custom fields"
        [fields::r_93_system_fields_do_not_cross_as_custom_fields];
    "R-94" Deskmesh "a field that does not fit stays, and everything else crosses"
        [fields::r_94_a_field_that_does_not_fit_holds_back_nothing_else];
    "R-95" Deskmesh "options have to have the same tags on both sides"
        [fields::r_95_options_need_the_same_tags_on_both_sides];
    "R-96" Deskmesh "only the account where a field was changed has a record of the change"
        [fields::r_96_only_the_account_of_the_change_has_a_record_of_it];
    "R-97" Deskmesh "the other account sees the value and nothing of who or when"
        [fields::r_97_the_other_account_sees_the_value_and_nothing_of_who_or_when];
    "R-98" Deskmesh "a field has to be on the receiver's default form"
        [fields::r_98_a_field_has_to_be_on_the_receivers_default_form];
    "R-99" Deskmesh "the copy uses the receiver's default form"
        [fields::r_99_a_copy_is_in_the_receivers_default_form];
    "part 6" Desk "every comment of a shared ticket is published, private ones too"
        [duties::part_6_every_comment_of_a_shared_ticket_is_published];
    "part 6" Desk "what a delivery told is never published back"
        [duties::part_6_what_a_delivery_told_is_not_published_back];
    "part 6" Desk "no mail to placeholders or to a partner's support addresses"
        [duties::part_6_no_mail_to_placeholders_or_a_partners_support_address];
    "part 6" Desk "placeholders are not matched, merged or deleted"
        [duties::part_6_placeholders_are_not_matched_merged_or_deleted];
    "part 6" Desk "received tickets: the default form, field values without author or history"
        [duties::part_6_received_tickets_have_the_default_form_and_field_values_no_author];
    "part 6" Desk "HTML is shown without what runs, links are fetched with care"
        [duties::part_6_html_and_links_are_handled_with_care];
    "part 6" Desk "message ids are remembered, so that nothing counts twice"
        [duties::part_6_a_delivery_that_comes_again_changes_nothing];
    "part 8" Deskmesh "HTML crosses as far as an allow-list goes, and goes as text where it costs \
        too much"
        [spelling::part_8_html_crosses_clean_or_goes_as_text];
    "part 8" Deskmesh "a dry run tells what would be, and does nothing"
        [dry_runs::part_8_a_dry_run_tells_what_would_be_and_does_nothing];
    "part 8" Deskmesh "what a sender has offered can be tried out, as far as its own side decides"
        [dry_runs::part_8_a_draft_is_tried_out_as_far_as_the_senders_side_goes];
    "part 8" Deskmesh "who is further along the chain is counted, and not named"
        [dry_runs::part_8_who_is_further_along_the_chain_is_counted_and_not_named];
    "D-02" Deskmesh "in doubt: the same custom status on both sides; the reference's table governs"
        [status::d_02_the_same_custom_status_on_both_sides_is_no_exception];
    "also" Deskmesh "an address that nobody has is refused within a second"
        [invites::also_an_unknown_address_is_refused_within_a_second];
    "also" Deskmesh "what was ended and is shared again is a new copy; revisions go on"
        [chains::also_what_was_ended_and_is_shared_again_is_a_new_copy];
    "also" Deskmesh "a chain beyond an ended share goes on by itself"
        [chains::also_a_far_hop_lives_on_when_a_near_one_ends];
    "also" Deskmesh "each hop of a chain goes by its own terms"
        [chains::also_each_hop_goes_by_its_own_terms];
    "also" Deskmesh "a copy can be worked on by its share, before it has a number; sharing it on \
        tells the number"
        [chains::also_a_copy_is_worked_on_before_it_has_a_number,
            chains::also_sharing_a_copy_on_tells_its_number_too];
    "also" Deskmesh "a deactivation ends every share under the agreement at once"
        [chains::also_a_deactivation_ends_every_share_under_the_agreement_at_once];
    "also" Deskmesh "a comment counts once by its id, which belongs to who used it first"
        [comments::also_a_comment_counts_once_by_its_id,
            comments::also_a_comments_id_belongs_to_whoever_used_it,
            comments::also_one_comment_id_on_two_tickets_is_said];
    "also" Deskmesh "a redaction blanks every copy, now and later, by the author's account alone"
        [
            redaction::also_a_redaction_blanks_every_copy_and_those_to_come,
            redaction::also_a_redaction_waits_for_a_comment_that_comes_later,
            redaction::also_one_file_of_a_comment_is_redacted_alone,
            redaction::also_nobody_but_its_authors_account_redacts_a_comment,
        ];
    "part 5" Deskmesh "a copy that comes back into a live share hears the redactions it missed"
        [redaction::part_5_a_copy_that_comes_back_hears_the_redactions_it_missed];
    "also" Deskmesh "a redaction's receipt names every copy that it does not reach"
        [redaction::also_a_redaction_names_every_copy_it_does_not_reach];
    "also" Deskmesh "of a status only a change of category is sent, and one that there is not \
        changes nothing"
        [status::also_only_a_change_of_category_is_sent,
            status::also_a_custom_status_that_there_is_not_changes_nothing];
    "also" Deskmesh "a placeholder is handed on unchanged along the chain"
        [people::also_a_placeholder_is_handed_on_unchanged_along_the_chain];
    "also" Deskmesh "nobody makes up a placeholder: an id that looks like one is a person of its \
        account"
        [people::also_a_made_up_placeholder_is_a_person_of_its_account];
    "also" Deskmesh "fields of every type take their values and no others, and pass to types that \
        fit"
        [
            field_types::also_every_type_takes_its_values_and_no_others,
            field_types::also_types_that_fit_pass_both_ways,
            field_types::also_a_multiselect_crosses_whole_or_not_at_all,
            field_types::also_a_value_is_cleared_by_each_of_its_spellings,
        ];
    "also" Deskmesh "each field is decided for itself, under one revision of the command"
        [
            field_types::also_a_title_that_is_not_unique_crosses_nothing,
            field_types::also_one_bad_field_holds_back_none_of_the_others,
            field_types::also_a_change_of_several_fields_is_one_revision,
        ];
    "also" Deskmesh "an account with open fields takes any title"
        [field_types::also_open_fields_take_any_title];
    "also" Deskmesh "of a field that a command spells more than once one counts, and the others \
        are told"
        [field_types::also_one_spelling_of_a_field_counts_and_the_others_are_told];
    "also" Deskmesh "a pattern that nobody can check is refused when it is registered"
        [settings::also_everyday_patterns_take_values_and_others_are_refused];
    "also" Deskmesh "an account operates others where the deployment's operator says so, and then \
        alone has the names below its own"
        [operators::also_only_a_registered_operator_operates_others];
    "also" Deskmesh "who is invited by a sharing URL is an account of the one that stands for \
        third-party systems, where the deployment's operator says so, and its deliveries go there"
        [third_parties::also_one_account_stands_for_third_party_systems,
            third_parties::also_a_third_partys_deliveries_reach_who_stands_for_it];
    "also" Deskmesh "an address that was given up, or is another account's name, is given to \
        nobody else"
        [operators::also_an_address_given_up_is_no_other_accounts];
    "also" Deskmesh "what a desk cannot hold is cut or left out for it alone, and told again so"
        [
            limits::also_longer_text_is_cut_and_the_next_hop_has_all,
            limits::also_a_subject_is_cut_for_the_desk_that_gets_it,
            limits::also_no_private_comment_goes_where_it_cannot_be_kept,
        ];
    "also" Deskmesh "a drop-down of any length comes in parts"
        [settings::also_a_drop_down_in_parts_is_whole_for_the_partner];
    "also" Deskmesh "a comparison of custom fields says what becomes of their values, and tells no \
        field that its account does not show"
        [settings::also_what_a_comparison_says_is_what_becomes_of_the_values];
    "also" Deskmesh "an account reads its settings, and a version that is far too high has a way \
        back"
        [
            settings::also_an_account_reads_its_settings_with_versions_limits_and_use,
            settings::also_a_version_that_was_far_too_high_has_a_way_back,
        ];
    "part 5" Deskmesh "a clock that was ahead once keeps no later change of its account out"
        [settings::part_5_a_clock_that_was_ahead_keeps_no_later_change_out];
    "also" Deskmesh "CCs are mailed where their account wants it, by its own latest list"
        [
            notices::also_the_list_of_ccs_is_the_one_told_last,
            notices::also_ccs_are_mailed_only_where_their_account_wants_it,
            notices::also_each_copys_ccs_are_told_of_comments_from_beyond_it,
        ];
    "also" Deskmesh "a desk that lost everything gets it back, page by page"
        [resync::also_a_desk_that_lost_everything_gets_it_back,
            resync::also_shares_are_listed_from_both_sides_ended_ones_too];
    "also" Deskmesh "a history longer than any message arrives whole"
        [resync::also_a_history_of_any_length_arrives_whole];
    "also" Deskmesh "a body is read as programs write it: with a byte order mark, half an emoji, a \
        number beyond all numbers"
        [spelling::also_a_body_is_read_as_programs_write_it];
    "also" Deskmesh "a ticket's number is text and stays as it is: zeros, signs, slashes, blanks"
        [as_sent::also_a_tickets_number_stays_as_it_is];
    "also" Deskmesh "null is nothing given, empty is empty"
        [as_sent::also_null_is_nothing_given_and_empty_is_empty];
    "also" Deskmesh "HTML crosses, cleaned, however deep"
        [as_sent::also_html_nested_deep_crosses_clean];
    "also" Deskmesh "what only looks like a day is none"
        [as_sent::also_what_only_looks_like_a_day_is_none];
    "also" Deskmesh "of two changes in one second the later counts, whatever their message ids"
        [as_sent::also_of_two_changes_in_one_second_the_later_counts];
    "also" Deskmesh "a bad link keeps its own file back, and nothing else"
        [spelling::also_a_bad_link_keeps_its_file_back_and_nothing_else];
    "also" Deskmesh "members that the contract has not are named, and a comment with one that \
        looks like `public` stays"
        [spelling::also_unknown_members_are_named_and_ignored,
            spelling::also_a_comment_that_may_be_internal_stays];
    "also" Deskmesh "a UUID and 40 hex digits are the same id in either case"
        [spelling::also_an_id_is_the_same_in_either_case];
    "also" Deskmesh "a receipt says what took effect, what never crosses apart"
        [spelling::also_a_receipt_says_what_took_effect];
    "also" Deskmesh "what has to stay is in no delivery, no mail, no log and no event"
        [privacy::also_what_has_to_stay_is_told_to_nobody];
}
