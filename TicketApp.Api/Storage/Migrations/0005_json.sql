-- Inputs and responses of any JSON. Texts stay as they are; JSON is kept as its text, which no index and no type could read
-- better: jsonb would change its numbers and lose names that are there twice.
alter table tickets
    add column input_json boolean not null default false,    -- whether the input is JSON other than a string
    add column response_json boolean not null default false; -- the same of the response
