//! Table `field`, and the revision in `chain`.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{ChainId, CopyId, Item};
use messaging::DecideError;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};

use crate::rules::{ChainFields, Field, FieldState};

/// The fields of a chain, with what differs from what is stored.
#[derive(Debug, Default)]
pub(crate) struct StoredFields {
    fields: ChainFields,
    stored_revision: u64,
    changed: BTreeSet<(CopyId, Field)>,
}

impl StoredFields {
    /// What the copies hold.
    pub(crate) fn fields(&self) -> &ChainFields {
        &self.fields
    }

    /// Makes a decision the state.
    pub(crate) fn apply(&mut self, revision: u64, records: Vec<(CopyId, Field, FieldState)>) {
        self.changed.extend(records.iter().map(|(copy, field, _)| (copy.clone(), field.clone())));
        self.fields.apply(revision, records);
    }
}

/// Loads the fields and revisions of chains.
pub(crate) async fn load(
    connection: &mut PgConnection,
    chains: &BTreeSet<ChainId>,
) -> Result<BTreeMap<ChainId, StoredFields>, DecideError> {
    let ids: Vec<String> = chains.iter().map(ToString::to_string).collect();
    let revisions: Vec<RevisionRow> =
        sqlx::query_as("select id, revision from chain where id = any($1)")
            .bind(&ids)
            .fetch_all(&mut *connection)
            .await?;
    let mut loaded: BTreeMap<ChainId, StoredFields> = BTreeMap::new();
    for row in revisions {
        let (id, revision) = row.read()?;
        let fields = ChainFields { revision, copies: BTreeMap::new() };
        loaded.insert(
            id,
            StoredFields { fields, stored_revision: revision, changed: BTreeSet::new() },
        );
    }
    let rows: Vec<FieldRow> =
        sqlx::query_as("select chain, copy, field, state from field where chain = any($1)")
            .bind(&ids)
            .fetch_all(connection)
            .await?;
    for row in rows {
        let (chain, copy, field, state) = row.read()?;
        loaded
            .entry(chain)
            .or_default()
            .fields
            .copies
            .entry(copy)
            .or_default()
            .insert(field, state);
    }
    Ok(loaded)
}

/// Saves what changed. The chains are locked, so nobody else writes their rows.
pub(crate) async fn save(
    connection: &mut PgConnection,
    chains: &BTreeMap<ChainId, StoredFields>,
) -> sqlx::Result<()> {
    let raised: Vec<_> = chains
        .iter()
        .filter(|(_, stored)| stored.fields.revision != stored.stored_revision)
        .collect();
    if !raised.is_empty() {
        sqlx::query(
            "update chain set revision = raised.revision
             from unnest($1::text[], $2::bigint[]) as raised (id, revision) where chain.id = raised.id",
        )
        .bind(raised.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>())
        .bind(raised.iter().map(|(_, stored)| i64::try_from(stored.fields.revision).unwrap_or(i64::MAX)).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    }
    let changed: Vec<(&ChainId, &CopyId, &Field, &FieldState)> = chains
        .iter()
        .flat_map(|(id, stored)| {
            let changed = stored.changed.iter();
            changed.filter_map(move |(copy, field)| {
                stored.fields.get(copy, field).map(|state| (id, copy, field, state))
            })
        })
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into field (chain, copy, field, state)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::jsonb[])
         on conflict (chain, copy, field) do update set state = excluded.state",
    )
    .bind(changed.iter().map(|(chain, ..)| chain.to_string()).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, copy, ..)| copy.to_string()).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, _, field, _)| field.item().to_string()).collect::<Vec<_>>())
    .bind(changed.iter().map(|(.., state)| Json(*state)).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

#[derive(FromRow)]
struct RevisionRow {
    id: String,
    revision: i64,
}

impl RevisionRow {
    fn read(self) -> Result<(ChainId, u64), DecideError> {
        let stored = |detail: String| DecideError::Stored { table: "chain", detail };
        let id = ChainId::new(self.id).map_err(|error| stored(error.to_string()))?;
        let revision = u64::try_from(self.revision)
            .map_err(|_| stored(format!("{id} has a revision below zero")))?;
        Ok((id, revision))
    }
}

#[derive(FromRow)]
struct FieldRow {
    chain: String,
    copy: String,
    field: String,
    state: Json<FieldState>,
}

impl FieldRow {
    fn read(self) -> Result<(ChainId, CopyId, Field, FieldState), DecideError> {
        let stored = |detail: String| DecideError::Stored { table: "field", detail };
        let chain = ChainId::new(self.chain).map_err(|error| stored(error.to_string()))?;
        let copy = CopyId::new(self.copy).map_err(|error| stored(error.to_string()))?;
        let item: Item = self.field.parse().map_err(stored)?;
        let field =
            Field::of_item(item).ok_or_else(|| stored(format!("{} is no field", self.field)))?;
        if !self.state.value.is_of(&field) {
            return Err(stored(format!("{} has the value of another sort of field", self.field)));
        }
        Ok((chain, copy, field, self.state.0))
    }
}
