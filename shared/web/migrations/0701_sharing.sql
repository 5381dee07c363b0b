-- What the Ticket sharing pages read of the desk's tables: who did what with an agreement, shares and receipts, the newest first,
-- and the account as it was last told.
create index web_log_agreements on desk_log (account, position) where type like 'agreement.%';
create index web_share_newest on desk_share (account, started_at desc, share_id desc);
create index web_log_account_state on desk_log (account, position) where type = 'account.state.v1';
create index web_outbox_receipts on desk_outbox (account, receipt_at desc) where entity = 'ticket' and receipt is not null;
