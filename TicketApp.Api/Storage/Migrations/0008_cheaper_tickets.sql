-- What each new and each ended ticket cost beyond its row: a quarter of the database's time for it.

-- A look-up and a lock of the user's row for every new ticket. Tickets are only made by statements that join their users, and users are
-- never removed: one that is erased keeps its row.
alter table tickets drop constraint if exists tickets_user_fk;

-- The statement that ends nearly all tickets says the transaction itself. The trigger still sees to it that no other can forget it.
create or replace trigger tickets_end_is_logged
    before update on tickets
    for each row when (
        old.time_finished is null and new.time_finished is not null and new.finished_xid is not distinct from old.finished_xid)
    execute function note_end_of_ticket();
