-- A ticket whose worker was told to stop. In a step of its own: a new word can be used only once it is committed.
alter type ticket_status add value 'canceling' after 'running';
