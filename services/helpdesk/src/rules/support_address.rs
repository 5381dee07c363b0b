//! Addresses at which an account takes tickets, as an admin types them.

use contracts::limits;
use contracts::mailbox::{Mailbox, domain_of};

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

#[cfg(test)]
mod tests {
    use super::read;

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
