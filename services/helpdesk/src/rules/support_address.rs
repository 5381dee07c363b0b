//! Addresses at which accounts take tickets: an account's own, as an admin types them, and its
//! partners', to which no mail goes.

use contracts::delivery::AgreementStatus;
use contracts::limits;
use contracts::mailbox::{Mailbox, domain_of};

use super::sharing::Agreement;

/// Reads addresses and `@domains`, one a line, each once.
///
/// # Errors
/// The first line that is neither, or the one too many.
pub fn read(text: &str) -> Result<Vec<String>, String> {
    let mut addresses: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let is_one = match line.strip_prefix('@') {
            Some(domain) => domain_of(domain).contains('.') && is_plain(domain),
            None => Mailbox::of(line).is_some() && is_plain(line),
        };
        if !is_one || addresses.len() >= limits::SUPPORT_ADDRESSES {
            return Err(line.to_owned());
        }
        let line = line.to_lowercase();
        if !addresses.contains(&line) {
            addresses.push(line);
        }
    }
    Ok(addresses)
}

fn is_plain(text: &str) -> bool {
    text.len() <= 254
        && !text.chars().any(|it| it.is_whitespace() || it.is_control() || "<>,;\"".contains(it))
}

/// Whether an address is none that a partner reads as tickets, by what is in force.
#[must_use]
pub fn may_be_mailed(address: &str, agreements: &[Agreement]) -> bool {
    let Some(mailbox) = Mailbox::of(address) else { return false };
    let covers = |entry: &String| match entry.trim().strip_prefix('@') {
        Some(domain) => mailbox.is_of(&domain_of(domain)),
        None => Mailbox::of(entry).as_ref() == Some(&mailbox),
    };
    let in_force = agreements.iter().filter(|it| it.status == AgreementStatus::Accepted);
    !in_force.flat_map(|it| &it.support_addresses).any(covers)
}

#[cfg(test)]
mod tests {
    use super::super::sharing::samples::agreement;
    use super::*;

    #[test]
    fn r_45_to_r_47_no_mail_goes_where_a_partner_takes_tickets() {
        let mut partner = agreement("a", "acme");
        partner.support_addresses = vec!["help@acme.example".into(), "@desk.acme.example".into()];
        let agreements = [partner.clone()];
        for address in
            ["Help+x@Acme.example", " HELP@acme.example", "any@DESK.acme.example", "no address"]
        {
            assert!(!may_be_mailed(address, &agreements), "{address}");
        }
        for address in ["ada@acme.example", "x@eu.desk.acme.example"] {
            assert!(may_be_mailed(address, &agreements), "{address}");
        }
        let over = [Agreement { status: AgreementStatus::Inactive, ..partner }];
        assert!(may_be_mailed("help@acme.example", &over));
    }

    #[test]
    fn addresses_and_domains_are_read_line_by_line() {
        let typed = "help@acme.example\n @acme.example\r\n\nHELP@acme.example";
        assert_eq!(read(typed), Ok(vec!["help@acme.example".into(), "@acme.example".into()]));
        for wrong in ["help", "@acme", "a b@acme.example", "<help@acme.example>", "@"] {
            assert_eq!(read(wrong), Err(wrong.to_owned()));
        }
        let many: Vec<String> = (0..=200).map(|number| format!("a{number}@x.example")).collect();
        assert_eq!(read(&many.join("\n")), Err("a200@x.example".into()));
    }
}
