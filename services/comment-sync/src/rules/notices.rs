//! Who is told of a comment by e-mail: the CCs of a ticket, of a public comment that comes back
//! from an account it was shared with.

use contracts::CommentId;
use contracts::address::Party;
use contracts::command::Cc;
use contracts::sync::{About, CommentNotice, Notice, Recipient};
use line::{AccountBasics, HopTraversal};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::draft::{Draft, DraftComment};
use super::{CcLists, Settings};

/// Notices about comments that are new at the copies which the crossings lead to.
pub(super) fn notices(
    comments: &Draft,
    ccs: &CcLists,
    settings: &Settings,
    crossings: &[HopTraversal],
    new: &[CommentId],
) -> Vec<Notice> {
    let mut notices = Vec::new();
    for crossing in crossings.iter().filter(|crossing| !crossing.outbound) {
        let ccs = ccs.of(&crossing.to);
        let teller = settings
            .accounts
            .get(crossing.to_account())
            .filter(|account| account.notify_ccs && !ccs.is_empty());
        let Some(teller) = teller else { continue };
        let arrived = new
            .iter()
            .filter_map(|id| comments.get(id))
            .filter(|comment| comment.is_held_by(&crossing.to));
        let public = arrived.filter(|comment| comment.content().public);
        notices
            .extend(public.filter_map(|comment| notice(settings, teller, ccs, crossing, comment)));
    }
    notices
}

fn notice(
    settings: &Settings,
    teller: &AccountBasics,
    ccs: &[Cc],
    crossing: &HopTraversal,
    comment: DraftComment,
) -> Option<Notice> {
    let ticket_id = crossing.to_ticket()?.clone();
    let link = teller.link_template.as_ref().map(|template| {
        let ticket = utf8_percent_encode(ticket_id.as_str(), NON_ALPHANUMERIC).to_string();
        template.replace("{ticket_id}", &ticket)
    });
    let (author, content) = (comment.account(), comment.content());
    let unknown = || Party {
        account: author.clone(),
        address: author.to_string(),
        display_name: author.to_string(),
        sharing_url: None,
    };
    Some(Notice {
        about: About::Comment(CommentNotice {
            comment_id: content.id.clone(),
            body: content.body.clone(),
            ticket_id,
            link,
        }),
        account: teller.account.clone(),
        to: ccs.iter().map(Recipient::from).collect(),
        locale: teller.locale.clone(),
        partner: settings.accounts.get(author).map_or_else(unknown, AccountBasics::party),
        by: content.author.name.clone(),
        at: comment.written_at(),
        partner_support_addresses: settings
            .no_mail_to
            .get(&teller.account)
            .cloned()
            .unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use contracts::command::AccountKind;
    use contracts::sync::{AccountFact, TransferComment};
    use line::Chain;

    use super::super::ccs::CcList;
    use super::super::samples::{
        account, acme_copy, first_hop, noon, published, second_hop, take, update,
    };
    use super::super::{ChainState, Decided};
    use super::*;

    fn told(name: &str, notify_ccs: bool) -> AccountBasics {
        let registered = AccountFact::registered(account(name), AccountKind::Connected);
        let link_template = Some(format!("https://{name}.example/t/{{ticket_id}}"));
        AccountBasics {
            notify_ccs,
            link_template,
            locale: Some("it".into()),
            display_name: format!("The {name}"),
            ..AccountBasics::from(&registered)
        }
    }

    fn settings(notifying: &[&str]) -> Settings {
        let accounts = ["acme", "globex", "initech"]
            .map(|name| (account(name), told(name, notifying.contains(&name))));
        let no_mail_to = [(account("acme"), vec!["@help.globex.example".to_owned()])].into();
        Settings { accounts: accounts.into(), no_mail_to, ..Settings::default() }
    }

    /// acme → globex → initech, the first two with a CC each.
    fn chain() -> ChainState {
        let chain = Chain::stored([(first_hop(), false), (second_hop(), false)]);
        let mut state = ChainState { chain, ..ChainState::default() };
        for (copy, name) in [(acme_copy(), "acme"), (first_hop().far(), "globex")] {
            let ccs = vec![Cc { name: "CC".into(), email: format!("cc@{name}.example") }];
            state.ccs.tell(
                &copy,
                CcList { ccs, occurred_at: noon(), arrival: None, message_id: "m".into() },
            );
        }
        state
    }

    fn heard(decided: &Decided) -> Vec<String> {
        decided
            .notices
            .iter()
            .flat_map(|notice| &notice.to)
            .map(|recipient| recipient.email.clone())
            .collect()
    }

    #[test]
    fn r_25_a_public_comment_on_the_copy_is_told_to_the_ccs_of_the_original() {
        let hops = [first_hop(), second_hop()];
        let transfer = update("globex", &first_hop().far(), &hops, vec![published("globex/1")]);
        let decided = take(&mut chain(), &settings(&["acme", "globex"]), &transfer);
        let [notice] = decided.notices.as_slice() else { panic!("{:?}", decided.notices) };
        assert_eq!(
            (notice.account.as_str(), notice.partner.display_name.as_str()),
            ("acme", "The globex")
        );
        assert_eq!((notice.locale.as_deref(), notice.by.as_str()), (Some("it"), "Ada"));
        assert_eq!(notice.partner_support_addresses, ["@help.globex.example"]);
        let About::Comment(comment) = &notice.about else { panic!("{notice:?}") };
        assert_eq!(
            (comment.ticket_id.as_str(), comment.link.as_deref()),
            ("1", Some("https://acme.example/t/1"))
        );
        assert_eq!(comment.body, "body of globex/1");
        assert_eq!(heard(&decided), ["cc@acme.example"]);
    }

    #[test]
    fn r_25_along_a_chain_each_account_it_comes_back_to_tells_its_own_ccs() {
        let hops = [first_hop(), second_hop()];
        let transfer = update("initech", &second_hop().far(), &hops, vec![published("initech/1")]);
        assert_eq!(
            heard(&take(&mut chain(), &settings(&["acme", "globex"]), &transfer)),
            ["cc@globex.example", "cc@acme.example"]
        );
        assert_eq!(
            heard(&take(&mut chain(), &settings(&["acme"]), &transfer)),
            ["cc@acme.example"]
        );
    }

    #[test]
    fn r_25_no_mail_for_a_private_comment_or_where_the_desk_mails_itself() {
        let hops = [first_hop(), second_hop()];
        let private = TransferComment { public: false, ..published("globex/1") };
        let quiet = update("globex", &first_hop().far(), &hops, vec![private]);
        assert!(take(&mut chain(), &settings(&["acme"]), &quiet).notices.is_empty());
        let public = update("globex", &first_hop().far(), &hops, vec![published("globex/2")]);
        assert!(take(&mut chain(), &settings(&[]), &public).notices.is_empty());
        let outward = update("acme", &acme_copy(), &hops, vec![published("acme/1")]);
        assert!(take(&mut chain(), &settings(&["acme", "globex"]), &outward).notices.is_empty());
        let mut state = chain();
        take(&mut state, &settings(&["acme"]), &public);
        assert!(
            take(&mut state, &settings(&["acme"]), &public).notices.is_empty(),
            "each comment once"
        );
    }
}
