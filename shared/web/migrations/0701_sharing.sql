-- What the Ticket sharing pages read of the desk's tables: who did what with an agreement, and shares, the newest first.
create index web_log_agreements on desk_log (account, position) where type like 'agreement.%';
create index web_share_newest on desk_share (account, started_at desc, share_id desc);
