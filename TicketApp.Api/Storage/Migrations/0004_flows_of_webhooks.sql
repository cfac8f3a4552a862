-- Deliveries are claimed from user to user, and from host to host of each. Programs of the release before claim by the index over hosts
-- alone, which stays for them.
create index concurrently if not exists webhook_deliveries_flow_ix on webhook_deliveries (user_id, host, due_at) where due_at is not null;
