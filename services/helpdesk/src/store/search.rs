//! Tickets by what people remember of them: beginnings of words of subjects, requesters and
//! comments, a part of the subject, the requester's address, the number here or at a partner.

use sqlx::PgConnection;

use super::ticket::{COLUMNS, Kept, Row};

/// What was typed, as each table is asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Words {
    /// Every word as the beginning of one.
    beginnings: String,
    /// All of it, as a part of a text.
    part: String,
    /// The same as it was typed; nothing: it is too short.
    letters: Option<String>,
    /// As an address begins.
    address: Option<String>,
    /// As a number, here or at a partner.
    number: String,
}

/// A part of a text is no sooner looked for than after so many letters, which `letters_of` has
/// together.
pub(super) const PART: usize = 3;

impl Words {
    fn of(typed: &str) -> Self {
        let typed = typed.trim();
        let words = typed.split_whitespace().filter_map(|word| {
            let word: String = word.chars().filter(|letter| !"'\\\"".contains(*letter)).collect();
            (!word.is_empty()).then(|| format!("'{word}':*"))
        });
        let is_long = typed.chars().count() >= PART;
        Self {
            beginnings: words.collect::<Vec<_>>().join(" & "),
            letters: is_long.then(|| typed.to_owned()),
            part: if is_long { format!("%{}%", plain(typed)) } else { String::new() },
            address: typed.contains('@').then(|| format!("{}%", plain(&typed.to_lowercase()))),
            number: typed.trim_start_matches('#').to_owned(),
        }
    }
}

/// A text that stands for itself in a pattern.
fn plain(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// The newest tickets that have these words.
///
/// # Errors
/// The database.
pub async fn tickets(
    connection: &mut PgConnection,
    account: &str,
    typed: &str,
    limit: i64,
) -> sqlx::Result<Vec<Kept>> {
    let words = Words::of(typed);
    let number: Option<i64> = words.number.parse().ok();
    // The newest of all are among the newest of each.
    let newest = "order by updated_at desc, number desc limit $7";
    let statement = sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from ticket where account = $1 and number in (
             (select number from ticket
                 where account = $1 and words @@ to_tsquery('simple', $2) {newest})
             union
             (select number from ticket where account = $1 and number in (
                 select ticket from comment
                     where account = $1 and words @@ to_tsquery('simple', $2)) {newest})
             union
             (select number from ticket where account = $1
                 and letters_of(subject) @> letters_of($8) and subject ilike $3 {newest})
             union
             (select number from ticket where account = $1 and requester in (
                 select id from person where account = $1 and lower(email) like $4) {newest})
             union
             select case when held.number ~ '^[0-9]{{1,18}}$' then held.number::bigint end
                 from desk_share share join desk_ticket held on held.id = share.ticket
                 where share.account = $1 and share.partner_ticket_id = $6
             union
             select case when number ~ '^[0-9]{{1,18}}$' then number::bigint end from desk_ticket
                 where account = $1 and held #>> '{{head,original_ticket_id}}' = $6
             union select $5::bigint)
         {newest}"
    ));
    let rows: Vec<Row> = sqlx::query_as(statement)
        .bind(account)
        .bind(&words.beginnings)
        .bind(&words.part)
        .bind(&words.address)
        .bind(number)
        .bind(&words.number)
        .bind(limit)
        .bind(&words.letters)
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(Row::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_words_and_no_pattern_or_query() {
        let words = Words::of("  Meter o'clock ");
        assert_eq!(words.beginnings, "'Meter':* & 'oclock':*");
        assert_eq!((words.part.as_str(), words.address), ("%Meter o'clock%", None));
        let odd = Words::of("100%_\\");
        assert_eq!((odd.part.as_str(), odd.beginnings.as_str()), ("%100\\%\\_\\\\%", "'100%_':*"));
        let address = Words::of("Robin@Customer.example");
        assert_eq!(address.address.as_deref(), Some("robin@customer.example%"));
        assert_eq!((Words::of("#12").number.as_str(), Words::of("ab").part.as_str()), ("12", ""));
    }
}
