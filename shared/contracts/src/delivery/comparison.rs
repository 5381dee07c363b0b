use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Side;
use crate::fields::FieldType;
use crate::{AccountName, AgreementId, Reason};

/// How the custom fields of the two accounts of an agreement fit, title by title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgreementComparison {
    /// Which.
    pub agreement_id: AgreementId,
    /// Which party the receiving desk is.
    pub side: Side,
    /// The other one.
    pub partner: AccountName,
    /// A page of titles in their order: all that both have, those that only this account has, and
    /// those that only the partner has where it shows them (`show_fields`).
    pub fields: Vec<FieldCompared>,
}

/// One title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldCompared {
    /// The title, as this account writes it if it has one.
    pub title: String,
    /// This account's field; absent where it has none, and where it takes any title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<FieldOfSide>,
    /// The partner's field; absent where it has none, and where it takes any title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<FieldOfSide>,
    /// What becomes of a value of this account at the partner's.
    pub to_partner: FieldWay,
    /// What becomes of a value of the partner's here.
    pub from_partner: FieldWay,
    /// Options of one name that have other tags, the first twenty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<OptionDiffers>,
    /// What would mend it; empty where nothing needs to be, or nothing can.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mend: Vec<Mend>,
}

/// One side's field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldOfSide {
    /// Its key; of this account's own fields alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Data type.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Whether it is on the default form.
    pub on_default_form: bool,
}

/// Whether values cross one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldWay {
    /// Whether they do; a single value may not fit all the same.
    pub crosses: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// An option that both have, with other tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OptionDiffers {
    /// Its name, as names are compared.
    pub name: String,
    /// Its tag here.
    pub own: String,
    /// Its tag at the partner's.
    pub partner: String,
}

/// Who can mend something, and how. One of the ways is enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mend {
    /// Whether it is this account, or the partner.
    pub by: MendBy,
    /// What to do.
    pub how: String,
}

/// Who can mend something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MendBy {
    /// This account.
    Own,
    /// Its partner.
    Partner,
}
