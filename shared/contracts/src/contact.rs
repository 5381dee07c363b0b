//! Addresses and telephone numbers inside names, which do not leave an account.

use std::ops::RangeInclusive;

/// A display name with every address in it cut before the `@`, and every telephone number cut out.
#[must_use]
pub fn name_without_contact(name: &str) -> String {
    let cut = |piece: &str| {
        let word = piece.trim_end();
        let blank = &piece[word.len()..];
        without_domain(word).map_or_else(|| piece.to_owned(), |local| format!("{local}{blank}"))
    };
    without_telephone(&name.split_inclusive(char::is_whitespace).map(cut).collect::<String>())
}

/// What stands before the `@` of a word that is an address.
fn without_domain(word: &str) -> Option<&str> {
    // As East Asian keyboards write it, and its small form.
    let at = ['@', '\u{ff20}', '\u{fe6b}'];
    let opening = |letter: char| "<(\"'[".contains(letter) || at.contains(&letter);
    let (local, domain) = word.trim_start_matches(opening).split_once(at)?;
    (!local.is_empty() && !domain.is_empty()).then_some(local)
}

fn without_telephone(name: &str) -> String {
    let (mut kept, mut cut, mut rest) = (String::new(), false, name);
    while let Some(kind) = rest.chars().next().map(is_of_a_number) {
        let end = rest.find(|letter| is_of_a_number(letter) != kind).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        if kind && is_telephone(run, kept.chars().next_back(), after.chars().next()) {
            (cut, rest) = (true, after);
            kept.push_str(" … ");
        } else {
            kept.push_str(run);
            rest = after;
        }
    }
    if cut { kept.split_whitespace().collect::<Vec<_>>().join(" ") } else { kept }
}

/// Digits of a telephone number (E.164), with what is dialled before it at most.
const DIGITS: RangeInclusive<usize> = 7..=17;

fn is_of_a_number(letter: char) -> bool {
    digit(letter).is_some() || is_between(letter)
}

/// What people write between the digits of a telephone number.
fn is_between(letter: char) -> bool {
    letter.is_whitespace()
        || "+\u{ff0b}-()./\u{ff08}\u{ff09}\u{ff0d}\u{2010}\u{2011}\u{2012}\u{2013}\u{2212}"
            .contains(letter)
}

/// Whether a run of digits, and what stands between them, is a telephone number by its form: with
/// the sign or the digits that are dialled before a country or an area, with an area in brackets,
/// or in the groups that telephone numbers are written in. A plain number may be a customer's, a
/// part's or an order's, and stays.
fn is_telephone(run: &str, before: Option<char>, after: Option<char>) -> bool {
    let opens = |letter: char| digit(letter).is_some() || "+\u{ff0b}(\u{ff08}".contains(letter);
    let (lead, run) = run.split_at(run.find(opens).unwrap_or(run.len()));
    let end = run.rfind(|letter| digit(letter).is_some());
    let (run, trail) = run.split_at(end.map_or(0, |end| run.ceil_char_boundary(end + 1)));
    // A number that goes on a word, with nothing or a hyphen or slash between them.
    let is_attached = |letter: Option<char>, between: &str| {
        between.chars().all(|letter| "-/".contains(letter))
            && letter.is_some_and(|it| it.is_alphanumeric() || "_#".contains(it))
    };
    let groups: Vec<String> = run
        .split(|letter| digit(letter).is_none())
        .filter(|group| !group.is_empty())
        .map(|group| group.chars().filter_map(digit).collect())
        .collect();
    let all = groups.concat();
    if !DIGITS.contains(&all.len()) || is_date(&groups) {
        return false;
    }
    if run.starts_with(['+', '\u{ff0b}']) {
        return true;
    }
    // `SN0551234567`, `INV-0551234567`.
    if is_attached(before, lead) || is_attached(after, trail) {
        return false;
    }
    let has_area = run.contains(['(', '\u{ff08}']) && groups.len() > 1;
    has_area || is_dialled(&all) || is_grouped(&groups, run)
}

/// `00` and a country, or `0` and an area.
fn is_dialled(all: &str) -> bool {
    let zeros = all.bytes().take_while(|byte| *byte == b'0').count();
    (1..=2).contains(&zeros)
}

/// Three groups or more of two to four digits, not all of three with dots between them, which are
/// thousands or an address of a network.
fn is_grouped(groups: &[String], run: &str) -> bool {
    let (first, rest) = match groups {
        [one, rest @ ..] if one.as_str() == "1" => {
            (rest.first(), rest.get(1..).unwrap_or_default())
        }
        [first, rest @ ..] => (Some(first), rest),
        [] => (None, &[][..]),
    };
    let Some(first) = first else { return false };
    let all = first.len() + rest.iter().map(String::len).sum::<usize>();
    let sizes = |group: &String| (2..=4).contains(&group.len());
    let is_thousands =
        rest.iter().all(|group| group.len() == 3) && (run.contains('.') || first.len() < 3);
    rest.len() >= 2
        && (8..=12).contains(&all)
        && sizes(first)
        && rest.iter().all(sizes)
        && !is_thousands
        && !groups.iter().all(|group| is_year(group))
}

fn is_year(group: &str) -> bool {
    group.len() == 4 && (group.starts_with("19") || group.starts_with("20"))
}

/// `01.02.2024`, `2024-02-01`, `2024-2025`.
fn is_date(groups: &[String]) -> bool {
    let up_to = |group: &String, most: u8| {
        group.len() <= 2 && group.parse::<u8>().is_ok_and(|number| (1..=most).contains(&number))
    };
    match groups {
        [first, second, year] if is_year(year) => {
            up_to(first, 31) && up_to(second, 31) && (up_to(first, 12) || up_to(second, 12))
        }
        [year, month, day] if is_year(year) => up_to(month, 12) && up_to(day, 31),
        [from, until] => is_year(from) && is_year(until),
        _ => false,
    }
}

/// The value of a decimal digit of any alphabet (Unicode, general category Nd), as ASCII.
fn digit(letter: char) -> Option<char> {
    // The zeros of the alphabets that people write telephone numbers in; nine digits follow each.
    const ZEROS: [u32; 14] = [
        0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xe50, 0x1040, 0x17e0,
        0xff10,
    ];
    let value =
        ZEROS.iter().find_map(|zero| (letter as u32).checked_sub(*zero).filter(|it| *it < 10));
    value.and_then(|value| char::from_digit(value, 10))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn r_41_no_address_leaves_inside_a_name() {
        for (name, left) in [
            ("ada@acme.example", "ada"),
            ("Ada <ada@acme.example>", "Ada ada"),
            ("Ada Byron", "Ada Byron"),
            ("Ada @ Acme", "Ada @ Acme"),
            ("@ada@acme.example", "ada"),
            ("@acme", "@acme"),
            ("ada＠acme.example", "ada"),
            ("ada﹫acme.example Byron", "ada Byron"),
            ("Ada\u{a0}ada＠acme.example\u{a0}Byron", "Ada\u{a0}ada\u{a0}Byron"),
            ("Ada\tada@acme.example", "Ada\tada"),
            ("[ada@acme.example]", "ada"),
        ] {
            assert_eq!(name_without_contact(name), left);
        }
    }

    #[test]
    fn r_41_no_telephone_number_leaves_inside_a_name() {
        for (name, left) in [
            ("Caller +39 055 123-4567", "Caller …"),
            ("(055) 1234567 Ada", "… Ada"),
            ("0551234567", "…"),
            ("٠٥٥١٢٣٤٥", "…"),
            ("０３−１２３４−５６７８", "…"),
            ("Ada +14155550100", "Ada …"),
            ("Ada 0049 170 1234567", "Ada …"),
            ("Ada 415-555-0100", "Ada …"),
            ("Ada 1-800-555-0100 (work)", "Ada … work)"),
            ("Ada (11) 91234-5678", "Ada …"),
            ("Ada 06 12 34 56 78", "Ada …"),
            ("Ada 612 345 678", "Ada …"),
            ("Tel.0551234567", "Tel …"),
            ("Tel:055/1234567", "Tel: …"),
            ("Ada,+390551234567", "Ada, …"),
        ] {
            let cut = name_without_contact(name);
            assert_eq!(cut.replace('.', ""), left, "{name}: {cut}");
        }
    }

    #[test]
    fn what_is_no_telephone_number_stays_as_it_is() {
        for name in [
            "Agent 4711",
            "Desk 12 of 345",
            "Kunde 10000001",
            "Kunde 10000002",
            "Customer 4155550100",
            "Order 2024-000123",
            "2024-2025",
            "Class of 1998/1999",
            "Born 01.02.1984",
            "Since 2024-02-01",
            "2019 2020 2021",
            "SN0551234567",
            "INV-0551234567",
            "Part 100-2000",
            "10.000.001",
            "10 000 001",
            "Host 192.168.100.200",
            "Ref 0001234567",
            "Card 4111 1111 1111 1111",
            "#0551234567",
            "  two  spaces ",
            "R2D2 (42)",
        ] {
            assert_eq!(name_without_contact(name), name);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn different_customers_keep_different_names(
            one in 1_000_000_u64..99_999_999_999,
            other in 1_000_000_u64..99_999_999_999,
        ) {
            let (first, second) = (format!("Kunde {one}"), format!("Kunde {other}"));
            prop_assert_eq!(
                one == other,
                name_without_contact(&first) == name_without_contact(&second)
            );
        }

        #[test]
        fn r_41_a_number_with_its_country_never_leaves(
            country in 1_u32..999,
            rest in 10_000_000_u64..999_999_999,
            blank in "[ \u{a0}./-]?",
            word in "[A-Za-z]{0,8}",
        ) {
            for number in [
                format!("+{country}{blank}{rest}"),
                format!("00{country}{blank}{rest}"),
                format!("＋{country}{blank}{rest}"),
            ] {
                let left = name_without_contact(&format!("{word} {number}"));
                prop_assert!(!left.contains(&rest.to_string()), "{}", left);
            }
        }

        #[test]
        fn whatever_is_left_is_left_as_it_is(name in any::<String>()) {
            let left = name_without_contact(&name);
            let again = name_without_contact(&left);
            prop_assert!(again.chars().count() <= left.chars().count());
        }
    }
}
