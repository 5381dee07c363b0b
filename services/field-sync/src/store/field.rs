//! Table `field`, and the revision in `chain`.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{ChainId, CopyId, Epoch, Item};
use messaging::DecideError;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};

use crate::rules::{ChainFields, Field, FieldState};

/// The fields of a chain, with what differs from what is stored.
#[derive(Debug, Default)]
pub(crate) struct StoredFields {
    fields: ChainFields,
    stored_revision: u64,
    /// Each with whether it is stored already.
    changed: BTreeMap<(CopyId, Field), bool>,
}

impl StoredFields {
    /// What the copies hold.
    pub(crate) fn fields(&self) -> &ChainFields {
        &self.fields
    }

    /// Makes a decision the state.
    pub(crate) fn apply(&mut self, revision: u64, records: Vec<(CopyId, Field, FieldState)>) {
        for (copy, field, _) in &records {
            let is_stored = self.fields.get(copy, field).is_some();
            self.changed.entry((copy.clone(), field.clone())).or_insert(is_stored);
        }
        self.fields.apply(revision, records);
    }
}

/// Loads the revisions of chains, without any field. A chain that is new has one too: after a
/// recovery the first that it gives lies above what was lost.
pub(crate) async fn load_revisions(
    connection: &mut PgConnection,
    chains: &BTreeSet<ChainId>,
) -> Result<BTreeMap<ChainId, StoredFields>, DecideError> {
    let rows: Vec<RevisionRow> = sqlx::query_as(
        "select asked.id, coalesce(chain.revision, 0) as revision,
                coalesce((select epoch from epoch), 0::smallint) as epoch
         from unnest($1::text[]) as asked (id) left join chain using (id)",
    )
    .bind(chains.iter().map(ToString::to_string).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    let read = |row: RevisionRow| {
        let (id, revision, epoch) = row.read()?;
        let fields = ChainFields { revision: epoch.raise(revision), copies: BTreeMap::new() };
        Ok((id, StoredFields { fields, stored_revision: revision, changed: BTreeMap::new() }))
    };
    rows.into_iter().map(read).collect()
}

/// Loads all fields of copies.
pub(crate) async fn load_whole(
    connection: &mut PgConnection,
    chains: &mut BTreeMap<ChainId, StoredFields>,
    copies: &[(&ChainId, &CopyId)],
) -> Result<(), DecideError> {
    load_copies(
        connection,
        chains,
        copies,
        "select chain, copy, field, state
         from unnest($1::text[], $2::text[]) as asked (chain, copy) join field using (chain, copy)",
    )
    .await
}

/// Loads all tags of copies.
pub(crate) async fn load_tags(
    connection: &mut PgConnection,
    chains: &mut BTreeMap<ChainId, StoredFields>,
    copies: &[(&ChainId, &CopyId)],
) -> Result<(), DecideError> {
    load_copies(
        connection,
        chains,
        copies,
        // From `tag:` to just before `tag;`: a range that the key's index answers.
        "select chain, copy, field, state
         from unnest($1::text[], $2::text[]) as asked (chain, copy) join field using (chain, copy)
         where field >= 'tag:' and field < 'tag;'",
    )
    .await
}

async fn load_copies(
    connection: &mut PgConnection,
    chains: &mut BTreeMap<ChainId, StoredFields>,
    copies: &[(&ChainId, &CopyId)],
    query: &'static str,
) -> Result<(), DecideError> {
    if copies.is_empty() {
        return Ok(());
    }
    let rows: Vec<FieldRow> = sqlx::query_as(query)
        .bind(copies.iter().map(|(chain, _)| chain.as_str()).collect::<Vec<_>>())
        .bind(copies.iter().map(|(_, copy)| copy.as_str()).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    put(chains, rows)
}

/// Loads fields by name.
pub(crate) async fn load_named(
    connection: &mut PgConnection,
    chains: &mut BTreeMap<ChainId, StoredFields>,
    fields: &[(&ChainId, &CopyId, Field)],
) -> Result<(), DecideError> {
    if fields.is_empty() {
        return Ok(());
    }
    let rows: Vec<FieldRow> = sqlx::query_as(
        "select chain, copy, field, state
         from unnest($1::text[], $2::text[], $3::text[]) as asked (chain, copy, field)
         join field using (chain, copy, field)",
    )
    .bind(fields.iter().map(|(chain, ..)| chain.as_str()).collect::<Vec<_>>())
    .bind(fields.iter().map(|(_, copy, _)| copy.as_str()).collect::<Vec<_>>())
    .bind(fields.iter().map(|(.., field)| field.item().to_string()).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    put(chains, rows)
}

fn put(
    chains: &mut BTreeMap<ChainId, StoredFields>,
    rows: Vec<FieldRow>,
) -> Result<(), DecideError> {
    for row in rows {
        let (chain, copy, field, state) = row.read()?;
        chains.entry(chain).or_default().fields.load(copy, field, state);
    }
    Ok(())
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
             from unnest($1::text[], $2::bigint[]) as raised (id, revision)
             where chain.id = raised.id",
        )
        .bind(raised.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>())
        .bind(
            raised
                .iter()
                .map(|(_, stored)| i64::try_from(stored.fields.revision).unwrap_or(i64::MAX))
                .collect::<Vec<_>>(),
        )
        .execute(&mut *connection)
        .await?;
    }
    // Every row that is touched was loaded, so one that was not there is new; a plain insert costs
    // half of one that looks for a conflict.
    let (stored, new): (Vec<Row<'_>>, Vec<Row<'_>>) = rows(chains).partition(|row| row.is_stored);
    write(
        &mut *connection,
        "insert into field (chain, copy, field, state)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::jsonb[])",
        &new,
    )
    .await?;
    write(
        connection,
        "update field set state = changed.state
         from unnest($1::text[], $2::text[], $3::text[], $4::jsonb[])
           as changed (chain, copy, field, state)
         where field.chain = changed.chain and field.copy = changed.copy
         and field.field = changed.field",
        &stored,
    )
    .await
}

/// A row that differs from what is stored.
struct Row<'a> {
    chain: &'a ChainId,
    copy: &'a CopyId,
    field: &'a Field,
    state: &'a FieldState,
    is_stored: bool,
}

fn rows(chains: &BTreeMap<ChainId, StoredFields>) -> impl Iterator<Item = Row<'_>> {
    chains.iter().flat_map(|(chain, stored)| {
        stored.changed.iter().filter_map(move |((copy, field), is_stored)| {
            let state = stored.fields.get(copy, field)?;
            Some(Row { chain, copy, field, state, is_stored: *is_stored })
        })
    })
}

async fn write(
    connection: &mut PgConnection,
    statement: &'static str,
    rows: &[Row<'_>],
) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(statement)
        .bind(rows.iter().map(|row| row.chain.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.copy.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.field.item().to_string()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| Json(row.state)).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

#[derive(FromRow)]
struct RevisionRow {
    id: String,
    revision: i64,
    epoch: i16,
}

impl RevisionRow {
    fn read(self) -> Result<(ChainId, u64, Epoch), DecideError> {
        let stored = |detail: String| DecideError::Stored { table: "chain", detail };
        let id = ChainId::new(self.id).map_err(|error| stored(error.to_string()))?;
        let revision = u64::try_from(self.revision)
            .map_err(|_| stored(format!("{id} has a revision below zero")))?;
        Ok((id, revision, messaging::epoch::read(self.epoch)?))
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
