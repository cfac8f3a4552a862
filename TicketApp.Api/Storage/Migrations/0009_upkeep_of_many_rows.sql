-- Less upkeep where much is stored. To clean a table, autovacuum reads all of its indexes, whatever is dead in them: with a
-- hundred million tickets that takes eight seconds of a processor, so it waits until a small part of the rows is dead. To analyze one, it
-- reads thirty thousand pages and holds its snapshot meanwhile, in which dead rows cannot be skipped; no plan here depends on the outcome.
alter table tickets set (autovacuum_vacuum_scale_factor = 0.002, autovacuum_analyze_scale_factor = 0.1);
alter table users set (autovacuum_analyze_scale_factor = 0.1);
alter table ticket_attempts set (autovacuum_vacuum_scale_factor = 0.002, autovacuum_analyze_scale_factor = 0.1);
alter table idempotency_keys set (autovacuum_vacuum_scale_factor = 0.002, autovacuum_analyze_scale_factor = 0.1);

-- What belongs to tickets goes with them by one statement for each table, where a foreign key with "on delete cascade" takes one for each
-- row: two thirds of what it cost to remove a ticket. What adds something for a ticket locks the ticket's row, so that it is there when
-- these statements begin, or finds no ticket. They look each ticket up by an index, whatever the session's settings are.
alter table ticket_attempts drop constraint if exists ticket_attempts_ticket_fk;
alter table ticket_progress drop constraint if exists ticket_progress_ticket_fk;
alter table webhook_deliveries drop constraint if exists webhook_deliveries_ticket_fk;
alter table idempotency_keys drop constraint if exists idempotency_keys_ticket_fk;

create or replace function remove_what_belongs_to_tickets() returns trigger
    language plpgsql set enable_seqscan = off set enable_bitmapscan = off
    as $$
declare
    ids uuid[] := array(select ticket_id from removed);
begin
    if cardinality(ids) > 0 then
        delete from ticket_attempts where ticket_id = any (ids);
        delete from ticket_progress where ticket_id = any (ids);
        delete from webhook_deliveries where ticket_id = any (ids);
        delete from idempotency_keys where ticket_id = any (ids);
    end if;
    return null;
end
$$;

create or replace trigger tickets_removed
    after delete on tickets
    referencing old table as removed
    for each statement execute function remove_what_belongs_to_tickets();
