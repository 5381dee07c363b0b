-- By which a ticket is found by its number at a partner.
create index desk_share_partner_number on desk_share (account, partner_ticket_id) where partner_ticket_id is not null;
create index desk_ticket_original_number on desk_ticket (account, (held #>> '{head,original_ticket_id}'));
