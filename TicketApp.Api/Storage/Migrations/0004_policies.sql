-- What a ticket was submitted with. Null: the settings decide, as for every ticket of the original API.
alter table tickets
    add column queue_ttl_s         integer, -- creation, or retry, to start
    add column execution_timeout_s integer, -- one run
    add column deadline_s          integer; -- creation, or retry, to finish
