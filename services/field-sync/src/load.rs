//! What a batch of transfers is decided by, read from the database: of the chains their hops, of
//! accounts and copies what the transfers touch.

use std::collections::{BTreeMap, BTreeSet};

use contracts::comparable::comparable;
use contracts::sync::Transfer;
use contracts::{AccountName, ChainId};
use line::{AccountBasics, Chain, Loaded, facts};
use messaging::DecideError;
use sqlx::PgConnection;

use crate::Known;
use crate::rules::{Schema, Schemas, Touched};
use crate::store::{self, SchemaCache, SchemaReader, StoredFields};

type Accounts = BTreeMap<AccountName, AccountBasics>;
type Fields = BTreeMap<ChainId, StoredFields>;

/// Loads what the transfers of a batch touch, beside their chains' hops.
pub(crate) async fn load(
    connection: &mut PgConnection,
    cache: &SchemaCache,
    loaded: Loaded<'_>,
) -> Result<Known, DecideError> {
    if loaded.transfers.is_empty() {
        return Ok(Known::default());
    }
    let ids = loaded.ids();
    let publishers = loaded.transfers.iter().map(|transfer| &transfer.command.account);
    let parties = loaded.hops().flat_map(|hop| [&hop.sender, &hop.receiver]);
    let involved: BTreeSet<AccountName> = publishers.chain(parties).cloned().collect();
    let accounts = facts::accounts(&mut *connection, &involved).await?;

    let touched = touched(&loaded, &accounts);
    let mut fields = store::load_revisions(&mut *connection, &ids).await?;
    let whole: Vec<_> = touched
        .iter()
        .flat_map(|(id, touched)| touched.whole_copies().map(move |copy| (id, copy)))
        .collect();
    store::load_whole(&mut *connection, &mut fields, &whole).await?;
    let tagged: Vec<_> = touched
        .iter()
        .flat_map(|(id, touched)| touched.tagged_copies().map(move |copy| (id, copy)))
        .collect();
    store::load_tags(&mut *connection, &mut fields, &tagged).await?;
    let reader = SchemaReader { cache, accounts: &accounts };
    let (schemas, titles) = schemas(connection, reader, &touched, &fields).await?;
    let none = BTreeSet::new();
    let named: Vec<_> = touched
        .iter()
        .flat_map(|(id, touched)| {
            let titles = titles.get(id).unwrap_or(&none);
            touched.fields(&schemas, titles).map(move |(copy, field)| (id, copy, field))
        })
        .collect();
    store::load_named(connection, &mut fields, &named).await?;
    Ok(Known {
        chains: loaded.chains,
        fields,
        schemas,
        inactive: loaded.inactive,
        compared: Schemas::new(),
    })
}

fn touched(loaded: &Loaded<'_>, accounts: &Accounts) -> BTreeMap<ChainId, Touched> {
    let mut by_chain: BTreeMap<&ChainId, Vec<&Transfer>> = BTreeMap::new();
    for transfer in &loaded.transfers {
        by_chain.entry(&transfer.chain).or_default().push(transfer);
    }
    let open = |name: &AccountName| accounts.get(name).is_some_and(|account| account.open_fields);
    let none = Chain::default();
    let touched = |(id, transfers): (&ChainId, Vec<&Transfer>)| {
        let chain = loaded.chains.get(id).unwrap_or(&none);
        (id.clone(), Touched::by(chain, &transfers, &loaded.inactive, open))
    };
    by_chain.into_iter().map(touched).collect()
}

/// The accounts' schemas as far as they are touched, and the titles that are, chain by chain.
async fn schemas(
    connection: &mut PgConnection,
    reader: SchemaReader<'_>,
    touched: &BTreeMap<ChainId, Touched>,
    fields: &Fields,
) -> Result<(Schemas, BTreeMap<ChainId, BTreeSet<String>>), DecideError> {
    let is_open =
        |name: &AccountName| reader.accounts.get(name).is_some_and(|account| account.open_fields);
    let none = StoredFields::default();
    let keys: BTreeMap<&ChainId, BTreeSet<(AccountName, String)>> = touched
        .iter()
        .map(|(id, touched)| (id, touched.keys(fields.get(id).unwrap_or(&none).fields())))
        .collect();
    let defined = keys.values().flatten().filter(|(account, _)| !is_open(account)).cloned();
    let known = reader.titles(&mut *connection, &defined.collect()).await?;
    let title = |named: &(AccountName, String)| {
        let (account, key) = named;
        // There a key is a title.
        if is_open(account) {
            Some(comparable(key))
        } else {
            known.get(named).map(ToString::to_string)
        }
    };
    let titles: BTreeMap<ChainId, BTreeSet<String>> = keys
        .into_iter()
        .map(|(id, keys)| (id.clone(), keys.iter().filter_map(title).collect()))
        .collect();
    let mut asked = BTreeSet::new();
    for (touched, titles) in touched.values().zip(titles.values()) {
        for account in touched.accounts().filter(|account| !is_open(account)) {
            asked.extend(titles.iter().map(|title| (account.clone(), title.clone())));
        }
    }
    let mut fields = reader.fields(&mut *connection, &asked).await?;
    let read_statuses = touched.values().filter(|touched| touched.reads_statuses());
    let read_statuses = read_statuses.flat_map(Touched::accounts).cloned().collect();
    let mut statuses = reader.statuses(connection, &read_statuses).await?;
    let schema = |(name, account): (&AccountName, &AccountBasics)| {
        let statuses = statuses.remove(name).unwrap_or_default();
        (name.clone(), Schema::of(account, statuses, fields.remove(name).unwrap_or_default()))
    };
    Ok((reader.accounts.iter().map(schema).collect(), titles))
}
