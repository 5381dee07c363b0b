//! E-mail: who is told of a comment, and whom no mail may go to.

use contracts::{ItemOutcome, Reason};
use serde_json::{Value, json};
use testkit::Desk;

use crate::context::{ConformanceContext, Partners, applied, everything, item, with};
use crate::copies::{COPY, Chain, FAR_COPY, ORIGINAL};

/// The address of somebody who is in copy on a desk's tickets.
fn address(desk: &Desk, name: &str) -> String {
    format!("{name}@cc.{}.example", desk.account)
}

fn ccs(desk: &Desk, names: &[&str]) -> Value {
    names.iter().map(|name| json!({ "name": name, "email": address(desk, name) })).collect()
}

async fn mails_its_ccs(context: &ConformanceContext, desk: &Desk, more: &Value) {
    applied(&context.set(desk, with(json!({ "notify_ccs": true }), more)).await);
}

/// Comments publicly under words of its own, so that its mail can be told from others.
async fn comments(context: &ConformanceContext, desk: &Desk, number: &str, words: &str) {
    let comment = context.comment(desk, words, true);
    applied(&context.update(desk, number, json!({ "comments": [comment] })).await);
}

pub async fn r_25_a_public_comment_on_the_copy_is_mailed_to_the_ccs_of_the_original(
    context: ConformanceContext,
) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let template = json!({ "link_template": "https://desk.acme.example/tickets/{ticket_id}?view",
        "locale": "it" });
    mails_its_ccs(&context, &acme, &template).await;
    let ticket = json!({ "id": "47 11", "ccs": ccs(&acme, &["anna", "bruno"]) });
    let (receipt, share) = context.share(&acme, &agreement, ticket).await;
    item(&receipt, "ccs", ItemOutcome::Withheld, Reason::CcsStay);
    context.created(&globex, &share).await;
    applied(&context.bind(&globex, &share, COPY).await);
    comments(&context, &acme, "47 11", "Of its own comments a desk tells its CCs itself.").await;
    let private = context.comment(&globex, "It was the cable.", false);
    applied(&context.update(&globex, COPY, json!({ "comments": [private] })).await);
    comments(&context, &globex, COPY, "It prints again.").await;
    let partner = format!("{} Inc.", globex.account);
    for name in ["anna", "bruno"] {
        let to = address(&acme, name);
        let link = "https://desk.acme.example/tickets/47%2011?view";
        let mail = context
            .mail(&to, &["nuovo commento", "It prints again.", link, &partner, "Agent"])
            .await;
        assert_eq!(mail.recipients, [to.as_str()]);
        let other = address(&acme, if name == "anna" { "bruno" } else { "anna" });
        assert!(!mail.raw.contains(&other), "{}", mail.raw);
        assert_eq!(context.mails_to(&to).len(), 1, "neither the private comment nor acme's own");
    }
}

pub async fn also_the_list_of_ccs_is_the_one_told_last(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    mails_its_ccs(&context, &acme, &json!({})).await;
    let ticket = json!({ "id": ORIGINAL, "ccs": ccs(&acme, &["anna", "bruno"]) });
    let (receipt, share) = context.share(&acme, &agreement, ticket).await;
    applied(&receipt);
    applied(&context.bind(&globex, &share, COPY).await);
    let told_earlier =
        json!({ "ccs": ccs(&acme, &["anna"]), "occurred_at": "2026-01-01T00:00:00Z" });
    for change in [json!({ "ccs": ccs(&acme, &["bruno", "carla"]) }), told_earlier] {
        item(
            &context.update(&acme, ORIGINAL, change).await,
            "ccs",
            ItemOutcome::Withheld,
            Reason::CcsStay,
        );
    }
    comments(&context, &globex, COPY, "To the second list.").await;
    for name in ["bruno", "carla"] {
        context.mail(&address(&acme, name), &["To the second list."]).await;
    }
    applied(&context.update(&acme, ORIGINAL, json!({ "ccs": [] })).await);
    comments(&context, &globex, COPY, "To nobody.").await;
    applied(&context.update(&acme, ORIGINAL, json!({ "ccs": ccs(&acme, &["dino"]) })).await);
    comments(&context, &globex, COPY, "To the third list.").await;
    context.mail(&address(&acme, "dino"), &["To the third list."]).await;
    let mails = ["anna", "bruno", "carla", "dino"]
        .map(|name| context.mails_to(&address(&acme, name)).len());
    assert_eq!(mails, [0, 1, 1, 1]);
}

pub async fn also_ccs_are_mailed_only_where_their_account_wants_it(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let ticket = json!({ "id": ORIGINAL, "ccs": ccs(&acme, &["anna"]) });
    let (receipt, share) = context.share(&acme, &agreement, ticket).await;
    applied(&receipt);
    applied(&context.bind(&globex, &share, COPY).await);
    comments(&context, &globex, COPY, "The desk tells its CCs.").await;
    mails_its_ccs(&context, &acme, &json!({})).await;
    comments(&context, &globex, COPY, "Deskmesh does.").await;
    context.mail(&address(&acme, "anna"), &["Deskmesh does.", "new comment"]).await;
    assert_eq!(context.mails_to(&address(&acme, "anna")).len(), 1);
}

pub async fn also_each_copys_ccs_are_told_of_comments_from_beyond_it(context: ConformanceContext) {
    let Chain { acme, globex, initech, .. } = Chain::under(&context, everything()).await;
    for (desk, number) in [(&acme, ORIGINAL), (&globex, COPY), (&initech, FAR_COPY)] {
        let template = format!("https://desk.{}.example/{{ticket_id}}", desk.account);
        mails_its_ccs(&context, desk, &json!({ "link_template": template })).await;
        applied(&context.update(desk, number, json!({ "ccs": ccs(desk, &["anna"]) })).await);
    }
    comments(&context, &acme, ORIGINAL, "Nobody here is told by Deskmesh.").await;
    comments(&context, &globex, COPY, "Found in the middle.").await;
    comments(&context, &initech, FAR_COPY, "Found at the end.").await;
    let link = |desk: &Desk, number: &str| {
        format!("https://desk.{}.example/{}", desk.account, number.replace('-', "%2D"))
    };
    context.mail(&address(&acme, "anna"), &["Found in the middle.", &link(&acme, ORIGINAL)]).await;
    let author = format!("{} Inc.", initech.account);
    for (desk, number) in [(&acme, ORIGINAL), (&globex, COPY)] {
        context
            .mail(&address(desk, "anna"), &["Found at the end.", &link(desk, number), &author])
            .await;
    }
    let mails =
        [&acme, &globex, &initech].map(|desk| context.mails_to(&address(desk, "anna")).len());
    assert_eq!(mails, [2, 1, 0]);
}

pub async fn r_45_partners_know_where_no_mail_may_go(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    let support = |desk: &Desk| {
        json!([
            format!("support@{}.example", desk.account),
            format!("@help.{}.example", desk.account)
        ])
    };
    for desk in [&acme, &globex] {
        applied(&context.set(desk, json!({ "support_addresses": support(desk) })).await);
    }
    let agreement = context.agree(&acme, &globex, everything()).await;
    for (desk, partner) in [(&acme, &globex), (&globex, &acme)] {
        let told = async |name: &str| {
            json!(context.agreement(desk, &agreement, name).await.partner_support_addresses)
        };
        assert_eq!(
            told("agreement.invited.v1").await,
            json!([]),
            "an invite alone tells nobody's addresses"
        );
        assert_eq!(told("agreement.accepted.v1").await, support(partner), "{}", desk.account);
    }
    applied(&context.set(&globex, json!({ "support_addresses": ["new@globex.example"] })).await);
    assert_eq!(
        context.agreements(&acme).await[0].partner_support_addresses,
        ["new@globex.example"]
    );
}

pub async fn r_46_automatic_mail_to_a_partner_is_suppressed(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    let (support, help) =
        (format!("support@{}.example", globex.account), format!("help.{}.example", globex.account));
    applied(
        &context.set(&globex, json!({ "support_addresses": [support, format!("@{help}")] })).await,
    );
    let own = context.admin_of(&acme);
    let at = |email: &str| json!({ "name": "Admin", "email": email });
    let domain = format!("anybody@{help}");
    let admins = json!([at(&support.to_uppercase()), at(&domain), at(&own)]);
    applied(&context.set(&acme, json!({ "admins": admins })).await);
    let agreement = context.agree(&acme, &globex, everything()).await;
    context.mail(&own, &["accepted your invite"]).await;
    applied(&context.decide(&globex, "deactivate", &agreement).await);
    context.mail(&own, &["ended the sharing agreement"]).await;
    for suppressed in [support.to_uppercase(), support, domain] {
        assert!(context.mails_to(&suppressed).is_empty(), "{suppressed}");
    }
}

pub async fn r_47_mail_that_an_agents_action_causes_towards_a_partner_is_suppressed(
    context: ConformanceContext,
) {
    let [acme, globex, initech] = context.desks(["acme", "globex", "initech"]).await;
    let support = |desk: &Desk| format!("support@{}.example", desk.account);
    let help = format!("help.{}.example", globex.account);
    applied(
        &context
            .set(&globex, json!({ "support_addresses": [support(&globex), format!("@{help}")] }))
            .await,
    );
    applied(&context.set(&initech, json!({ "support_addresses": [support(&initech)] })).await);
    mails_its_ccs(&context, &acme, &json!({})).await;
    let agreement = context.agree(&acme, &globex, everything()).await;
    context.agree(&acme, &initech, everything()).await;
    let suppressed = [
        support(&globex),
        support(&initech),
        format!("anybody@{help}"),
        format!("support+tag@{}.example", globex.account),
        format!("\"support\"@{}.example", globex.account),
    ];
    let mut list: Vec<Value> =
        suppressed.iter().map(|email| json!({ "name": "Partner", "email": email })).collect();
    list.push(json!({ "name": "Anna", "email": address(&acme, "anna") }));
    let (receipt, share) =
        context.share(&acme, &agreement, json!({ "id": ORIGINAL, "ccs": list })).await;
    applied(&receipt);
    applied(&context.bind(&globex, &share, COPY).await);
    for words in ["It prints.", "It still prints."] {
        comments(&context, &globex, COPY, words).await;
        context.mail(&address(&acme, "anna"), &[words]).await;
    }
    for address in suppressed {
        assert!(context.mails_to(&address).is_empty(), "{address}");
    }
}
