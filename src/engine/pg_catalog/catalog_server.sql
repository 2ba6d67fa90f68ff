-- The server, its one database, who owns it, and what is going on.

CREATE VIEW @pg_authid AS
SELECT 10::BIGINT AS oid, '$OWNER$' AS rolname, true AS rolsuper, true AS rolinherit, true AS rolcreaterole,
       true AS rolcreatedb, true AS rolcanlogin, false AS rolreplication, true AS rolbypassrls, -1 AS rolconnlimit,
       NULL::VARCHAR AS rolpassword, NULL::TIMESTAMPTZ AS rolvaliduntil;
CREATE VIEW @pg_roles AS
SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolconnlimit,
       '********' AS rolpassword, rolvaliduntil, rolbypassrls, NULL::VARCHAR[] AS rolconfig, oid FROM @pg_authid;
CREATE VIEW @pg_user AS
SELECT rolname AS usename, oid AS usesysid, rolcreatedb AS usecreatedb, rolsuper AS usesuper, rolreplication AS userepl,
       rolbypassrls AS usebypassrls, '********' AS passwd, rolvaliduntil AS valuntil, NULL::VARCHAR[] AS useconfig
FROM @pg_authid;
CREATE VIEW @pg_shadow AS SELECT * FROM @pg_user;
CREATE MACRO @pg_get_userbyid(o) AS CASE WHEN o = 10 THEN '$OWNER$' ELSE 'unknown (OID=' || o || ')' END;

CREATE VIEW @pg_database AS
SELECT 5::BIGINT AS oid, current_database() AS datname, 10::BIGINT AS datdba, 6 AS encoding, 'c' AS datlocprovider,
       false AS datistemplate, true AS datallowconn, -1 AS datconnlimit, 0::BIGINT AS datfrozenxid,
       0::BIGINT AS datminmxid, 1663::BIGINT AS dattablespace, 'C' AS datcollate, 'C' AS datctype,
       NULL::VARCHAR AS daticulocale, NULL::VARCHAR AS datcollversion, NULL::VARCHAR[] AS datacl;
CREATE VIEW @pg_tablespace AS
SELECT 1663::BIGINT AS oid, 'pg_default' AS spcname, 10::BIGINT AS spcowner, NULL::VARCHAR[] AS spcacl,
       NULL::VARCHAR[] AS spcoptions;
CREATE VIEW @pg_stat_database AS
SELECT 5::BIGINT AS datid, current_database() AS datname,
       (SELECT count(*)::INTEGER FROM system.main.merganser_activity()) AS numbackends;

CREATE VIEW @pg_tables AS
SELECT n.nspname AS schemaname, r.relname AS tablename, '$OWNER$' AS tableowner, NULL::VARCHAR AS tablespace,
       r.relhasindex AS hasindexes, false AS hasrules, false AS hastriggers, false AS rowsecurity
FROM @relation r JOIN @pg_namespace n ON n.oid = r.nsp WHERE r.relkind = 'r';
CREATE VIEW @pg_indexes AS
SELECT n.nspname AS schemaname, i.table_name AS tablename, i.index_name AS indexname, NULL::VARCHAR AS tablespace,
       t.definition AS indexdef
FROM @file.index i JOIN @pg_namespace n ON n.oid = i.nsp JOIN @index_text t ON t.oid = i.oid;
CREATE VIEW @pg_views AS
SELECT n.nspname AS schemaname, r.relname AS viewname, '$OWNER$' AS viewowner, t.definition
FROM @relation r JOIN @pg_namespace n ON n.oid = r.nsp LEFT JOIN @file.view t ON t.oid = r.oid WHERE r.relkind = 'v';
CREATE VIEW @pg_sequences AS
SELECT n.nspname AS schemaname, s.sequence_name AS sequencename, '$OWNER$' AS sequenceowner, 20::BIGINT AS data_type,
       s.start_value, s.min_value, s.max_value, s.increment_by, s.cycle, 1::BIGINT AS cache_size, s.last_value
FROM duckdb_sequences() s JOIN @relation r ON r.oid = 16384 + s.sequence_oid JOIN @pg_namespace n ON n.oid = r.nsp;

CREATE VIEW @relation_bytes AS
SELECT 16384 + table_oid AS oid, estimated_size * column_count * 8 AS bytes FROM duckdb_tables()
WHERE database_name IN (current_database(), 'temp')
UNION ALL SELECT oid, 0 FROM @relation WHERE relkind <> 'r';

CREATE VIEW @table_statistics AS
SELECT r.oid AS relid, n.nspname AS schemaname, r.relname, 0::BIGINT AS seq_scan, 0::BIGINT AS seq_tup_read,
       0::BIGINT AS idx_scan, 0::BIGINT AS idx_tup_fetch, 0::BIGINT AS n_tup_ins, 0::BIGINT AS n_tup_upd,
       0::BIGINT AS n_tup_del, 0::BIGINT AS n_tup_hot_upd, r.reltuples::BIGINT AS n_live_tup, 0::BIGINT AS n_dead_tup,
       0::BIGINT AS n_mod_since_analyze, 0::BIGINT AS n_ins_since_vacuum, NULL::TIMESTAMPTZ AS last_vacuum,
       NULL::TIMESTAMPTZ AS last_autovacuum, NULL::TIMESTAMPTZ AS last_analyze, NULL::TIMESTAMPTZ AS last_autoanalyze,
       0::BIGINT AS vacuum_count, 0::BIGINT AS autovacuum_count, 0::BIGINT AS analyze_count,
       0::BIGINT AS autoanalyze_count
FROM @relation r JOIN @pg_namespace n ON n.oid = r.nsp WHERE r.relkind = 'r';
CREATE VIEW @pg_stat_all_tables AS SELECT * FROM @table_statistics;
CREATE VIEW @pg_stat_user_tables AS
SELECT * FROM @table_statistics WHERE schemaname NOT IN ('pg_catalog', 'information_schema');
CREATE VIEW @pg_stat_sys_tables AS
SELECT * FROM @table_statistics WHERE schemaname IN ('pg_catalog', 'information_schema');
CREATE VIEW @pg_stat_user_indexes AS
SELECT i.relid, i.oid AS indexrelid, n.nspname AS schemaname, i.table_name AS relname, i.index_name AS indexrelname,
       0::BIGINT AS idx_scan, 0::BIGINT AS idx_tup_read, 0::BIGINT AS idx_tup_fetch
FROM @file.index i JOIN @pg_namespace n ON n.oid = i.nsp;
CREATE VIEW @pg_stat_all_indexes AS SELECT * FROM @pg_stat_user_indexes;

CREATE VIEW @pg_timezone_names AS
SELECT name, abbrev, utc_offset, is_dst FROM pg_timezone_names();
CREATE MACRO @catalog_oid(name) AS (SELECT any_value(oid) FROM @fixed.system_relation WHERE relname = name AND nsp = 'pg');
CREATE MACRO @pg_postmaster_start_time() AS '$STARTED$'::TIMESTAMPTZ;
CREATE MACRO @version() AS '$VERSION$';
