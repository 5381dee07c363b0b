-- no-transaction
-- What the next migration does, for the one large table: a UUID and 40 hex digits are the same id in either case, and follow in lower case. In
-- parts of a megabyte, each committed, so that a release that is at work waits for none of its comments longer than a part takes. What is cut off
-- begins again and finds the rest. What a release from before brings meanwhile is left to the next.
do $$
declare
  part constant bigint := 128;
  pages constant bigint := pg_relation_size('comment') / current_setting('block_size')::bigint;
begin
  for page in 0 .. pages by part loop
    set local lock_timeout = '5s';
    -- Neither the part nor a comment's twin is worth a look at the whole table.
    set local enable_seqscan = off;
    update comment set id = lower(id), content = jsonb_set(content, '{id}', to_jsonb(lower(id)))
    where ctid >= format('(%s,0)', page)::tid and ctid < format('(%s,0)', page + part)::tid
    and id ~ '[A-F]' and id ~ '^([a-z0-9][a-z0-9-]{1,38}/)?([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{40})$'
    and not exists (
      select from comment as twin where twin.chain = comment.chain and twin.id <> comment.id and lower(twin.id) = lower(comment.id)
    );
    commit;
  end loop;
end
$$
