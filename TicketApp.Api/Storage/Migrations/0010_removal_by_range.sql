-- What is removed for its age was made at about one time, and often none of it has anything that belongs to it: one look into each index
-- says so, where it took a look for each ticket. Tickets whose ids lie far apart are looked up one by one as before: a look between them
-- would pass what others left there.
create or replace function remove_what_belongs_to_tickets() returns trigger
    language plpgsql set enable_seqscan = off set enable_bitmapscan = off
    as $$
declare
    ids uuid[] := array(select ticket_id from removed order by ticket_id);
    first uuid := ids[1];
    last uuid := ids[cardinality(ids)];
    -- Seven digits of an id are its quarter of an hour.
    is_dense boolean := left(first::text, 7) = left(last::text, 7);
begin
    if cardinality(ids) = 0 then
        return null;
    end if;
    if not is_dense or exists (select from ticket_attempts where ticket_id between first and last) then
        delete from ticket_attempts where ticket_id = any (ids);
    end if;
    if not is_dense or exists (select from ticket_progress where ticket_id between first and last) then
        delete from ticket_progress where ticket_id = any (ids);
    end if;
    if not is_dense or exists (select from webhook_deliveries where ticket_id between first and last) then
        delete from webhook_deliveries where ticket_id = any (ids);
    end if;
    if not is_dense or exists (select from idempotency_keys where ticket_id between first and last) then
        delete from idempotency_keys where ticket_id = any (ids);
    end if;
    return null;
end
$$;
