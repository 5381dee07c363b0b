//! What the transfers of a chain touch: which of the copies' fields they are decided by, and which
//! fields of the accounts' schemas. What is not named here is neither loaded nor looked at, so a
//! change costs what it touches, however much an account has and a copy holds.

use std::collections::{BTreeMap, BTreeSet};

use contracts::sync::{Action, Hop, Transfer};
use contracts::{AccountName, AgreementId, CopyId};
use line::Chain;

use super::schema::Schemas;
use super::state::{ChainFields, Field};

/// What the transfers of one chain touch, together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// The copies that a change can reach, with their accounts.
    copies: BTreeMap<CopyId, AccountName>,
    /// Those of which every field counts.
    whole: BTreeSet<CopyId>,
    /// Those that another copy takes over from.
    taken_over: BTreeSet<CopyId>,
    /// Whether a status is sent.
    status: bool,
    /// Whether a tag is sent.
    tags: bool,
    /// Custom fields that are sent, by the key of the account that sends them.
    keys: BTreeSet<(AccountName, String)>,
}

impl Touched {
    /// What `transfers` touch of their chain, which is as it was before them. `open` says which
    /// accounts take fields of any title.
    #[must_use]
    pub fn by(
        chain: &Chain,
        transfers: &[&Transfer],
        inactive: &BTreeSet<AgreementId>,
        open: impl Fn(&AccountName) -> bool,
    ) -> Self {
        let mut touched = Self::default();
        let told = || transfers.iter().flat_map(|transfer| &transfer.hops);
        for hop in chain.live(inactive).chain(told()) {
            touched.reach(hop);
        }
        let hop = |share| chain.hop(share).or_else(|| told().find(|hop| hop.share_id == *share));
        for transfer in transfers {
            let Transfer { command, copy, fields, .. } = transfer;
            touched.copies.insert(copy.clone(), command.account.clone());
            touched.status |= fields.status.is_some();
            touched.tags |= !fields.tags.is_empty();
            let keys = fields.custom_fields.keys();
            touched.keys.extend(keys.map(|key| (command.account.clone(), key.clone())));
            match &transfer.action {
                Action::Share(sharing) => {
                    if let Some(hop) = hop(&sharing.share_id) {
                        touched.take_over(hop);
                    }
                }
                // The desk is told all of it.
                Action::Resync { .. } => {
                    touched.whole.insert(copy.clone());
                }
                _ => {}
            }
        }
        // A copy that is new takes over, whichever transfer is the first to name it.
        for hop in told().filter(|hop| chain.hop(&hop.share_id).is_none()) {
            touched.take_over(hop);
        }
        if !touched.keys.is_empty() || !touched.taken_over.is_empty() {
            // There a field goes by its first spelling, which is looked for among all.
            let open = touched.copies.iter().filter(|(_, account)| open(account));
            touched.whole.extend(open.map(|(copy, _)| copy.clone()));
        }
        touched
    }

    fn reach(&mut self, hop: &Hop) {
        self.copies.insert(hop.near.clone(), hop.sender.clone());
        self.copies.insert(hop.far(), hop.receiver.clone());
    }

    fn take_over(&mut self, hop: &Hop) {
        self.reach(hop);
        self.whole.extend([hop.near.clone(), hop.far()]);
        self.taken_over.insert(hop.near.clone());
    }

    /// The accounts of the copies.
    pub fn accounts(&self) -> impl Iterator<Item = &AccountName> {
        self.copies.values()
    }

    /// Copies of which every field counts.
    pub fn whole_copies(&self) -> impl Iterator<Item = &CopyId> {
        self.whole.iter()
    }

    /// Copies of which every tag counts, and not every field: each has a tag under the spelling
    /// that it first had, which is looked for among all of them.
    pub fn tagged_copies(&self) -> impl Iterator<Item = &CopyId> {
        self.copies.keys().filter(|copy| self.tags && !self.whole.contains(*copy))
    }

    /// Whether a status may cross, so that the accounts' custom statuses count.
    #[must_use]
    pub fn reads_statuses(&self) -> bool {
        self.status || !self.taken_over.is_empty()
    }

    /// Custom fields whose counterparts in the other accounts count, each by the key of an account:
    /// what is sent, and what is taken over of `held`.
    #[must_use]
    pub fn keys(&self, held: &ChainFields) -> BTreeSet<(AccountName, String)> {
        let mut keys = self.keys.clone();
        for copy in &self.taken_over {
            let fields = held.copies.get(copy).into_iter().flat_map(BTreeMap::keys);
            let custom = fields.filter_map(|field| match field {
                Field::Custom(key) => Some(key),
                _ => None,
            });
            let account = self.copies.get(copy);
            keys.extend(custom.filter_map(|key| Some((account?.clone(), key.clone()))));
        }
        keys
    }

    /// Fields of the copies that do not count whole, without tags: what is sent, and its
    /// counterparts, which `schemas` have under `titles`, as `comparable` gives them.
    pub fn fields<'a>(
        &'a self,
        schemas: &'a Schemas,
        titles: &'a BTreeSet<String>,
    ) -> impl Iterator<Item = (&'a CopyId, Field)> {
        let narrow = self.copies.iter().filter(|(copy, _)| !self.whole.contains(copy));
        narrow.flat_map(move |(copy, account)| {
            // What an account sends is held against its copy also where it has no such field.
            let own = self.keys.iter().filter(move |(publisher, _)| publisher == account);
            let own = own.map(|(_, key)| Field::Custom(key.clone()));
            let schema = schemas.get(account).into_iter();
            let paired = schema.flat_map(|schema| {
                titles
                    .iter()
                    .flat_map(|title| schema.titled(title))
                    .map(|field| field.key.to_string())
            });
            let status = self.status.then_some(Field::Status);
            let fields: BTreeSet<Field> =
                status.into_iter().chain(own).chain(paired.map(Field::Custom)).collect();
            fields.into_iter().map(move |field| (copy, field))
        })
    }
}

#[cfg(test)]
mod tests {
    use contracts::fields::{FieldType, Status};
    use serde_json::json;

    use super::super::scene::{
        Stage, account, field, name, original, share, share_id, tag, three, update, with_status,
    };
    use super::super::schema::Schema;
    use super::*;

    fn touched(chain: &Chain, transfer: &Transfer, open: &[&str]) -> Touched {
        let inactive = BTreeSet::new();
        Touched::by(chain, &[transfer], &inactive, |account| open.contains(&account.as_str()))
    }

    fn schemas() -> Schemas {
        let of = |account_name: &str| {
            let key = format!("{account_name}-order");
            account(account_name, vec![field(&key, "Order", FieldType::Text)])
        };
        let accounts = ["acme", "globex", "initech"].map(of);
        accounts.into_iter().map(|fact| (fact.account.clone(), Schema::new(fact))).collect()
    }

    #[test]
    fn an_update_touches_what_it_names_at_every_copy_and_nothing_whole() {
        let hops = three();
        let chain = Stage::new([], &hops).chain;
        let mut sent = with_status(update("acme", &original(), 1, "m", &hops), Status::Open);
        sent.fields.custom_fields.insert("acme-order".into(), json!("7"));
        sent.fields.tags.push(tag("vip", true));
        let touched = touched(&chain, &sent, &[]);
        assert_eq!(touched.whole_copies().count(), 0);
        let keys = touched.keys(&ChainFields::default());
        assert_eq!(keys, BTreeSet::from([(name("acme"), "acme-order".to_owned())]));
        let (schemas, titles) = (schemas(), BTreeSet::from(["order".to_owned()]));
        let fields: BTreeSet<(CopyId, Field)> =
            touched.fields(&schemas, &titles).map(|(copy, field)| (copy.clone(), field)).collect();
        let copies = [(original(), "acme"), (hops[0].far(), "globex"), (hops[1].far(), "initech")];
        let expected = copies.iter().flat_map(|(copy, account)| {
            let custom = Field::Custom(format!("{account}-order"));
            [Field::Status, custom].map(|field| (copy.clone(), field))
        });
        assert_eq!(fields, expected.collect());
        let tagged: Vec<&CopyId> = touched.tagged_copies().collect();
        assert_eq!(tagged.len(), copies.len(), "of its tags each copy may have another spelling");
    }

    #[test]
    fn a_copy_is_read_whole_for_a_new_hop_or_an_account_with_open_fields() {
        let hops = three();
        let known = Stage::new([], &hops[..1]).chain;
        let (near, far) = (hops[0].far(), hops[1].far());
        let whole = |transfer: &Transfer, open: &[&str]| -> BTreeSet<CopyId> {
            touched(&known, transfer, open).whole_copies().cloned().collect()
        };
        let both = BTreeSet::from([near.clone(), far.clone()]);
        assert_eq!(whole(&share(&hops[1], 1, "m", &hops), &[]), both);
        assert_eq!(whole(&update("acme", &original(), 1, "m", &hops), &[]), both);
        let plain = || update("acme", &original(), 1, "m", &hops[..1]);
        assert_eq!(whole(&plain(), &["acme"]), BTreeSet::new(), "it sends no custom field");
        let mut named = plain();
        named.fields.custom_fields.insert("Order".into(), json!("7"));
        assert_eq!(whole(&named, &["globex"]), BTreeSet::from([near]));
        let resync = Transfer { action: Action::Resync { share_id: share_id(1) }, ..plain() };
        assert_eq!(whole(&resync, &[]), BTreeSet::from([original()]));
    }

    #[test]
    fn a_status_is_read_where_one_may_cross() {
        let hops = three();
        let known = Stage::new([], &hops).chain;
        let plain = || update("acme", &original(), 1, "m", &hops);
        assert!(!touched(&known, &plain(), &[]).reads_statuses());
        assert!(touched(&known, &with_status(plain(), Status::Open), &[]).reads_statuses());
        assert!(touched(&known, &share(&hops[1], 1, "m", &hops), &[]).reads_statuses());
    }
}
