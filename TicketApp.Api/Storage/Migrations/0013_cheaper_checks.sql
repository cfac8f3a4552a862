-- The same checks without functions: the server would parse a function's body anew for every statement that writes a ticket.
alter table tickets
    drop constraint tickets_finished_ck,
    drop constraint tickets_leased_ck,
    add constraint tickets_finished_ck
        check ((status in ('succeeded', 'failed', 'timed_out', 'expired', 'canceled')) = (time_finished is not null)),
    add constraint tickets_leased_ck
        check ((status in ('released', 'running', 'canceling')) = (lease_expires is not null));

drop trigger tickets_webhook on tickets;
create trigger tickets_webhook
    after update of status on tickets
    for each row when (
        new.webhook_events is not null and new.status <> old.status
        and (new.webhook_events & 1 <> 0 and new.status = 'running' or new.webhook_events & 2 <> 0 and new.time_finished is not null))
    execute function create_webhook_delivery();

drop function is_leased(ticket_status);
