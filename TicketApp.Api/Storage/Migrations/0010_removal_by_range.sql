-- What is removed for its age was made at about one time, and nearly all of it has nothing that belongs to it: one look into each index
-- says so, where it took a look for each ticket.
create or replace function remove_what_belongs_to_tickets() returns trigger
    language plpgsql set enable_seqscan = off set enable_bitmapscan = off
    as $$
declare
    ids uuid[] := array(select ticket_id from removed order by ticket_id);
    first uuid := ids[1];
    last uuid := ids[cardinality(ids)];
begin
    if exists (select from ticket_attempts where ticket_id between first and last) then
        delete from ticket_attempts where ticket_id = any (ids);
    end if;
    if exists (select from ticket_progress where ticket_id between first and last) then
        delete from ticket_progress where ticket_id = any (ids);
    end if;
    if exists (select from webhook_deliveries where ticket_id between first and last) then
        delete from webhook_deliveries where ticket_id = any (ids);
    end if;
    if exists (select from idempotency_keys where ticket_id between first and last) then
        delete from idempotency_keys where ticket_id = any (ids);
    end if;
    return null;
end
$$;
