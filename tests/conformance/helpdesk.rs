//! What the help desk keeps, on its pages, with a partner who is a desk like any other.
//!
//! Pages are asked as a browser without scripts does; every test has organisations of its own.

use contracts::AgreementId;
use contracts::command::Admin;
use contracts::delivery::DeliveryBody;
use contracts::topology::Service;
use local::browser::Browser;
use local::edges;
use serde_json::{Value, json};
use testkit::Desk;

use crate::context::{ConformanceContext, agent, applied, everything, private_only, with};

const PASSWORD: &str = "correct horse battery";

/// An organisation at the help desk, and its admin.
struct Organisation {
    address: String,
    admin: Browser,
}

impl Organisation {
    async fn new(context: &ConformanceContext, stem: &str) -> Self {
        let address = format!("{stem}{}", context.number());
        let (helpdesk, installation) = context.helpdesk();
        let (helpdesk, installation) = (helpdesk.clone(), installation.clone());
        let made = tokio::task::spawn_blocking(move || {
            let api = helpdesk.operator(Service::Helpdesk, installation.passwords());
            let admin = Admin { name: "Ada".to_owned(), email: format!("ada@{address}.example") };
            let kept = edges::add_people(&installation, &api, &address, None, Some(admin))
                .expect("the account is made");
            let mut admin = Browser::open(&helpdesk.url, None);
            admin.sign_in_first(&kept.sign_in, PASSWORD).expect("the link works");
            Self { address, admin }
        });
        made.await.expect("the account's task ends")
    }

    /// Invites a desk, which accepts.
    async fn shares_with(&mut self, context: &ConformanceContext, desk: &Desk, comments: &str) {
        let id = self.invites(context, desk, comments);
        let agreement = AgreementId::new(id).expect("an id");
        desk.told("the invite", |told| (told.name() == "agreement.invited.v1").then_some(())).await;
        applied(&context.decide(desk, "accept", &agreement).await);
    }

    /// Sends an invite by its form; the agreement.
    fn invites(&mut self, context: &ConformanceContext, desk: &Desk, comments: &str) -> String {
        let (id, address) = (context.id(), desk.account.to_string());
        let form = [
            ("key", id.as_str()),
            ("kind", "account"),
            ("address", address.as_str()),
            ("comments", comments),
            ("tags", "yes"),
            ("custom_fields", "yes"),
        ];
        self.admin.post("/sharing/invite", &form).expect("the invite is sent");
        id
    }

    /// Accepts a desk's invite.
    async fn accepts(
        &mut self,
        context: &ConformanceContext,
        desk: &Desk,
        terms: Value,
    ) -> AgreementId {
        let invite = json!({ "receiver": { "address": self.address }, "terms": terms });
        let (receipt, agreement) = context.invite_with(desk, invite).await;
        applied(&receipt);
        let path = format!("/sharing/agreements/{agreement}");
        self.admin.shows(&path, "name=\"decision\"").expect("the invitation is there");
        let key = context.id();
        let decision = [("key", key.as_str()), ("decision", "accept")];
        self.admin.post(&format!("{path}/decide"), &decision).expect("it is accepted");
        agreement
    }

    fn opens(&mut self, subject: &str, tags: &str) -> String {
        let form = [
            ("subject", subject),
            ("requester_name", "Robin Vale"),
            ("requester_email", "robin@customer.example"),
            ("body", "It drips."),
            ("mode", "public"),
            ("tags", tags),
        ];
        self.admin.send("/tickets", &form).expect("an answer").location
    }

    fn saves_rule(
        &mut self,
        context: &ConformanceContext,
        kind: &str,
        rows: &[(&str, &str)],
    ) -> String {
        let path = format!("/settings/rules/{kind}/{}", context.id());
        let mut form = vec![("new", "yes"), ("name", "A rule"), ("on", "on"), ("do", "save")];
        form.extend_from_slice(rows);
        self.admin.post(&path, &form).expect("the rule is saved");
        path
    }

    fn page(&self, path: &str) -> String {
        self.admin.get(path).expect("an answer").page
    }

    fn shows(&self, path: &str, text: &str) -> String {
        self.admin.shows(path, text).expect("it is shown")
    }
}

/// How a partner is called on pages.
fn named(desk: &Desk) -> String {
    format!("{} Inc.", desk.account)
}

/// An organisation with whom a desk has shared ticket 1.
async fn received(context: &ConformanceContext, terms: Value) -> (Organisation, Desk, String) {
    let mut globex = Organisation::new(context, "globex").await;
    let acme = context.desk("acme").await;
    let agreement = globex.accepts(context, &acme, terms).await;
    context
        .share(
            &acme,
            &agreement,
            with(json!({ "id": "1" }), &json!({ "subject": "The pump leaks" })),
        )
        .await;
    globex.shows("/tickets?view=received", "The pump leaks");
    (globex, acme, "/tickets/1".to_owned())
}

pub async fn r_11_the_pages_have_the_share_field_only_with_an_outgoing_agreement(
    context: ConformanceContext,
) {
    let (mut globex, _, ticket) = received(&context, everything()).await;
    assert!(!globex.page(&ticket).contains("name=\"share_with\""));
    let own = globex.opens("Our own", "");
    assert!(!globex.page(&own).contains("name=\"share_with\""));
    let initech = context.desk("initech").await;
    globex.invites(&context, &initech, "private_only");
    assert!(!globex.page(&own).contains("name=\"share_with\""), "it is pending");
    let hooli = context.desk("hooli").await;
    globex.shares_with(&context, &hooli, "private_only").await;
    let page = globex.shows(&own, "name=\"share_with\"");
    assert!(page.contains(&named(&hooli)) && !page.contains(&named(&initech)), "{page}");
}

pub async fn r_27_the_pages_refuse_to_merge_a_ticket_in_a_live_share(context: ConformanceContext) {
    let (mut globex, _, copy) = received(&context, everything()).await;
    let own = globex.opens("Our own", "");
    assert!(!globex.page(&copy).contains("/merge\""), "no form for it");
    assert!(globex.page(&own).contains("/merge\""), "one that is not shared may be merged");
    let number = own.trim_start_matches("/tickets/").to_owned();
    for (from, into) in [(&copy, number.as_str()), (&own, "1")] {
        let answer =
            globex.admin.send(&format!("{from}/merge"), &[("into", into), ("sure", "yes")]);
        assert_eq!(answer.expect("an answer").status, 409, "{from} into {into}");
    }
}

pub async fn r_40_the_pages_refuse_to_take_a_placeholder_away(context: ConformanceContext) {
    let (mut globex, _, ticket) = received(&context, everything()).await;
    globex.opens("Our own", "");
    assert!(globex.page(&ticket).contains("</svg>placeholder"));
    let people = globex.page("/people");
    let (_, rest) = people.split_once("href=\"/people/placeholder-").expect("a placeholder");
    let id = rest.split('"').next().unwrap_or_default();
    let path = format!("/people/placeholder-{id}");
    assert!(!globex.page(&path).contains("name=\"do\""), "no form for it");
    let merge = [("do", "merge"), ("into", "robin@customer.example")];
    for form in [[("do", "delete"), ("into", "")], merge] {
        let answer = globex.admin.send(&path, &form).expect("an answer");
        assert_eq!(answer.status, 409, "{form:?}");
    }
    assert_eq!(globex.admin.get(&path).expect("an answer").status, 200);
}

pub async fn r_42_a_person_here_stays_apart_from_a_placeholder_of_the_name(
    context: ConformanceContext,
) {
    let mut globex = Organisation::new(&context, "globex").await;
    let own = globex.opens("Our own", "");
    let acme = context.desk("acme").await;
    let agreement = globex.accepts(&context, &acme, everything()).await;
    let requester = json!({ "id": "7", "name": "Robin Vale", "role": "end_user",
        "email": "robin@customer.example" });
    let ticket = json!({ "subject": "The pump leaks", "requester": requester });
    context.share(&acme, &agreement, with(json!({ "id": "1" }), &ticket)).await;
    let copy = globex.shows("/tickets/2", "Robin Vale");
    assert!(copy.contains("No e-mail address here.") && !copy.contains("robin@"), "{copy}");
    let own = globex.page(&own);
    assert!(own.contains("robin@customer.example") && !own.contains("</svg>placeholder"), "{own}");
}

pub async fn r_43_the_pages_let_another_requester_in_with_a_warning(context: ConformanceContext) {
    let (mut globex, _, ticket) = received(&context, everything()).await;
    assert!(globex.page(&ticket).contains("the partner keeps the requester it knows"));
    let form = [("name", "Rita Moss"), ("email", "rita@customer.example")];
    globex.admin.post(&format!("{ticket}/requester"), &form).expect("it is taken");
    assert!(globex.page(&ticket).contains("Rita Moss"));
}

pub async fn r_44_the_pages_say_whom_a_reply_reaches_after_unsharing(context: ConformanceContext) {
    let (mut globex, acme, ticket) = received(&context, everything()).await;
    let passes = format!("{} passes the reply on", named(&acme));
    assert!(globex.page(&ticket).contains(&passes));
    applied(
        &acme
            .ask(
                "ticket.unshare.v1",
                &json!({ "ticket_id": "1",
        "actor": agent() }),
            )
            .await,
    );
    let page = globex.shows(&ticket, "(ended)");
    assert!(page.contains("nobody gets a public reply by e-mail"), "{page}");
    let form = [("name", "Rita Moss"), ("email", "rita@customer.example")];
    globex.admin.post(&format!("{ticket}/requester"), &form).expect("it is taken");
    assert!(!globex.page(&ticket).contains("nobody gets a public reply"));
}

pub async fn r_45_the_pages_put_no_partners_support_address_in_copy(context: ConformanceContext) {
    let mut globex = Organisation::new(&context, "globex").await;
    let acme = context.desk("acme").await;
    let support = format!("support@{}.example", acme.account);
    applied(&context.set(&acme, json!({ "support_addresses": [support] })).await);
    let agreement = globex.accepts(&context, &acme, everything()).await;
    let ticket = with(json!({ "id": "1" }), &json!({ "subject": "The pump leaks" }));
    context.share(&acme, &agreement, ticket).await;
    globex.shows("/tickets?view=received", "The pump leaks");
    for (address, status) in [(support.as_str(), 409), ("cleo@customer.example", 303)] {
        let answer = globex.admin.send("/tickets/1/ccs", &[("email", address)]);
        assert_eq!(answer.expect("an answer").status, status, "{address}");
    }
    let page = globex.page("/tickets/1");
    assert!(page.contains("cleo@customer.example") && !page.contains(&support), "{page}");
}

/// The form that invites.
async fn invite_form(context: &ConformanceContext) -> (Organisation, String) {
    let acme = Organisation::new(context, "acme").await;
    let form = acme.page("/sharing/invite");
    (acme, form)
}

pub async fn r_55_an_invite_is_made_among_the_settings_for_tickets(context: ConformanceContext) {
    let acme = Organisation::new(&context, "acme").await;
    assert!(acme.page("/settings/fields").contains("href=\"/sharing\""));
    assert!(acme.page("/sharing").contains("href=\"/sharing/invite\""));
}

pub async fn r_56_the_form_asks_for_a_help_desk_or_a_third_party(context: ConformanceContext) {
    let (_, form) = invite_form(&context).await;
    assert_eq!(form.matches("name=\"kind\"").count(), 2, "{form}");
    assert!(form.contains("value=\"account\"") && form.contains("value=\"third_party\""));
}

pub async fn r_57_the_form_takes_an_address_or_a_sharing_url(context: ConformanceContext) {
    let (mut acme, form) = invite_form(&context).await;
    assert!(form.contains("name=\"address\"") && form.contains("name=\"sharing_url\""));
    let key = context.id();
    let form = [
        ("key", key.as_str()),
        ("kind", "third_party"),
        ("sharing_url", "http://x.example"),
        ("comments", "private_only"),
    ];
    let answer = acme.admin.send("/sharing/invite", &form).expect("an answer");
    assert_eq!(answer.status, 422, "a sharing URL is https");
}

pub async fn r_58_the_form_has_two_choices_for_comments(context: ConformanceContext) {
    let (_, form) = invite_form(&context).await;
    assert_eq!(form.matches("name=\"comments\"").count(), 2, "{form}");
}

pub async fn r_59_the_form_has_two_choices_for_tags(context: ConformanceContext) {
    let (_, form) = invite_form(&context).await;
    assert_eq!(form.matches("name=\"tags\"").count(), 2, "{form}");
}

pub async fn r_63_the_pages_last_step_sends_the_invite(context: ConformanceContext) {
    let mut acme = Organisation::new(&context, "acme").await;
    let globex = context.desk("globex").await;
    acme.invites(&context, &globex, "private_only");
    let invited = |told: &DeliveryBody| match told {
        DeliveryBody::AgreementInvited(state) => Some(state.sender.address.clone()),
        _ => None,
    };
    let (sender, _) = globex.told("the invite", invited).await;
    assert_eq!(sender, acme.address);
}

/// The rows of a rule on what a partner shared.
fn by_sharing(partner: &str) -> Vec<(&str, &str)> {
    vec![
        ("all_on", "update_via"),
        ("all_op", "is"),
        ("all_value", "Ticket sharing"),
        ("all_on", "received_from"),
        ("all_op", "is"),
        ("all_value", partner),
    ]
}

/// An organisation with a trigger on what a desk shares, and what it then shared.
async fn triggered(context: &ConformanceContext, actions: &[(&str, &str)]) -> (Organisation, Desk) {
    let mut globex = Organisation::new(context, "globex").await;
    globex.admin.post("/settings/groups", &[("name", "Field team")]).expect("a group");
    let acme = context.desk("acme").await;
    let agreement = globex.accepts(context, &acme, everything()).await;
    let partner = named(&acme);
    let mut rows = by_sharing(&partner);
    rows.extend_from_slice(actions);
    globex.saves_rule(context, "trigger", &rows);
    context
        .share(
            &acme,
            &agreement,
            with(json!({ "id": "1" }), &json!({ "subject": "The pump leaks" })),
        )
        .await;
    globex.shows("/tickets/1", "The pump leaks");
    (globex, acme)
}

pub async fn r_80_a_trigger_of_the_pages_knows_what_came_by_sharing(context: ConformanceContext) {
    let (mut globex, _) =
        triggered(&context, &[("do_what", "add_tags"), ("do_value", "theirs")]).await;
    globex.shows("/tickets/1", "theirs");
    let own = globex.opens("Our own", "");
    assert!(!globex.page(&own).contains("theirs"));
}

pub async fn r_81_update_via_has_ticket_sharing_among_its_values(context: ConformanceContext) {
    let mut acme = Organisation::new(&context, "acme").await;
    let form = acme.page("/settings/rules/trigger/new");
    assert!(form.contains(">Update via</option>"), "{form}");
    let row = [("all_on", "update_via"), ("all_op", "is"), ("all_value", "")];
    let chosen = [&[("new", "yes"), ("do", "more")][..], &row].concat();
    let path = format!("/settings/rules/trigger/{}", context.id());
    let form = acme.admin.send(&path, &chosen).expect("an answer").page;
    assert!(form.contains(">Ticket sharing</option>"), "{form}");
}

pub async fn r_82_the_pages_list_all_that_was_shared_with_the_account(context: ConformanceContext) {
    let (mut globex, _, _) = received(&context, everything()).await;
    globex.opens("Our own", "");
    let view = globex.page("/tickets?view=received");
    assert!(view.contains("The pump leaks") && !view.contains("Our own"), "{view}");
}

pub async fn r_83_a_tag_gives_a_view_of_what_was_shared_out(context: ConformanceContext) {
    let mut acme = Organisation::new(&context, "acme").await;
    acme.opens("Shared out", "shared-out");
    acme.opens("Our own", "");
    let rows = [("all_on", "tags"), ("all_op", "includes_any"), ("all_value", "shared-out")];
    let path = acme.saves_rule(&context, "view", &rows);
    let id = path.rsplit('/').next().unwrap_or_default();
    let view = acme.page(&format!("/tickets?view={id}"));
    assert!(view.contains("Shared out") && !view.contains("Our own"), "{view}");
}

pub async fn r_84_an_automation_can_have_a_condition_on_sharing(context: ConformanceContext) {
    let (mut globex, acme, _) = received(&context, private_only()).await;
    let partner = named(&acme);
    let mut rows = by_sharing(&partner);
    rows.extend([("do_what", "add_tags"), ("do_value", "stale")]);
    let path = globex.saves_rule(&context, "automation", &rows);
    let mut form = vec![("name", "A rule"), ("do", "dry")];
    form.extend(rows);
    let page = globex.admin.post(&path, &form).expect("a dry run");
    assert!(page.contains("The pump leaks") && page.contains("Would fire"), "{page}");
}

pub async fn r_85_a_trigger_of_the_pages_routes_and_tags(context: ConformanceContext) {
    let actions = [
        ("do_what", "group"),
        ("do_value", "Field team"),
        ("do_what", "add_tags"),
        ("do_value", "field-team"),
    ];
    let (globex, _) = triggered(&context, &actions).await;
    let page = globex.shows("/tickets/1", "tag--rule");
    assert!(page.contains("selected>Field team<") && page.contains("field-team"), "{page}");
}

pub async fn r_86_received_from_is_a_condition_of_the_pages(context: ConformanceContext) {
    let (globex, acme, _) = received(&context, everything()).await;
    let form = globex.page("/settings/rules/view/new");
    assert!(form.contains(">Ticket sharing: Received from</option>"), "{form}");
    let view = globex.page(&format!("/tickets?view=from:{}", acme.account));
    assert!(view.contains("The pump leaks"), "{view}");
}

pub async fn r_87_sent_to_is_a_condition_of_the_pages(context: ConformanceContext) {
    let mut acme = Organisation::new(&context, "acme").await;
    let globex = context.desk("globex").await;
    acme.shares_with(&context, &globex, "public_and_private").await;
    let ticket = acme.opens("Shared out", "");
    acme.opens("Our own", "");
    let page = acme.shows(&ticket, "name=\"share_with\"");
    let choice = page.split("name=\"share_with\"").nth(1).unwrap_or_default();
    let choice = choice.split("<option value=\"").nth(2).unwrap_or_default();
    let agreement = choice.split('"').next().unwrap_or_default();
    let form = [("share_with", agreement)];
    acme.admin.post(&format!("{ticket}/share"), &form).expect("it is shared");
    globex.told("the ticket", |told| (told.name() == "ticket.created.v1").then_some(())).await;
    let view = acme.shows(&format!("/tickets?view=to:{}", globex.account), "Shared out");
    assert!(!view.contains("Our own"), "{view}");
    assert!(acme.page("/settings/rules/view/new").contains(">Ticket sharing: Sent to</option>"));
}

pub async fn r_88_views_of_the_pages_filter_by_both(context: ConformanceContext) {
    let (mut globex, acme, _) = received(&context, everything()).await;
    globex.opens("Our own", "");
    let partner = named(&acme);
    let from = [
        ("all_on", "received_from"),
        ("all_op", "is"),
        ("all_value", partner.as_str()),
        ("all_on", "sent_to"),
        ("all_op", "is"),
        ("all_value", "nobody"),
    ];
    let path = globex.saves_rule(&context, "view", &from);
    let id = path.rsplit('/').next().unwrap_or_default();
    let view = globex.page(&format!("/tickets?view={id}"));
    assert!(view.contains("The pump leaks") && !view.contains("Our own"), "{view}");
}
