-- Keys by which a repeated submission is known. In the order of their tickets' ids they are in that of time.
create table idempotency_keys (
    user_id   uuid  not null,
    key       text  not null,
    body_hash bytea not null, -- SHA-256 of the request's body
    ticket_id uuid  not null,
    constraint idempotency_keys_pk primary key (user_id, key),
    constraint idempotency_keys_ticket_fk foreign key (ticket_id) references tickets (ticket_id) on delete cascade
);

create index idempotency_keys_ticket_ix on idempotency_keys (ticket_id);
