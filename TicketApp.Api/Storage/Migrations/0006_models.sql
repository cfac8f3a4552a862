-- What a model is, as its workers announce it: which inputs and responses it has, in a word, and the JSON Schema of its input as its text,
-- with the name that they gave it. Workers of the release before say nothing of these.
alter table models
    add column kind text,
    add column input_schema_id text,
    add column input_schema text; -- '' if it was too long to be kept

-- Which of its models a worker holds runs of, since what they ask cannot be reached or takes no more: an array of names.
alter table workers add column unavailable jsonb not null default '[]';
