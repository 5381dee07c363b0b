//! How the custom fields of two accounts fit, as rows of a table: what a comparison tells, and what
//! mends it, in keys of texts.

use contracts::Reason;
use contracts::delivery::{
    AgreementComparison, FieldCompared, FieldOfSide, FieldWay, MendBy, OptionDiffers,
};
use contracts::fields::FieldType;

use super::withheld::is_mendable;

/// A title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// As this account writes it, if it has one.
    pub title: String,
    /// This account's field.
    pub own: Option<SideField>,
    /// The partner's.
    pub partner: Option<SideField>,
    /// What becomes of values.
    pub result: Vec<Way>,
    /// Options of one name with other tags.
    pub options: Vec<OptionDiffers>,
    /// What this account can do.
    pub own_fix: Vec<Fix>,
    /// What the partner can do.
    pub partner_fix: Vec<Fix>,
}

/// One side's field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideField {
    /// Its type.
    pub field_type: FieldType,
    /// Whether it is on the default form.
    pub on_default_form: bool,
}

/// In which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both, alike.
    Both,
    /// From this account to the partner.
    Out,
    /// From the partner here.
    In,
}

impl Direction {
    /// The key of its words.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Both => "doctor.both",
            Self::Out => "doctor.out",
            Self::In => "doctor.in",
        }
    }
}

/// Whether values cross in a direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// In which.
    pub direction: Direction,
    /// Nothing where they cross.
    pub stays: Option<Stays>,
}

/// Why values stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stays {
    /// Why; nothing for a reason of a later release.
    pub reason: Option<Reason>,
    /// Whether it is this account's form that lacks the field, not the partner's.
    pub is_own_form: bool,
    /// Whether somebody can mend it.
    pub is_mendable: bool,
}

/// What mends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fix {
    /// A text by its key, with the type that a field should have.
    Known(&'static str, Option<FieldType>),
    /// As it was told: a way that this release has no words for.
    Told(String),
}

impl Row {
    /// Whether values cross both ways.
    #[must_use]
    pub fn crosses(&self) -> bool {
        self.result.iter().all(|way| way.stays.is_none())
    }

    fn of(field: &FieldCompared) -> Self {
        Self {
            title: field.title.clone(),
            own: side(field.own.as_ref()),
            partner: side(field.partner.as_ref()),
            result: result(&field.to_partner, &field.from_partner),
            options: field.options.clone(),
            own_fix: fixes(field, MendBy::Own),
            partner_fix: fixes(field, MendBy::Partner),
        }
    }
}

/// The rows of a page of titles: what somebody can mend comes first, what crosses last.
#[must_use]
pub fn rows(comparison: &AgreementComparison) -> Vec<Row> {
    let mut rows: Vec<Row> = comparison.fields.iter().map(Row::of).collect();
    rows.sort_by_key(|row| {
        let is_mendable = |way: &Way| way.stays.as_ref().is_some_and(|it| it.is_mendable);
        (row.crosses(), !row.result.iter().any(is_mendable))
    });
    rows
}

fn side(field: Option<&FieldOfSide>) -> Option<SideField> {
    field.map(|it| SideField { field_type: it.field_type, on_default_form: it.on_default_form })
}

fn result(to_partner: &FieldWay, from_partner: &FieldWay) -> Vec<Way> {
    let stays = |way: &FieldWay, is_in: bool| {
        (!way.crosses).then(|| Stays {
            reason: way.reason,
            is_own_form: is_in && way.reason == Some(Reason::NotOnDefaultForm),
            is_mendable: way.reason.is_some_and(is_mendable),
        })
    };
    let (out, back) = (stays(to_partner, false), stays(from_partner, true));
    if out == back {
        return vec![Way { direction: Direction::Both, stays: out }];
    }
    vec![
        Way { direction: Direction::Out, stays: out },
        Way { direction: Direction::In, stays: back },
    ]
}

/// What one side can do: of each reason for which values stay and which that side was told to mend.
fn fixes(field: &FieldCompared, by: MendBy) -> Vec<Fix> {
    let told: Vec<&str> =
        field.mend.iter().filter(|it| it.by == by).map(|it| it.how.as_str()).collect();
    if told.is_empty() {
        return Vec::new();
    }
    let (own, other, into) = match by {
        MendBy::Own => (&field.own, &field.partner, &field.from_partner),
        MendBy::Partner => (&field.partner, &field.own, &field.to_partner),
    };
    let other = other.as_ref().map(|it| it.field_type);
    let mut fixes: Vec<Fix> = Vec::new();
    for way in [&field.to_partner, &field.from_partner] {
        let known = match way.reason {
            Some(Reason::NoSuchField) if own.is_none() => ("doctor.fix.create", other),
            Some(Reason::NoSuchField) => ("doctor.fix.rename", None),
            Some(Reason::TypeMismatch) => ("doctor.fix.type", other),
            Some(Reason::OptionTagsDiffer) => ("doctor.fix.tags", None),
            Some(Reason::NotOnDefaultForm) if std::ptr::eq(way, into) => ("doctor.fix.form", None),
            Some(Reason::TitleNotUnique) => ("doctor.fix.unique", None),
            Some(Reason::SameKindOnly) => ("doctor.fix.open", None),
            _ => continue,
        };
        let fix = match known {
            // Without the other side's type there is nothing to name.
            ("doctor.fix.create" | "doctor.fix.type", None) => Fix::Known("doctor.fix.fits", None),
            (key, field_type) => Fix::Known(key, field_type),
        };
        if !fixes.contains(&fix) {
            fixes.push(fix);
        }
    }
    if fixes.is_empty() {
        fixes.extend(told.into_iter().map(|how| Fix::Told(how.to_owned())));
    }
    fixes
}

#[cfg(test)]
mod tests {
    use contracts::delivery::Mend;
    use serde_json::json;

    use super::*;

    const CROSSES: Option<Reason> = None;

    fn field(
        title: &str,
        (own, partner): (Option<FieldType>, Option<FieldType>),
        (to_partner, from_partner): (Option<Reason>, Option<Reason>),
        mend: &[(MendBy, &str)],
    ) -> FieldCompared {
        let side = |field_type| FieldOfSide { key: None, field_type, on_default_form: true };
        let way =
            |reason: Option<Reason>| FieldWay { crosses: reason.is_none(), reason, detail: None };
        FieldCompared {
            title: title.into(),
            own: own.map(side),
            partner: partner.map(side),
            to_partner: way(to_partner),
            from_partner: way(from_partner),
            options: Vec::new(),
            mend: mend.iter().map(|&(by, how)| Mend { by, how: how.into() }).collect(),
        }
    }

    fn row(
        types: (Option<FieldType>, Option<FieldType>),
        ways: (Option<Reason>, Option<Reason>),
        mend: &[(MendBy, &str)],
    ) -> Row {
        Row::of(&field("A", types, ways, mend))
    }

    const BOTH: [(MendBy, &str); 2] = [(MendBy::Own, "x"), (MendBy::Partner, "y")];

    #[test]
    fn what_crosses_both_ways_is_one_result_and_needs_nothing() {
        let text = Some(FieldType::Text);
        let row = row((text, text), (CROSSES, CROSSES), &[]);
        assert_eq!(row.result, [Way { direction: Direction::Both, stays: None }]);
        assert!(row.crosses() && row.own_fix.is_empty() && row.partner_fix.is_empty());
    }

    #[test]
    fn each_side_is_told_the_type_that_the_other_has() {
        let row = row(
            (Some(FieldType::Integer), Some(FieldType::Text)),
            (Some(Reason::TypeMismatch), Some(Reason::TypeMismatch)),
            &BOTH,
        );
        assert_eq!(row.own_fix, [Fix::Known("doctor.fix.type", Some(FieldType::Text))]);
        assert_eq!(row.partner_fix, [Fix::Known("doctor.fix.type", Some(FieldType::Integer))]);
        assert_eq!(row.result.len(), 1);
        assert!(row.result[0].stays.as_ref().unwrap().is_mendable);
    }

    #[test]
    fn who_lacks_a_field_can_add_it_and_who_has_it_can_rename_it() {
        let reason = Some(Reason::NoSuchField);
        let here = row((Some(FieldType::Date), None), (reason, reason), &BOTH);
        assert_eq!(here.own_fix, [Fix::Known("doctor.fix.rename", None)]);
        assert_eq!(here.partner_fix, [Fix::Known("doctor.fix.create", Some(FieldType::Date))]);
        let there = row((None, Some(FieldType::Date)), (reason, reason), &BOTH);
        assert_eq!(there.own_fix, [Fix::Known("doctor.fix.create", Some(FieldType::Date))]);
        assert_eq!(there.partner_fix, [Fix::Known("doctor.fix.rename", None)]);
    }

    #[test]
    fn r_98_a_form_is_mended_by_its_owner_and_named_as_theirs() {
        let text = Some(FieldType::Text);
        let form = Some(Reason::NotOnDefaultForm);
        let there = row((text, text), (form, CROSSES), &[(MendBy::Partner, "y")]);
        assert_eq!(there.own_fix, []);
        assert_eq!(there.partner_fix, [Fix::Known("doctor.fix.form", None)]);
        assert_eq!(there.result[0].direction, Direction::Out);
        assert!(!there.result[0].stays.as_ref().unwrap().is_own_form);
        assert_eq!(there.result[1], Way { direction: Direction::In, stays: None });
        let here = row((text, text), (CROSSES, form), &[(MendBy::Own, "x")]);
        assert_eq!(here.own_fix, [Fix::Known("doctor.fix.form", None)]);
        assert!(here.result[1].stays.as_ref().unwrap().is_own_form);
        let both = row((text, text), (form, form), &BOTH);
        assert_eq!(both.result.len(), 2, "two forms are two matters");
        assert_eq!(both.own_fix, both.partner_fix);
    }

    #[test]
    fn what_nobody_can_mend_has_no_fix_and_what_is_unknown_is_told() {
        let text = Some(FieldType::Text);
        let system = Some(Reason::SystemField);
        let row = |ways, mend: &[_]| super::tests::row((text, text), ways, mend);
        let stays = row((system, system), &[]);
        assert!(stays.own_fix.is_empty() && stays.partner_fix.is_empty() && !stays.crosses());
        assert!(!stays.result[0].stays.as_ref().unwrap().is_mendable);
        let other = row((Some(Reason::BadValue), CROSSES), &[(MendBy::Own, "do this")]);
        assert_eq!(other.own_fix, [Fix::Told("do this".into())]);
    }

    #[test]
    fn every_type_has_its_word() {
        for field_type in FieldType::ALL {
            let key = format!("field_type.{}", field_type.name());
            let text = crate::texts::own().get(crate::language::Language::English, &key);
            assert!(text.is_some(), "{key}");
        }
    }

    #[test]
    fn what_can_be_mended_comes_first_and_what_crosses_last() {
        let text = Some(FieldType::Text);
        let fields = [
            field("Fine", (text, text), (CROSSES, CROSSES), &[]),
            field("Never", (text, text), [Reason::SystemField; 2].map(Some).into(), &[]),
            field("Mend", (text, None), [Reason::NoSuchField; 2].map(Some).into(), &BOTH),
        ];
        let comparison = serde_json::from_value(json!({
            "agreement_id": "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10", "side": "sender",
            "partner": "globex", "fields": fields }));
        let rows = rows(&comparison.unwrap());
        let titles: Vec<&str> = rows.iter().map(|row| row.title.as_str()).collect();
        assert_eq!(titles, ["Mend", "Never", "Fine"]);
    }
}
