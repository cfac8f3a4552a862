-- A user's tickets in the order of their ids, which are UUIDv7, are in that of time. One index over all would be written at each step
-- of a ticket; these two and that of tickets in flight are written once where no ticket waits, when it ends.
create index tickets_user_ended_ix on tickets (user_id, ticket_id) where time_finished is not null;
create index tickets_user_waiting_ix on tickets (user_id, ticket_id) where status in ('queued', 'waiting');

-- The log of ends. Transactions commit in another order than they begin, so that no clock and no sequence orders what a reader has
-- already seen; but everything below the oldest transaction that still runs is there for good. Null: not ended, or ended before this column.
alter table tickets add column finished_xid xid8;

create function note_end_of_ticket() returns trigger
    language plpgsql as $$
begin
    new.finished_xid := pg_current_xact_id();
    return new;
end
$$;

-- Here and not in the statements that end tickets, so that none can forget it.
create trigger tickets_end_is_logged
    before update on tickets
    for each row when (old.time_finished is null and new.time_finished is not null)
    execute function note_end_of_ticket();

create index tickets_ended_ix on tickets (finished_xid, ticket_id) where finished_xid is not null;
