-- information_schema. The standard's names for what pg_catalog holds.

CREATE VIEW @info.schemata AS
SELECT current_database() AS catalog_name, nspname AS schema_name, '$OWNER$' AS schema_owner,
       NULL::VARCHAR AS default_character_set_catalog, NULL::VARCHAR AS default_character_set_schema,
       NULL::VARCHAR AS default_character_set_name, NULL::VARCHAR AS sql_path FROM @pg_namespace;

CREATE VIEW @info.tables AS
SELECT current_database() AS table_catalog, n.nspname AS table_schema, r.relname AS table_name,
       CASE WHEN r.relkind = 'v' THEN 'VIEW' WHEN r.temporary THEN 'LOCAL TEMPORARY' ELSE 'BASE TABLE' END
         AS table_type,
       NULL::VARCHAR AS self_referencing_column_name, NULL::VARCHAR AS reference_generation,
       NULL::VARCHAR AS user_defined_type_catalog, NULL::VARCHAR AS user_defined_type_schema,
       NULL::VARCHAR AS user_defined_type_name, CASE WHEN r.relkind = 'r' THEN 'YES' ELSE 'NO' END
         AS is_insertable_into, 'NO' AS is_typed, NULL::VARCHAR AS commit_action
FROM @relation r JOIN @pg_namespace n ON n.oid = r.nsp WHERE r.relkind IN ('r', 'v');

CREATE VIEW @info.columns AS
SELECT current_database() AS table_catalog, n.nspname AS table_schema, r.relname AS table_name,
       a.attname AS column_name, a.attnum AS ordinal_position,
       CASE WHEN NOT a.generated THEN @expression_text(a.expression) END AS column_default,
       CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END AS is_nullable,
       CASE WHEN s.standard IS NOT NULL THEN s.standard WHEN a.atttypid > 1073741824 THEN 'ARRAY'
            ELSE 'USER-DEFINED' END AS data_type,
       NULL::INTEGER AS character_maximum_length,
       CASE WHEN a.atttypid IN (25, 1042, 1043) THEN 1073741824 END AS character_octet_length,
       CASE a.atttypid WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 700 THEN 24 WHEN 701 THEN 53
            WHEN 1700 THEN CASE WHEN a.atttypmod > 4 THEN (a.atttypmod - 4) >> 16 END END AS numeric_precision,
       CASE WHEN a.atttypid IN (21, 23, 20, 700, 701) THEN 2 WHEN a.atttypid = 1700 THEN 10 END
         AS numeric_precision_radix,
       CASE WHEN a.atttypid IN (21, 23, 20) THEN 0
            WHEN a.atttypid = 1700 AND a.atttypmod > 4 THEN (a.atttypmod - 4) & 2047 END AS numeric_scale,
       CASE WHEN a.atttypid = 1082 THEN 0 WHEN a.atttypid IN (1083, 1114, 1184, 1186, 1266) THEN 6 END
         AS datetime_precision,
       NULL::VARCHAR AS interval_type, NULL::INTEGER AS interval_precision, NULL::VARCHAR AS character_set_catalog,
       NULL::VARCHAR AS character_set_schema, NULL::VARCHAR AS character_set_name, NULL::VARCHAR AS collation_catalog,
       NULL::VARCHAR AS collation_schema, NULL::VARCHAR AS collation_name, NULL::VARCHAR AS domain_catalog,
       NULL::VARCHAR AS domain_schema, NULL::VARCHAR AS domain_name, current_database() AS udt_catalog,
       CASE WHEN s.oid IS NULL THEN (SELECT nspname FROM @pg_namespace WHERE oid = coalesce(e.nsp, x.nsp))
            ELSE 'pg_catalog' END AS udt_schema,
       coalesce(s.typname, e.type_name, '_' || x.type_name) AS udt_name, NULL::VARCHAR AS scope_catalog,
       NULL::VARCHAR AS scope_schema, NULL::VARCHAR AS scope_name, NULL::INTEGER AS maximum_cardinality,
       a.attnum::VARCHAR AS dtd_identifier, 'NO' AS is_self_referencing, 'NO' AS is_identity,
       NULL::VARCHAR AS identity_generation, NULL::VARCHAR AS identity_start, NULL::VARCHAR AS identity_increment,
       NULL::VARCHAR AS identity_maximum, NULL::VARCHAR AS identity_minimum, 'NO' AS identity_cycle,
       CASE WHEN a.generated THEN 'ALWAYS' ELSE 'NEVER' END AS is_generated,
       CASE WHEN a.generated THEN a.expression END AS generation_expression,
       CASE WHEN r.relkind = 'r' THEN 'YES' ELSE 'NO' END AS is_updatable
FROM (SELECT relid, attname, attnum, attnotnull, expression, generated, atttypid, atttypmod FROM @file.column
      UNION ALL SELECT relid, attname, attnum, false, NULL, false, atttypid, -1 FROM @fixed.system_column) a
JOIN @relation r ON r.oid = a.relid JOIN @pg_namespace n ON n.oid = r.nsp
LEFT JOIN @fixed.standard_type s ON s.oid = a.atttypid
LEFT JOIN @file.enum e ON e.oid = a.atttypid LEFT JOIN @file.enum x ON 1073741824 + x.oid = a.atttypid;

CREATE VIEW @info.views AS
SELECT current_database() AS table_catalog, schemaname AS table_schema, viewname AS table_name,
       definition AS view_definition, 'NONE' AS check_option, 'NO' AS is_updatable, 'NO' AS is_insertable_into,
       'NO' AS is_trigger_updatable, 'NO' AS is_trigger_deletable, 'NO' AS is_trigger_insertable_into FROM @pg_views;

CREATE VIEW @named_constraint AS
SELECT current_database() AS constraint_catalog, n.nspname AS constraint_schema, c.*,
       current_database() AS table_catalog, n.nspname AS table_schema
FROM @file.constraint c JOIN @pg_namespace n ON n.oid = c.nsp;

CREATE VIEW @info.table_constraints AS
SELECT constraint_catalog, constraint_schema, conname AS constraint_name, table_catalog, table_schema, table_name,
       constraint_type, 'NO' AS is_deferrable, 'NO' AS initially_deferred, 'YES' AS enforced,
       CASE WHEN constraint_type = 'UNIQUE' THEN 'YES' END AS nulls_distinct
FROM @named_constraint
UNION ALL
SELECT current_database(), n.nspname, c.table_name || '_' || c.attname || '_not_null', current_database(), n.nspname,
       c.table_name, 'CHECK', 'NO', 'NO', 'YES', NULL
FROM (SELECT a.attname, r.relname AS table_name, r.nsp FROM @file.column a JOIN @file.relation r ON r.oid = a.relid
      WHERE a.attnotnull) c JOIN @pg_namespace n ON n.oid = c.nsp;

CREATE VIEW @info.check_constraints AS
SELECT constraint_catalog, constraint_schema, conname AS constraint_name, expression AS check_clause
FROM @named_constraint WHERE constraint_type = 'CHECK'
UNION ALL
SELECT current_database(), n.nspname, r.relname || '_' || a.attname || '_not_null', a.attname || ' IS NOT NULL'
FROM @file.column a JOIN @file.relation r ON r.oid = a.relid JOIN @pg_namespace n ON n.oid = r.nsp
WHERE a.attnotnull;

CREATE VIEW @info.key_column_usage AS
SELECT constraint_catalog, constraint_schema, conname AS constraint_name, table_catalog, table_schema, table_name,
       unnest(column_names) AS column_name, unnest(generate_series(1, len(column_names)))::INTEGER AS ordinal_position,
       CASE WHEN constraint_type = 'FOREIGN KEY' THEN unnest(generate_series(1, len(column_names)))::INTEGER END
         AS position_in_unique_constraint
FROM @named_constraint WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY');

CREATE VIEW @info.constraint_column_usage AS
SELECT table_catalog, table_schema, coalesce(referenced_table, table_name) AS table_name,
       unnest(CASE WHEN constraint_type = 'FOREIGN KEY' THEN referenced_column_names ELSE column_names END)
         AS column_name, constraint_catalog, constraint_schema, conname AS constraint_name FROM @named_constraint;

CREATE VIEW @info.constraint_table_usage AS
SELECT table_catalog, table_schema, coalesce(referenced_table, table_name) AS table_name, constraint_catalog,
       constraint_schema, conname AS constraint_name FROM @named_constraint;

CREATE VIEW @info.referential_constraints AS
SELECT c.constraint_catalog, c.constraint_schema, c.conname AS constraint_name,
       c.constraint_catalog AS unique_constraint_catalog, c.constraint_schema AS unique_constraint_schema,
       k.conname AS unique_constraint_name, 'NONE' AS match_option, 'NO ACTION' AS update_rule,
       'NO ACTION' AS delete_rule
FROM @named_constraint c LEFT JOIN @named_constraint k ON k.table_name = c.referenced_table AND k.nsp = c.nsp
  AND k.constraint_type IN ('PRIMARY KEY', 'UNIQUE') AND k.column_names = c.referenced_column_names
WHERE c.constraint_type = 'FOREIGN KEY';

CREATE VIEW @info.sequences AS
SELECT current_database() AS sequence_catalog, schemaname AS sequence_schema, sequencename AS sequence_name,
       'bigint' AS data_type, 64 AS numeric_precision, 2 AS numeric_precision_radix, 0 AS numeric_scale,
       start_value::VARCHAR AS start_value, min_value::VARCHAR AS minimum_value, max_value::VARCHAR AS maximum_value,
       increment_by::VARCHAR AS "increment", CASE WHEN cycle THEN 'YES' ELSE 'NO' END AS cycle_option
FROM @pg_sequences;

CREATE VIEW @info.routines AS
SELECT current_database() AS specific_catalog, n.nspname AS specific_schema, p.proname || '_' || p.oid AS specific_name,
       current_database() AS routine_catalog, n.nspname AS routine_schema, p.proname AS routine_name,
       CASE p.prokind WHEN 'f' THEN 'FUNCTION' END AS routine_type, NULL::VARCHAR AS data_type, 'SQL' AS routine_body,
       p.prosrc AS routine_definition, 'SQL' AS external_language, 'NO' AS is_deterministic,
       'INVOKER' AS security_type
FROM @pg_proc p JOIN @pg_namespace n ON n.oid = p.pronamespace;

CREATE VIEW @info.information_schema_catalog_name AS SELECT current_database() AS catalog_name;
CREATE VIEW @info.enabled_roles AS SELECT '$OWNER$' AS role_name;
CREATE VIEW @info.applicable_roles AS
SELECT '$OWNER$' AS grantee, '$OWNER$' AS role_name, 'NO' AS is_grantable WHERE false;
CREATE VIEW @info.character_sets AS
SELECT NULL::VARCHAR AS character_set_catalog, NULL::VARCHAR AS character_set_schema, 'UTF8' AS character_set_name,
       'UCS' AS character_repertoire, 'UTF8' AS form_of_use, current_database() AS default_collate_catalog,
       'pg_catalog' AS default_collate_schema, 'C' AS default_collate_name;
CREATE VIEW @info.table_privileges AS
SELECT '$OWNER$' AS grantor, '$OWNER$' AS grantee, t.table_catalog, t.table_schema, t.table_name, p.privilege_type,
       'YES' AS is_grantable, CASE WHEN p.privilege_type = 'SELECT' THEN 'YES' ELSE 'NO' END AS with_hierarchy
FROM @info.tables t, (VALUES ('INSERT'), ('SELECT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('REFERENCES'),
     ('TRIGGER')) p(privilege_type);
CREATE VIEW @info.role_table_grants AS SELECT * FROM @info.table_privileges;
CREATE VIEW @info.column_privileges AS
SELECT '$OWNER$' AS grantor, '$OWNER$' AS grantee, c.table_catalog, c.table_schema, c.table_name, c.column_name,
       p.privilege_type, 'YES' AS is_grantable
FROM @info.columns c, (VALUES ('INSERT'), ('SELECT'), ('UPDATE'), ('REFERENCES')) p(privilege_type);

-- Every other relation, without rows: run as statements of their own.
