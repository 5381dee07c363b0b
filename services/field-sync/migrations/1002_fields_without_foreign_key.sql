-- Whoever writes a field holds the lock on its chain's row, so no foreign key looks for that row again: a share writes some sixty
-- fields, each of which was looked up. The release before this one does not miss it.
-- The lock is short, but it would stop who waits behind it.
set local lock_timeout = '5s';

-- In the order in which whoever decides takes them: the chain, then its fields. Dropping the key takes both, the other way round.
lock table chain in access exclusive mode;
alter table field drop constraint field_chain_fkey;
