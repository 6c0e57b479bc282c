-- +goose Up

-- The engine's own tables. The row of writer makes one writer at a time, over all nodes.
CREATE TABLE writer (id smallint PRIMARY KEY);
INSERT INTO writer (id) VALUES (1);
-- Each engine that has the store open: the number of its last transaction, and rows for
-- those who confirm.
CREATE TABLE instances (id bytea PRIMARY KEY, turn bigint NOT NULL, seen timestamptz NOT NULL) WITH (fillfactor = 20);
CREATE TABLE confirms (id bytea PRIMARY KEY, seen timestamptz NOT NULL) WITH (fillfactor = 20);

-- Tables whose keys grow: rows are added at the end, and the right edge of the primary
-- key stays in memory.
CREATE TABLE records (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE changes (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE audit_leaves (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE audit_beside (key bytea PRIMARY KEY, value bytea NOT NULL);

-- Few rows that change with every transaction: most of a page is left free, so that a
-- new version fits beside the old one and no index changes.
CREATE TABLE meta (key bytea PRIMARY KEY, value bytea NOT NULL) WITH (fillfactor = 20);
CREATE TABLE counts (key bytea PRIMARY KEY, value bytea NOT NULL) WITH (fillfactor = 20);
CREATE TABLE lists (key bytea PRIMARY KEY, value bytea NOT NULL) WITH (fillfactor = 20);
CREATE TABLE windows (key bytea PRIMARY KEY, value bytea NOT NULL) WITH (fillfactor = 50);
CREATE TABLE planes (key bytea PRIMARY KEY, value bytea NOT NULL) WITH (fillfactor = 50);

-- The rest is small, or its keys come in any order.
CREATE TABLE signers (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE bindings (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE audit_nodes (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE certificates (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE points (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE intents (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE revocations (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE status_changes (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE expiring (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE crl_numbers (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE crls (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE authorities (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE seals (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE trust (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE enrolments (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE proposals (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE proposed (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE erasures (key bytea PRIMARY KEY, value bytea NOT NULL);

-- Tables whose keys begin with a licence's key, and so with the distribution bucket.
CREATE TABLE credentials (bucket smallint, key bytea, value bytea NOT NULL, PRIMARY KEY (bucket, key)) PARTITION BY HASH (bucket);
CREATE TABLE devices (bucket smallint, key bytea, value bytea NOT NULL, PRIMARY KEY (bucket, key)) PARTITION BY HASH (bucket);

-- Indexes. The look-up keys are random, so the first eight bytes find a row.
CREATE TABLE identifiers (lead bigint NOT NULL, rest bytea NOT NULL, ref bytea NOT NULL) PARTITION BY HASH (lead);
CREATE TABLE numbers (lead bigint NOT NULL, rest bytea NOT NULL, ref bytea NOT NULL) PARTITION BY HASH (lead);
CREATE TABLE holders (lead bigint NOT NULL, rest bytea NOT NULL, ref bytea NOT NULL) PARTITION BY HASH (lead);
CREATE TABLE request_ids (lead bigint NOT NULL, rest bytea NOT NULL, ref bytea NOT NULL) PARTITION BY HASH (lead);

-- +goose StatementBegin
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY string_to_array('credentials devices identifiers numbers holders request_ids', ' ') LOOP
    FOR i IN 0..15 LOOP
      EXECUTE format('CREATE TABLE %s_%s PARTITION OF %s FOR VALUES WITH (MODULUS 16, REMAINDER %s)', name, i, name, i);
    END LOOP;
  END LOOP;
END $$;
-- +goose StatementEnd

CREATE INDEX identifiers_lead ON identifiers (lead);
CREATE INDEX numbers_lead ON numbers (lead);
CREATE INDEX holders_lead ON holders (lead);
CREATE INDEX request_ids_lead ON request_ids (lead);

-- Ciphertext does not get smaller.
ALTER TABLE records ALTER COLUMN value SET STORAGE EXTERNAL;
ALTER TABLE audit_beside ALTER COLUMN value SET STORAGE EXTERNAL;
ALTER TABLE credentials ALTER COLUMN value SET STORAGE EXTERNAL;
