-- pg_class and what hangs on relations.

CREATE VIEW @pg_namespace AS SELECT oid, nspname, nspowner, nspacl FROM @file.namespace;

-- All relations, PostgreSQL's own too. `place` is the schema as DuckDB calls it, which the search path names.
CREATE VIEW @relation AS
SELECT r.oid, r.relname, r.nsp, r.relkind, r.temporary, r.reltuples, r.relnatts, r.relchecks, r.relhasindex, n.nspname,
       n.schema_name AS place, @fixed.quote_ident(r.relname) AS shown,
       @fixed.quote_ident(n.nspname) || '.' || @fixed.quote_ident(r.relname) AS qualified
FROM @file.relation r JOIN @file.namespace n ON n.oid = r.nsp
UNION ALL
SELECT oid, relname, CASE nsp WHEN 'pg' THEN 11 ELSE 13000 END, relkind, false, 0,
       len(string_split(columns, ',')), 0, false, CASE nsp WHEN 'pg' THEN 'pg_catalog' ELSE 'information_schema' END,
       CASE nsp WHEN 'pg' THEN 'pg_catalog' ELSE 'information_schema' END, relname,
       CASE nsp WHEN 'pg' THEN 'pg_catalog.' ELSE 'information_schema.' END || relname
FROM @fixed.system_relation;

-- Whether the search path leads to a schema (numbers: pg_catalog, that of temporary tables).
CREATE MACRO @in_path(_nsp, _place) AS
  _nsp IN (11, 16383) OR list_contains(system.main.current_schemas(false), _place);

-- Both ends of foreign keys. PostgreSQL has triggers there, and psql looks for the keys only where it sees some.
CREATE VIEW @foreign_key AS
SELECT c.oid, c.relid, t.oid AS target FROM @file.constraint c
JOIN @file.relation t ON t.relname = c.referenced_table AND t.nsp = c.nsp AND t.relkind = 'r'
WHERE c.constraint_type = 'FOREIGN KEY';

CREATE VIEW @pg_class AS
SELECT oid, relname, nsp AS relnamespace, 0::BIGINT AS reltype, 0::BIGINT AS reloftype, 10::BIGINT AS relowner,
       CASE relkind WHEN 'r' THEN 2 WHEN 'i' THEN 403 ELSE 0 END::BIGINT AS relam, oid AS relfilenode,
       0::BIGINT AS reltablespace, greatest(1, reltuples / 200)::INTEGER AS relpages, reltuples,
       0 AS relallvisible, 0::BIGINT AS reltoastrelid, relhasindex,
       false AS relisshared, CASE WHEN temporary THEN 't' ELSE 'p' END AS relpersistence, relkind,
       relnatts::SMALLINT AS relnatts, relchecks::SMALLINT AS relchecks, relkind = 'v' AS relhasrules,
       oid IN (SELECT relid FROM @foreign_key UNION ALL SELECT target FROM @foreign_key) AS relhastriggers,
       false AS relhassubclass, false AS relrowsecurity, false AS relforcerowsecurity,
       true AS relispopulated, 'd' AS relreplident, false AS relispartition, 0::BIGINT AS relrewrite,
       0::BIGINT AS relfrozenxid, 0::BIGINT AS relminmxid, NULL::VARCHAR[] AS relacl, NULL::VARCHAR[] AS reloptions,
       NULL::VARCHAR AS relpartbound
FROM @relation;

CREATE VIEW @index_part AS
SELECT p.oid, p.relid, p.part, p.n, c.attnum, c.atttypid, c.atttypmod
FROM (SELECT oid, relid, unnest(parts) AS part, unnest(generate_series(1, len(parts))) AS n FROM @file.index) p
LEFT JOIN @file.column c ON c.relid = p.relid AND c.attname = p.part;

CREATE VIEW @pg_attribute AS
SELECT relid AS attrelid, attname, atttypid, -1 AS attstattarget,
       CASE WHEN atttypid IN (16, 18) THEN 1 WHEN atttypid = 21 THEN 2 WHEN atttypid IN (23, 26, 700, 1082) THEN 4
            WHEN atttypid IN (20, 701, 1083, 1114, 1184) THEN 8 WHEN atttypid = 2950 THEN 16 ELSE -1 END AS attlen,
       attnum::SMALLINT AS attnum, attndims, -1 AS attcacheoff, atttypmod, false AS attbyval,
       'i' AS attalign, CASE WHEN atttypid IN (16, 18, 20, 21, 23, 26, 700, 701, 1082, 1083, 1114, 1184, 1186, 1266, 2950)
         THEN 'p' WHEN atttypid = 1700 THEN 'm' ELSE 'x' END AS attstorage, '' AS attcompression, attnotnull,
       expression IS NOT NULL AS atthasdef, false AS atthasmissing, '' AS attidentity,
       CASE WHEN generated THEN 's' ELSE '' END AS attgenerated, false AS attisdropped, true AS attislocal,
       0 AS attinhcount, CASE WHEN atttypid IN (25, 1009, 1042, 1043) THEN 100 ELSE 0 END::BIGINT AS attcollation,
       NULL::VARCHAR[] AS attacl, NULL::VARCHAR[] AS attoptions, NULL::VARCHAR[] AS attfdwoptions,
       NULL::VARCHAR[] AS attmissingval
FROM (SELECT relid, attname, atttypid, attnum, attndims, atttypmod, attnotnull, expression, generated
      FROM @file.column
      UNION ALL
      SELECT relid, attname, atttypid, attnum, 0, -1, false, NULL, false FROM @fixed.system_column
      UNION ALL
      SELECT oid, CASE WHEN attnum IS NULL THEN 'expr' ELSE part END, coalesce(atttypid, 25), n, 0,
             coalesce(atttypmod, -1), false, NULL, false FROM @index_part
      UNION ALL
      SELECT q.oid, v.attname, v.typid, v.n, 0, -1, true, NULL, false
      FROM @file.relation q,
           (VALUES ('last_value', 20, 1), ('log_cnt', 20, 2), ('is_called', 16, 3)) v(attname, typid, n)
      WHERE q.relkind = 'S') a;

CREATE MACRO @expression_text(e) AS regexp_replace(e, 'nextval\(''([^'']*)''\)', 'nextval(''\1''::regclass)');

CREATE VIEW @pg_attrdef AS
SELECT @fixed.part_oid(table_oid, attnum) AS oid, relid AS adrelid, attnum::SMALLINT AS adnum,
       @expression_text(expression) AS adbin
FROM @file.column WHERE expression IS NOT NULL;

CREATE VIEW @pg_index AS
SELECT i.oid AS indexrelid, i.relid AS indrelid, len(i.parts)::SMALLINT AS indnatts,
       len(i.parts)::SMALLINT AS indnkeyatts, i.is_unique AS indisunique, false AS indnullsnotdistinct,
       i.is_primary AS indisprimary, false AS indisexclusion, true AS indimmediate, false AS indisclustered,
       true AS indisvalid, false AS indcheckxmin, true AS indisready, true AS indislive, false AS indisreplident,
       k.indkey, list_transform(i.parts, p -> 0::BIGINT) AS indcollation,
       list_transform(i.parts, p -> 0::BIGINT) AS indclass, list_transform(i.parts, p -> 0::SMALLINT) AS indoption,
       k.indexprs, NULL::VARCHAR AS indpred
FROM @file.index i
JOIN (SELECT oid, list(coalesce(attnum, 0)::SMALLINT ORDER BY n) AS indkey,
             string_agg(part, ', ' ORDER BY n) FILTER (attnum IS NULL) AS indexprs
      FROM @index_part GROUP BY oid) k ON k.oid = i.oid;

CREATE VIEW @pg_constraint AS
SELECT c.oid, c.conname, c.nsp AS connamespace,
       CASE c.constraint_type WHEN 'PRIMARY KEY' THEN 'p' WHEN 'UNIQUE' THEN 'u' WHEN 'CHECK' THEN 'c' ELSE 'f' END
         AS contype,
       false AS condeferrable, false AS condeferred, true AS convalidated, c.relid AS conrelid, 0::BIGINT AS contypid,
       CASE WHEN c.constraint_type IN ('PRIMARY KEY', 'UNIQUE') THEN c.oid
            WHEN c.constraint_type = 'FOREIGN KEY' THEN coalesce(f.keyid, 0) ELSE 0 END AS conindid,
       0::BIGINT AS conparentid, coalesce(f.relid, 0) AS confrelid,
       CASE WHEN c.constraint_type = 'FOREIGN KEY' THEN 'a' ELSE ' ' END AS confupdtype,
       CASE WHEN c.constraint_type = 'FOREIGN KEY' THEN 'a' ELSE ' ' END AS confdeltype,
       CASE WHEN c.constraint_type = 'FOREIGN KEY' THEN 's' ELSE ' ' END AS confmatchtype,
       true AS conislocal, 0 AS coninhcount, true AS connoinherit, c.conkey, f.confkey,
       NULL::BIGINT[] AS conpfeqop, NULL::BIGINT[] AS conppeqop, NULL::BIGINT[] AS conffeqop,
       NULL::SMALLINT[] AS confdelsetcols, NULL::BIGINT[] AS conexclop, c.expression AS conbin
FROM @file.constraint c
LEFT JOIN (
  SELECT c.oid, t.oid AS relid, min(k.oid) AS keyid,
         list_transform(any_value(c.referenced_column_names),
                        n -> list_position(any_value(t.names), n)::SMALLINT) AS confkey
  FROM @file.constraint c
  JOIN (SELECT r.oid, r.relname, r.nsp, list(a.attname ORDER BY a.attnum) AS names
        FROM @file.relation r JOIN @file.column a ON a.relid = r.oid
        WHERE r.relkind = 'r' GROUP BY ALL) t ON t.relname = c.referenced_table AND t.nsp = c.nsp
  LEFT JOIN @file.constraint k ON k.relid = t.oid AND k.constraint_type IN ('PRIMARY KEY', 'UNIQUE')
       AND k.column_names = c.referenced_column_names
  WHERE c.constraint_type = 'FOREIGN KEY' GROUP BY c.oid, t.oid) f ON f.oid = c.oid;

CREATE VIEW @pg_sequence AS
SELECT 16384 + sequence_oid AS seqrelid, 20::BIGINT AS seqtypid, start_value AS seqstart, increment_by AS seqincrement,
       max_value AS seqmax, min_value AS seqmin, 1::BIGINT AS seqcache, cycle AS seqcycle
FROM duckdb_sequences() WHERE database_name IN (current_database(), 'temp');

CREATE VIEW @pg_description AS
SELECT oid AS objoid, 1259::BIGINT AS classoid, 0 AS objsubid, comment AS description
FROM @file.relation WHERE comment IS NOT NULL
UNION ALL SELECT relid, 1259, attnum, comment FROM @file.column WHERE comment IS NOT NULL
UNION ALL SELECT oid, 1247, 0, comment FROM @file.enum WHERE comment IS NOT NULL
UNION ALL SELECT oid, 1255, 0, comment FROM @file.function WHERE comment IS NOT NULL
UNION ALL SELECT oid, 2615, 0, comment FROM @file.namespace WHERE comment IS NOT NULL;

-- What hangs on what: a column's sequence by its default, an index by its table.
CREATE VIEW @pg_depend AS
SELECT 1259::BIGINT AS classid, oid AS objid, 0 AS objsubid, 1259::BIGINT AS refclassid, relid AS refobjid,
       0 AS refobjsubid, 'a' AS deptype
FROM @file.index WHERE oid < 1073741824
UNION ALL
SELECT 1259, oid, 0, 2606, oid, 0, 'i' FROM @file.constraint WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE')
UNION ALL
SELECT 1259, s.oid, 0, 1259, c.relid, c.attnum, 'a'
FROM @file.column c JOIN @file.relation s
  ON s.relkind = 'S' AND s.relname = string_split(regexp_extract(c.expression, 'nextval\(''([^'']*)''\)', 1), '.')[-1]
WHERE c.expression LIKE '%nextval(%';

CREATE VIEW @pg_proc AS
SELECT oid, proname, 11::BIGINT AS pronamespace, 10::BIGINT AS proowner, 12::BIGINT AS prolang, 1::FLOAT AS procost,
       0::FLOAT AS prorows, 0::BIGINT AS provariadic, 0 AS prosupport, 'f' AS prokind, false AS prosecdef,
       false AS proleakproof, true AS proisstrict, false AS proretset, 'i' AS provolatile, 's' AS proparallel,
       1::SMALLINT AS pronargs, 0::SMALLINT AS pronargdefaults, 2281::BIGINT AS prorettype,
       [2281]::BIGINT[] AS proargtypes, NULL::BIGINT[] AS proallargtypes, NULL::VARCHAR[] AS proargmodes,
       NULL::VARCHAR[] AS proargnames, NULL::VARCHAR AS proargdefaults, NULL::BIGINT[] AS protrftypes,
       proname AS prosrc, NULL::VARCHAR AS probin, NULL::VARCHAR AS prosqlbody, NULL::VARCHAR[] AS proconfig,
       NULL::VARCHAR[] AS proacl
FROM @fixed.builtin_proc
UNION ALL
SELECT oid, proname, nsp, 10, prolang, 1, CASE WHEN is_set THEN 1000 ELSE 0 END, 0, 0, prokind, false, false, false,
       is_set, volatility, 's', nargs, 0, rettype, list_transform(generate_series(1, nargs), n -> 2283::BIGINT), NULL,
       NULL, argnames, NULL, NULL, source, NULL, NULL, NULL, NULL
FROM (FROM @fixed.function UNION ALL FROM @file.function) f;

CREATE VIEW @constraint_text AS
SELECT c.oid, CASE c.constraint_type
    WHEN 'PRIMARY KEY' THEN 'PRIMARY KEY (' || k.columns || ')'
    WHEN 'UNIQUE' THEN 'UNIQUE (' || k.columns || ')'
    WHEN 'CHECK' THEN 'CHECK ' || CASE WHEN starts_with(c.expression, '(') THEN '' ELSE '(' END || c.expression
      || CASE WHEN starts_with(c.expression, '(') THEN '' ELSE ')' END
    ELSE 'FOREIGN KEY (' || k.columns || ') REFERENCES ' || @fixed.quote_ident(c.referenced_table) || '(' ||
      array_to_string(list_transform(c.referenced_column_names, n -> @fixed.quote_ident(n)), ', ') || ')' END AS definition
FROM @file.constraint c,
     LATERAL (SELECT array_to_string(list_transform(c.column_names, n -> @fixed.quote_ident(n)), ', ') AS columns) k;

CREATE VIEW @index_text AS
SELECT i.oid, p.parts, 'CREATE ' || CASE WHEN i.is_unique THEN 'UNIQUE ' ELSE '' END || 'INDEX '
  || @fixed.quote_ident(i.index_name) || ' ON ' || @fixed.quote_ident(n.nspname) || '.' || @fixed.quote_ident(i.table_name)
  || ' USING btree (' || array_to_string(p.parts, ', ') || ')' AS definition
FROM @file.index i JOIN @pg_namespace n ON n.oid = i.nsp
JOIN (SELECT oid, list(CASE WHEN attnum IS NULL THEN part ELSE @fixed.quote_ident(part) END ORDER BY n) AS parts
      FROM @index_part GROUP BY oid) p ON p.oid = i.oid;
