//! What admins set up.

mod address;
mod audit;
mod fields;
mod groups;
mod own_fields;
mod people;
mod rule_form;
mod rules;
mod statuses;
mod tickets;

use axum::Router;
use axum::routing::{get, post};
use web::{SideGroup, SideLink, Viewer};

use super::Pages;

pub(super) fn routes() -> Router<Pages> {
    Router::new()
        .route("/settings/people", get(people::list).post(people::add))
        .route("/settings/people/{id}", post(people::change))
        .route("/settings/fields", get(fields::list).post(fields::save))
        .route("/settings/fields/{key}/delete", post(fields::delete))
        .route("/settings/statuses", get(statuses::list).post(statuses::change))
        .route("/settings/own-fields", get(own_fields::list).post(own_fields::change))
        .route("/settings/tickets", get(tickets::form).post(tickets::save))
        .route("/settings/groups", get(groups::list).post(groups::add))
        .route("/settings/rules/{kind}", get(rules::list))
        .route("/settings/rules/{kind}/{id}", get(rules::form).post(rules::save))
        .route("/settings/rules/{kind}/{id}/earlier", post(rules::earlier))
        .route("/settings/address", get(address::form).post(address::save))
        .route("/settings/audit", get(audit::list))
}

/// Links beside every page of settings.
pub(super) fn side(viewer: &Viewer, here: &str) -> Vec<SideGroup> {
    let group = |title: &str, links: &[(&str, &str)]| SideGroup {
        title: viewer.say(title).into_owned(),
        links: links
            .iter()
            .map(|(path, label)| SideLink::new(*path, viewer.say(label)).current_if(*path == here))
            .collect(),
    };
    vec![
        group(
            "settings.people",
            &[
                ("/settings/people", "settings.members"),
                ("/settings/sign-in", "oidc.title"),
                ("/settings/groups", "settings.groups"),
                ("/settings/own-fields", "settings.own_fields"),
            ],
        ),
        group(
            "settings.objects",
            &[
                ("/settings/fields", "settings.fields"),
                ("/settings/statuses", "settings.statuses"),
                ("/settings/tickets", "settings.tickets"),
                ("/sharing", "nav.sharing"),
                ("/settings/rules/trigger", "settings.triggers"),
                ("/settings/rules/automation", "settings.automations"),
                ("/settings/rules/view", "settings.views"),
            ],
        ),
        group(
            "settings.account",
            &[("/settings/address", "settings.address"), ("/settings/audit", "settings.audit")],
        ),
    ]
}
