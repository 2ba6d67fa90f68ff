-- What the file holds, as this catalog sees it. DuckDB's numbers of things, plus 16384, are their oids: they stay through
-- ALTER and RENAME. A constraint's is its place among those of its table; its index has the same.

-- Named enums of the file, with the text that DuckDB shows for columns of them. Of two with the same labels the older.
CREATE VIEW @file.enum AS
SELECT 16384 + type_oid AS oid, CASE WHEN schema_name = 'main' THEN 2200 ELSE 16384 + schema_oid END AS nsp, type_name, labels, comment,
       'ENUM(' || list_aggregate(list_transform(labels, l -> '''' || replace(l, '''', '''''') || ''''), 'string_agg', ', ')
       || ')' AS duckdb
FROM duckdb_types() WHERE database_name = current_database() AND logical_type = 'ENUM' AND labels IS NOT NULL;

-- duckdb_constraints() without NOT NULL, which PostgreSQL 15 does not count as constraints, and numbered by table.
CREATE VIEW @file.constraint AS
SELECT @fixed.part_oid(table_oid, row_number() OVER (PARTITION BY table_oid ORDER BY constraint_index)) AS oid,
       16384 + table_oid AS relid, CASE WHEN schema_name <> 'main' THEN 16384 + schema_oid
         WHEN database_name = 'temp' THEN 16383 ELSE 2200 END AS nsp,
       table_name, table_oid, schema_oid, constraint_type,
       CASE WHEN constraint_type = 'PRIMARY KEY' THEN table_name || '_pkey'
            WHEN constraint_type = 'FOREIGN KEY'
              THEN table_name || '_' || array_to_string(constraint_column_names, '_') || '_fkey'
            ELSE constraint_name END AS conname,
       list_transform(constraint_column_indexes, i -> (i + 1)::SMALLINT) AS conkey, expression,
       constraint_column_names AS column_names, referenced_table, referenced_column_names
FROM duckdb_constraints()
WHERE constraint_type <> 'NOT NULL' AND database_name IN (current_database(), 'temp');

-- Everything that pg_class lists of the file.
CREATE VIEW @file.relation AS
SELECT 16384 + table_oid AS oid, table_name AS relname,
       CASE WHEN schema_name <> 'main' THEN 16384 + schema_oid WHEN temporary THEN 16383 ELSE 2200 END AS nsp,
       schema_name, 'r' AS relkind, temporary, estimated_size::FLOAT AS reltuples, column_count AS relnatts,
       check_constraint_count AS relchecks, index_count > 0 AS relhasindex, comment, false AS made
FROM duckdb_tables() WHERE database_name IN (current_database(), 'temp')
UNION ALL
SELECT 16384 + view_oid, view_name,
       CASE WHEN schema_name <> 'main' THEN 16384 + schema_oid WHEN temporary THEN 16383 ELSE 2200 END,
       schema_name, 'v', temporary, 0, column_count, 0, false, comment, false
FROM duckdb_views() WHERE NOT internal AND database_name IN (current_database(), 'temp')
UNION ALL
SELECT 16384 + sequence_oid, sequence_name,
       CASE WHEN schema_name <> 'main' THEN 16384 + schema_oid WHEN temporary THEN 16383 ELSE 2200 END,
       schema_name, 'S', temporary, 1, 3, 0, false, comment, false
FROM duckdb_sequences() WHERE database_name IN (current_database(), 'temp')
UNION ALL
SELECT 16384 + index_oid, index_name,
       CASE WHEN schema_name <> 'main' THEN 16384 + schema_oid WHEN database_name = 'temp' THEN 16383 ELSE 2200 END,
       schema_name, 'i', database_name = 'temp', 0, len(string_split(expressions, ', ')), 0, false, comment, false
FROM duckdb_indexes() WHERE database_name IN (current_database(), 'temp')
UNION ALL
SELECT oid, conname, nsp, NULL, 'i', nsp = 16383, 0, len(conkey), 0, false, NULL, true
FROM @file.constraint WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE');

-- The columns of tables and views, with their types.
CREATE VIEW @file.column AS
SELECT 16384 + c.table_oid AS relid, c.table_oid, c.column_name AS attname, c.column_index AS attnum, c.data_type,
       coalesce(c.column_default IS NOT NULL
                AND (contains(t.sql, c.column_name || ' ' || c.data_type || ' GENERATED ALWAYS AS(')
                     OR contains(t.sql, c.column_name || '" ' || c.data_type || ' GENERATED ALWAYS AS(')), false)
         AS generated,
       NOT c.is_nullable AS attnotnull,
       CASE WHEN generated THEN regexp_replace(c.column_default, '^CAST\((.*) AS [^()]*(\([^()]*\))?\)$', '\1')
            ELSE c.column_default END AS expression, c.comment,
       CASE WHEN c.data_type NOT LIKE '%]' THEN coalesce(m.typid, e.oid, 114)
            WHEN c.data_type LIKE '%]%]' THEN 114
            ELSE coalesce(m.arrayid, 1073741824 + e.oid, 114) END::BIGINT AS atttypid,
       CASE WHEN c.data_type LIKE 'DECIMAL(%'
            THEN (regexp_extract(c.data_type, '\((\d+),', 1)::INTEGER << 16)
                 + regexp_extract(c.data_type, ',(\d+)\)', 1)::INTEGER + 4
            ELSE -1 END AS atttypmod,
       CASE WHEN c.data_type LIKE '%]' THEN 1 ELSE 0 END AS attndims
FROM duckdb_columns() c
LEFT JOIN duckdb_tables() t ON t.table_oid = c.table_oid AND t.database_name = c.database_name
LEFT JOIN @fixed.type_map m ON m.duckdb = regexp_replace(c.data_type, '(\(\d+,\d+\))?(\[\d*\])*$', '')
LEFT JOIN (SELECT duckdb, min(oid) AS oid FROM @file.enum GROUP BY duckdb) e
       ON e.duckdb = regexp_replace(c.data_type, '(\[\d*\])*$', '')
WHERE NOT c.internal AND c.database_name IN (current_database(), 'temp');

-- The columns of an index, one row each: a number of its table's column, or 0 and the expression.
CREATE VIEW @file.index AS
SELECT 16384 + i.index_oid AS oid, 16384 + i.table_oid AS relid, i.is_unique, false AS is_primary, i.index_name,
       CASE WHEN i.schema_name <> 'main' THEN 16384 + i.schema_oid WHEN i.database_name = 'temp' THEN 16383
            ELSE 2200 END AS nsp,
       list_transform(regexp_extract_all(i.expressions, '''((?:[^'']|'''')*)''|[^,\[\] ''][^,\[\]]*'),
                      e -> regexp_replace(regexp_replace(regexp_replace(replace(e, '\"', '"'), '^''(.*)''$', '\1'),
                                                    '^"(.*)"$', '\1'), '^\(\((.*)\)\)$', '(\1)'))
         AS parts, i.table_name, i.comment
FROM duckdb_indexes() i WHERE i.database_name IN (current_database(), 'temp')
UNION ALL
SELECT oid, relid, true, constraint_type = 'PRIMARY KEY', conname, nsp, column_names, table_name, NULL
FROM @file.constraint WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE');


CREATE VIEW @file.namespace AS
SELECT CASE WHEN s.schema_name <> 'main' THEN 16384 + s.oid WHEN s.database_name = 'temp' THEN 16383 ELSE 2200 END
         AS oid,
       CASE WHEN s.schema_name <> 'main' THEN s.schema_name WHEN s.database_name = 'temp' THEN 'pg_temp_1'
            WHEN (SELECT count(*) FROM duckdb_schemas() p
                  WHERE p.schema_name = 'public' AND p.database_name = current_database()) > 0 THEN 'main'
            ELSE 'public' END AS nspname,
       10::BIGINT AS nspowner, NULL::VARCHAR[] AS nspacl, s.comment, s.schema_name
FROM duckdb_schemas() s WHERE s.database_name IN (current_database(), 'temp')
UNION ALL VALUES (11, 'pg_catalog', 10, NULL, NULL, 'pg_catalog'),
  (13000, 'information_schema', 10, NULL, NULL, 'information_schema');

CREATE VIEW @file.view AS
SELECT 16384 + view_oid AS oid,
       ' ' || regexp_replace(sql, '^CREATE (TEMP )?VIEW ("(?:[^"]|"")*"|[^\s("])+(\s*\((?:"(?:[^"]|"")*"|[^)"])*\))?\s+AS\s+', '')
         AS definition
FROM duckdb_views() WHERE NOT internal AND database_name IN (current_database(), 'temp');

-- Macros of the file.
CREATE VIEW @file.function AS
SELECT 16384 + function_oid AS oid, function_name AS proname,
       CASE WHEN schema_name = 'main' THEN 2200
            ELSE coalesce((SELECT 16384 + s.oid FROM duckdb_schemas() s
                           WHERE s.schema_name = f.schema_name AND s.database_name = f.database_name), 2200) END AS nsp,
       14::BIGINT AS prolang, function_type LIKE '%table%' AS is_set, 'f' AS prokind, 'v' AS volatility,
       len(parameters)::SMALLINT AS nargs, CASE WHEN function_type LIKE '%table%' THEN 2249 ELSE 2283 END AS rettype,
       parameters AS argnames, macro_definition AS source, comment
FROM duckdb_functions() f WHERE NOT internal AND database_name = current_database();
