//! What is decided when somebody comes from an identity provider. Pure: values in, a value out.

mod answer;
mod claims;
mod discovery;
mod entry;
mod settings;

pub(super) use answer::{AnswerRefused, BegunSignIn, LASTS_MINUTES, ProviderAnswer, code, word};
pub(super) use claims::{
    Claims, ExpectedClaims, ProvenIdentity, ProviderProfile, Untrusted, identity,
};
pub(super) use discovery::{ProviderDocument, ProviderMetadata, Unfit, address, metadata};
pub(super) use entry::{KnownPeople, NewPeople, NoEntry, PersonStanding, WayIn, entry};
pub(super) use settings::{GivenSettings, KeptSettings, WrongSetting, settings};
