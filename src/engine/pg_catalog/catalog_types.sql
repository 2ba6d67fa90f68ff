-- pg_type and what belongs to types. Enum types are the file's; DuckDB's other named types stand for what they name.

CREATE VIEW @pg_type AS
SELECT oid, typname, 11::BIGINT AS typnamespace, 10::BIGINT AS typowner, typlen, typbyval, typtype, typcategory,
       typispreferred, true AS typisdefined, ',' AS typdelim, 0::BIGINT AS typrelid, typsubscript, typelem, typarray,
       typinput, typoutput, typreceive, typsend, 0 AS typmodin, 0 AS typmodout, 0 AS typanalyze, typalign, typstorage,
       false AS typnotnull, 0::BIGINT AS typbasetype, -1 AS typtypmod, 0 AS typndims, typcollation,
       NULL::VARCHAR AS typdefaultbin, NULL::VARCHAR AS typdefault, NULL::VARCHAR[] AS typacl
FROM @fixed.builtin_type
UNION ALL
SELECT oid, typname, 11, 10, -1, false, 'b', 'A', false, true, ',', 0, 6179, elem, 0, 750, 751, 2400, 2401, 0, 0, 3816,
       CASE WHEN typalign = 'd' THEN 'd' ELSE 'i' END, 'x', false, 0, -1, 0, typcollation, NULL, NULL, NULL
FROM @fixed.array_type
UNION ALL
SELECT oid, type_name, nsp, 10, 4, true, 'e', 'E', false, true, ',', 0, 0, 0, 1073741824 + oid, 3506, 3507, 3532, 3533,
       0, 0, 0, 'i', 'p', false, 0, -1, 0, 0, NULL, NULL, NULL
FROM @file.enum
UNION ALL
SELECT 1073741824 + oid, '_' || type_name, nsp, 10, -1, false, 'b', 'A', false, true, ',', 0, 6179, oid, 0, 750, 751,
       2400, 2401, 0, 0, 3816, 'i', 'x', false, 0, -1, 0, 0, NULL, NULL, NULL
FROM @file.enum;

CREATE VIEW @pg_enum AS
SELECT oid * 1024 + i AS oid, oid AS enumtypid, i::FLOAT AS enumsortorder, labels[i] AS enumlabel
FROM (SELECT oid, labels, unnest(generate_series(1, len(labels))) AS i FROM @file.enum);

CREATE VIEW @pg_range AS
SELECT * FROM (VALUES (3904, 23, 4451, 0, 1978, 3914, 3922), (3906, 1700, 4532, 0, 3125, 0, 3924),
  (3908, 1114, 4533, 0, 3128, 0, 3929), (3910, 1184, 4534, 0, 3127, 0, 3930), (3912, 1082, 4535, 0, 3122, 3915, 3925),
  (3926, 20, 4536, 0, 3124, 3928, 3923))
  t(rngtypid, rngsubtype, rngmultitypid, rngcollation, rngsubopc, rngcanonical, rngsubdiff);

CREATE VIEW @pg_collation AS
SELECT * FROM (VALUES (100, 'default', 'd', NULL, NULL), (950, 'C', 'c', 'C', 'C'), (951, 'POSIX', 'c', 'POSIX', 'POSIX'))
  t(oid, collname, collprovider, collcollate, collctype)
  CROSS JOIN (SELECT 11::BIGINT AS collnamespace, 10::BIGINT AS collowner, true AS collisdeterministic,
                     -1 AS collencoding, NULL::VARCHAR AS colliculocale, NULL::VARCHAR AS collversion);

CREATE VIEW @pg_am AS
SELECT * FROM (VALUES (2, 'heap', 3, 't'), (403, 'btree', 330, 'i')) t(oid, amname, amhandler, amtype);

CREATE VIEW @pg_language AS
SELECT oid, lanname, 10::BIGINT AS lanowner, oid > 14 AS lanispl, oid > 12 AS lanpltrusted, 0 AS lanplcallfoid,
       0 AS laninline, 0 AS lanvalidator, NULL::VARCHAR[] AS lanacl
FROM (VALUES (12, 'internal'), (14, 'sql')) t(oid, lanname);

CREATE VIEW @pg_opclass AS
SELECT oid, 403::BIGINT AS opcmethod, opcname, 11::BIGINT AS opcnamespace, 10::BIGINT AS opcowner, oid AS opcfamily,
       opcintype, true AS opcdefault, 0::BIGINT AS opckeytype
FROM (VALUES (10003, 'bool_ops', 16), (10006, 'bytea_ops', 17), (3122, 'date_ops', 1082), (10012, 'float4_ops', 700),
  (3123, 'float8_ops', 701), (1979, 'int2_ops', 21), (1978, 'int4_ops', 23), (3124, 'int8_ops', 20),
  (10022, 'interval_ops', 1186), (3125, 'numeric_ops', 1700), (3126, 'text_ops', 25), (10038, 'time_ops', 1083),
  (3127, 'timestamptz_ops', 1184), (10041, 'timetz_ops', 1266), (10043, 'varbit_ops', 1562),
  (3128, 'timestamp_ops', 1114), (10065, 'uuid_ops', 2950), (10069, 'enum_ops', 3500)) t(oid, opcname, opcintype);

-- How PostgreSQL shows a type without its modifier.
CREATE VIEW @type_name AS
SELECT oid, CASE WHEN standard = 'ARRAY' THEN shown || '[]' ELSE shown END AS shown
FROM (SELECT s.oid, s.standard, CASE WHEN s.standard = 'ARRAY' THEN e.standard ELSE s.standard END AS shown
      FROM @fixed.standard_type s LEFT JOIN @fixed.array_type a ON a.oid = s.oid
      LEFT JOIN @fixed.standard_type e ON e.oid = a.elem)
UNION ALL SELECT oid, @fixed.quote_ident(type_name) FROM @file.enum
UNION ALL SELECT 1073741824 + oid, @fixed.quote_ident(type_name) || '[]' FROM @file.enum;
