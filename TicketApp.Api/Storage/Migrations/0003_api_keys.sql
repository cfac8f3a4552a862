-- Who may act for a user. A key's secret part is nowhere: the hash of the whole key proves it.
create table api_keys (
    prefix         text        not null, -- the key's first characters: its name in lists, and how it is found
    user_id        uuid        not null,
    hash           bytea       not null, -- SHA-256 of the whole key
    time_created   timestamptz not null default clock_timestamp(),
    time_last_used timestamptz,          -- to the hour
    time_revoked   timestamptz,
    constraint api_keys_pk primary key (prefix),
    constraint api_keys_user_fk foreign key (user_id) references users (user_id) on delete cascade
);

create index api_keys_user_ix on api_keys (user_id);
