-- Several models, each with what it is asked, how far its runs are and what they answered beside the response.

alter table tickets add column response_details text; -- what else the model said of its answer: a JSON object

-- What each worker serves: {"model": slots, …}. Slots are their sum.
alter table workers add column models jsonb not null default '{}';

-- Models that workers have served lately. One stays known for seven days after the last worker that did.
create table models (
    name                 text        not null,
    description          text        not null,
    input_required       boolean     not null,
    max_input_characters integer     not null,
    largest_batch        integer     not null,
    last_seen            timestamptz not null,
    constraint models_pk primary key (name)
);

-- How far runs are; gone some minutes after their ticket's end. Numbered by the worker, so that a repeated report adds nothing.
create table ticket_progress (
    ticket_id     uuid        not null,
    epoch         integer     not null, -- of the run
    seq           integer     not null, -- from 1 in each run
    time_reported timestamptz not null default clock_timestamp(),
    fraction      real,                 -- from 0 to 1, if known
    text          text,                 -- what the answer has grown by
    constraint ticket_progress_pk primary key (ticket_id, epoch, seq),
    constraint ticket_progress_ticket_fk foreign key (ticket_id) references tickets (ticket_id) on delete cascade
);

-- Each model has its own backlog, in an order of its own, and its own window.
drop index tickets_backlog_ix;
create index tickets_backlog_ix on tickets (model, queue_key, ticket_id) where status = 'queued';
drop index tickets_flow_ix;
create index tickets_flow_ix on tickets (model, user_id, priority, queue_key) where status = 'queued';

drop index tickets_leased_ix;
create index tickets_in_flight_ix on tickets (user_id, ticket_id) include (model) where status in ('released', 'running', 'canceling');

-- Nearly always empty: those whose workers are told again and again to stop.
create index tickets_canceling_ix on tickets (ticket_id) where status = 'canceling';

-- A ticket that is being canceled keeps its lease until its worker has stopped it, or is lost.
create or replace function is_leased(status ticket_status) returns boolean
    language sql immutable parallel safe
    as $$ select status in ('released', 'running', 'canceling') $$;
