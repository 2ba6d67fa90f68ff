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
       (SELECT count(*)::INTEGER FROM system.main.merganser_activity()) AS numbackends,
       NULL::TIMESTAMPTZ AS stats_reset;
CREATE VIEW @pg_stat_activity AS
SELECT 5::BIGINT AS datid, current_database() AS datname, session::INTEGER AS pid, NULL::INTEGER AS leader_pid,
       10::BIGINT AS usesysid, user_name AS usename, coalesce(application_name, '') AS application_name,
       CASE WHEN NOT starts_with(peer, 'uid:') THEN regexp_replace(peer, ':\d+$', '') END AS client_addr,
       NULL::VARCHAR AS client_hostname, CASE WHEN starts_with(peer, 'uid:') THEN -1
         ELSE try_cast(regexp_extract(peer, ':(\d+)$', 1) AS INTEGER) END AS client_port,
       connected_at AS backend_start, CASE WHEN transaction_us IS NOT NULL
         THEN get_current_timestamp() - to_microseconds(transaction_us) END AS xact_start,
       state_since AS query_start, state_since AS state_change,
       CASE WHEN waiting_for = 'client' THEN 'Client' WHEN waiting_for = 'worker' THEN 'IPC'
            WHEN waiting_for IS NOT NULL THEN 'Lock' END AS wait_event_type,
       CASE waiting_for WHEN 'client' THEN 'ClientRead' WHEN 'advisory lock' THEN 'advisory' ELSE waiting_for END
         AS wait_event, state, NULL::BIGINT AS backend_xid,
       NULL::BIGINT AS backend_xmin, NULL::BIGINT AS query_id, coalesce(statement, last_statement, '') AS query,
       'client backend' AS backend_type, progress
FROM system.main.merganser_activity();

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

-- What a session knows is put into its statements before they come here (session/session_facts.h). These stand for it
-- while a statement is described, and for the cases that need the settings as a value.
CREATE MACRO @pg_backend_pid() AS 0;
CREATE MACRO @current_setting(_name) AS NULL::VARCHAR, (_name, _missing_ok) AS NULL::VARCHAR;
CREATE MACRO @setting_of(_all, _name) AS coalesce(_all[lower(_name)], _all[_name],
  error('unrecognized configuration parameter "' || _name || '"')),
  (_all, _name, _missing_ok) AS coalesce(_all[lower(_name)], _all[_name], CASE WHEN NOT _missing_ok
    THEN error('unrecognized configuration parameter "' || _name || '"') END);
CREATE MACRO @settings_of(_all) AS TABLE
SELECT name, setting, NULL::VARCHAR AS unit, 'Client Connection Defaults' AS category, NULL::VARCHAR AS short_desc,
       NULL::VARCHAR AS extra_desc, 'user' AS context,
       CASE WHEN setting IN ('on', 'off') THEN 'bool' WHEN regexp_full_match(setting, '\d+') THEN 'integer'
            ELSE 'string' END AS vartype,
       'default' AS source, NULL::VARCHAR AS min_val, NULL::VARCHAR AS max_val, NULL::VARCHAR[] AS enumvals,
       setting AS boot_val, setting AS reset_val, NULL::VARCHAR AS sourcefile, NULL::INTEGER AS sourceline,
       false AS pending_restart
FROM (SELECT unnest(map_keys(_all)) AS name, unnest(map_values(_all)) AS setting);
CREATE MACRO @inet_client_addr() AS NULL::VARCHAR;
CREATE MACRO @inet_client_port() AS NULL::INTEGER;
CREATE MACRO @inet_server_addr() AS NULL::VARCHAR;
CREATE MACRO @inet_server_port() AS NULL::INTEGER;
CREATE MACRO @pg_typeof(_v) AS CASE typeof(_v) WHEN 'VARCHAR' THEN 'text' WHEN 'DOUBLE' THEN 'double precision'
  WHEN 'FLOAT' THEN 'real' WHEN 'BLOB' THEN 'bytea' WHEN 'TIMESTAMP' THEN 'timestamp without time zone'
  WHEN 'TIME' THEN 'time without time zone' WHEN 'HUGEINT' THEN 'numeric' WHEN 'TINYINT' THEN 'smallint'
  WHEN '"NULL"' THEN 'unknown' ELSE CASE WHEN starts_with(typeof(_v), 'DECIMAL') THEN 'numeric'
  ELSE regexp_replace(lower(typeof(_v)), '^varchar\[', 'text[') END END;
