//! The views of an account: those that every one has, one per partner, and its own.

use contracts::delivery::{AgreementStatus, Side};
use uuid::Uuid;
use web::{SideGroup, SideLink, Viewer};

use crate::rules::condition::{ANY, Condition, Conditions, ME, NONE, Operator, Subject};
use crate::rules::sharing::Agreement;
use crate::store::rule::KeptRule;

/// A view with its name in paths.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// As paths have it.
    pub key: String,
    /// What it is called.
    pub title: String,
    /// What it shows.
    pub when: Conditions,
    /// Of an account's own, by which it is edited.
    pub own: Option<Uuid>,
    group: &'static str,
}

fn all(conditions: &[(Subject, Operator, &str)]) -> Conditions {
    let all =
        conditions.iter().map(|(on, op, value)| Condition::new(on.clone(), *op, *value)).collect();
    Conditions { all, any: Vec::new() }
}

/// All views of an account, in their order.
pub(super) fn of(viewer: &Viewer, agreements: &[Agreement], rules: &[KeptRule]) -> Vec<View> {
    let unsolved = (Subject::Status, Operator::Below, "solved");
    let view = |group: &'static str, key: &str, when: &[(Subject, Operator, &str)]| View {
        key: key.to_owned(),
        title: viewer.say(&format!("view.{key}")).into_owned(),
        when: all(when),
        own: None,
        group,
    };
    let is = Operator::Is;
    let mut views = vec![
        view("views.yours", "mine", &[unsolved.clone(), (Subject::Assignee, is, ME)]),
        view("views.yours", "unassigned", &[unsolved.clone(), (Subject::Assignee, is, NONE)]),
        view("views.yours", "unsolved", std::slice::from_ref(&unsolved)),
    ];
    if !agreements.is_empty() {
        views.push(view("views.sharing", "received", &[(Subject::ReceivedFrom, is, ANY)]));
        views.push(view("views.sharing", "sent", &[(Subject::SentTo, is, ANY)]));
    }
    views.extend(partners(viewer, agreements));
    views.push(view("views.all", "recent", &[]));
    views.push(view("views.all", "solved", &[(Subject::Status, is, "solved")]));
    views.extend(rules.iter().filter(|rule| rule.is_on).map(|rule| View {
        key: rule.id.to_string(),
        title: rule.name.clone(),
        when: rule.definition.when.clone(),
        own: Some(rule.id),
        group: "views.own",
    }));
    views
}

fn partners(viewer: &Viewer, agreements: &[Agreement]) -> Vec<View> {
    let mut views: Vec<View> = Vec::new();
    let was_in_force = |it: &&Agreement| {
        [AgreementStatus::Accepted, AgreementStatus::Inactive].contains(&it.status)
    };
    for agreement in agreements.iter().filter(was_in_force) {
        let (key, on, title) = match agreement.side {
            Side::Receiver => ("from", Subject::ReceivedFrom, "view.from"),
            Side::Sender => ("to", Subject::SentTo, "view.to"),
        };
        let key = format!("{key}:{}", agreement.partner);
        if views.iter().all(|view| view.key != key) {
            views.push(View {
                key,
                title: viewer.say_with(title, &[("partner", &agreement.partner_name)]).into_owned(),
                when: all(&[(on, Operator::Is, &agreement.partner)]),
                own: None,
                group: "views.sharing",
            });
        }
    }
    views
}

/// Views as links, with how many tickets each has.
pub(super) fn side(viewer: &Viewer, views: &[View], counts: &[i64], now: &str) -> Vec<SideGroup> {
    let mut groups: Vec<(&str, SideGroup)> = Vec::new();
    for (view, count) in views.iter().zip(counts) {
        let link = SideLink::new(path(&view.key), view.title.clone())
            .count(u64::try_from(*count).unwrap_or_default())
            .current_if(view.key == now);
        if let Some((_, group)) = groups.iter_mut().find(|(group, _)| *group == view.group) {
            group.links.push(link);
        } else {
            let title = viewer.say(view.group).into_owned();
            groups.push((view.group, SideGroup { title, links: vec![link] }));
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Where a view is.
pub(super) fn path(key: &str) -> String {
    format!("/tickets?view={key}")
}
