-- How the bodies of a ticket's webhooks are written. Null: as events of the resource API. Else the name of the form, a space, and what it
-- needs to know, such as the address that the ticket came to.
alter table tickets add column webhook_form text;
