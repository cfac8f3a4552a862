-- One row: what cursors are sealed with. It is made here, once for all replicas: 244 random bits, hashed to the length of a key.
create table cursor_key (
    only_row boolean not null default true,
    key      bytea   not null,
    constraint cursor_key_pk primary key (only_row),
    constraint cursor_key_ck check (only_row)
);

insert into cursor_key (key) values (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

-- Under which idempotency key a caller had a ticket run again, kept with the end that this undid: SHA-256 of the key.
alter table ticket_attempts add column retry_key bytea;
