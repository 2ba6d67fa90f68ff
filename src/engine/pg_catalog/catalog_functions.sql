-- PostgreSQL's functions on the catalog. Those that look something up do it in the transaction that asks.

CREATE MACRO @format_type(_type, _modifier) AS CASE
  WHEN _type = 1700 AND _modifier > 4
    THEN 'numeric(' || ((_modifier::INTEGER - 4) >> 16) || ',' || ((_modifier::INTEGER - 4) & 2047) || ')'
  WHEN _type IS NULL THEN NULL WHEN _type = 0 THEN '-'
  ELSE coalesce((SELECT shown FROM @type_name WHERE oid = _type::BIGINT), '???') END;

-- Names in the search path, first come first; pg_catalog is always in it. Without a look at the catalog, since they stand
-- where DuckDB takes no query.
CREATE MACRO @current_schema() AS CASE system.main.current_schema() WHEN 'main' THEN '$MAIN$'
  ELSE system.main.current_schema() END;
CREATE MACRO @current_schemas(_implicit) AS (CASE WHEN _implicit THEN ['pg_catalog'] ELSE []::VARCHAR[] END) ||
  list_transform(list_filter(system.main.current_schemas(false), s -> s <> 'pg_catalog'),
                 s -> CASE s WHEN 'main' THEN '$MAIN$' ELSE s END);

-- An object's number by its _name as people write it: a number, a _name in the search path, or schema.name.
CREATE MACRO @to_regclass(_name) AS (
  SELECT coalesce(try_cast(_name::VARCHAR AS BIGINT), (
    SELECT arg_min(r.oid, coalesce(list_position(system.main.current_schemas(false), r.place), 0)) FROM @relation r
    WHERE lower(r.relname) = lower(@fixed.parse_ident(_name::VARCHAR)[-1])
      AND CASE WHEN len(@fixed.parse_ident(_name::VARCHAR)) = 1 THEN @in_path(r.nsp, r.place)
          ELSE lower(@fixed.parse_ident(_name::VARCHAR)[-2]) IN (lower(r.nspname), lower(r.place)) END)));
CREATE MACRO @regclass(_name) AS CASE WHEN _name IS NULL THEN NULL ELSE coalesce(@to_regclass(_name),
  error('relation "' || _name::VARCHAR || '" does not exist')) END;
CREATE MACRO @to_regnamespace(_name) AS coalesce(try_cast(_name::VARCHAR AS BIGINT),
  (SELECT oid FROM @pg_namespace WHERE nspname = @fixed.parse_ident(_name::VARCHAR)[-1]
   OR oid = 2200 AND @fixed.parse_ident(_name::VARCHAR)[-1] = 'main'));
CREATE MACRO @regnamespace(_name) AS CASE WHEN _name IS NULL THEN NULL ELSE coalesce(@to_regnamespace(_name),
  error('schema "' || _name::VARCHAR || '" does not exist')) END;
CREATE MACRO @type_by_name(_name) AS coalesce(try_cast(_name AS BIGINT), (
  SELECT min(oid) FROM @pg_type WHERE typname = CASE lower(regexp_replace(_name, '^pg_catalog\.|\([\d, ]+\)|"', '', 'g'))
    WHEN 'boolean' THEN 'bool' WHEN 'smallint' THEN 'int2' WHEN 'integer' THEN 'int4' WHEN 'int' THEN 'int4'
    WHEN 'bigint' THEN 'int8' WHEN 'real' THEN 'float4' WHEN 'double precision' THEN 'float8'
    WHEN 'character varying' THEN 'varchar' WHEN 'character' THEN 'bpchar' WHEN 'decimal' THEN 'numeric'
    WHEN 'time without time zone' THEN 'time' WHEN 'time with time zone' THEN 'timetz'
    WHEN 'timestamp without time zone' THEN 'timestamp' WHEN 'timestamp with time zone' THEN 'timestamptz'
    WHEN 'bit varying' THEN 'varbit'
    ELSE regexp_replace(lower(regexp_replace(_name, '^(pg_catalog|public|main)\.|\([\d, ]+\)|"', '', 'g')),
                        '^(.*)\[\]$', '_\1') END));
CREATE MACRO @to_regtype(_name) AS @type_by_name(_name::VARCHAR);
CREATE MACRO @regtype(_name) AS CASE WHEN _name IS NULL THEN NULL ELSE coalesce(@type_by_name(_name::VARCHAR),
  error('type "' || _name::VARCHAR || '" does not exist')) END;
CREATE MACRO @to_regproc(_name) AS coalesce(try_cast(_name::VARCHAR AS BIGINT),
  (SELECT min(oid) FROM @pg_proc WHERE proname = string_split(regexp_replace(_name::VARCHAR, '\(.*$', ''), '.')[-1]));
CREATE MACRO @regproc(_name) AS coalesce(@to_regproc(_name), 0);
CREATE MACRO @to_regprocedure(_name) AS @to_regproc(_name);
CREATE MACRO @regprocedure(_name) AS @regproc(_name);
CREATE MACRO @to_regrole(_name) AS coalesce(try_cast(_name::VARCHAR AS BIGINT),
  (SELECT oid FROM @pg_roles WHERE rolname = @fixed.parse_ident(_name::VARCHAR)[-1]));
CREATE MACRO @regrole(_name) AS @to_regrole(_name);
CREATE MACRO @regoper(_name) AS 0;
CREATE MACRO @regoperator(_name) AS 0;
CREATE MACRO @regcollation(_name) AS (SELECT oid FROM @pg_collation WHERE collname = @fixed.parse_ident(_name::VARCHAR)[-1]);

-- The other way: how PostgreSQL shows such a number, or whatever else is cast.
CREATE MACRO @regclass_text(_o) AS coalesce((
  SELECT CASE WHEN @in_path(nsp, place) THEN shown ELSE qualified END
  FROM @relation WHERE oid = try_cast(_o AS BIGINT)), CASE WHEN _o::VARCHAR = '0' THEN '-' ELSE _o::VARCHAR END);
CREATE MACRO @regnamespace_text(_o) AS coalesce((
  SELECT @fixed.quote_ident(nspname) FROM @pg_namespace WHERE oid = try_cast(_o AS BIGINT)), _o::VARCHAR);
CREATE MACRO @regtype_text(_o) AS CASE WHEN _o::VARCHAR = '0' THEN '-'
  ELSE coalesce(@format_type(try_cast(_o AS BIGINT), -1), _o::VARCHAR) END;
CREATE MACRO @regproc_text(_o) AS CASE WHEN _o::VARCHAR = '0' THEN '-' ELSE coalesce((
  SELECT any_value(proname) FROM @pg_proc WHERE oid = try_cast(_o AS BIGINT)), _o::VARCHAR) END;
CREATE MACRO @regprocedure_text(_o) AS @regproc_text(_o);
CREATE MACRO @regrole_text(_o) AS coalesce((
  SELECT rolname FROM @pg_roles WHERE oid = try_cast(_o AS BIGINT)), _o::VARCHAR);
CREATE MACRO @regoper_text(_o) AS _o::VARCHAR;
CREATE MACRO @regoperator_text(_o) AS _o::VARCHAR;
CREATE MACRO @regcollation_text(_o) AS coalesce((
  SELECT collname FROM @pg_collation WHERE oid = try_cast(_o AS BIGINT)), _o::VARCHAR);

CREATE MACRO @pg_table_is_visible(_o) AS _o::BIGINT IN (SELECT oid FROM @relation WHERE @in_path(nsp, place));
CREATE MACRO @pg_type_is_visible(_o) AS true;
CREATE MACRO @pg_function_is_visible(_o) AS _o::BIGINT IN
  (SELECT p.oid FROM @pg_proc p JOIN @file.namespace n ON n.oid = p.pronamespace
   WHERE @in_path(n.oid, n.schema_name));
CREATE MACRO @pg_opclass_is_visible(_o) AS true;
CREATE MACRO @pg_opfamily_is_visible(_o) AS true;
CREATE MACRO @pg_operator_is_visible(_o) AS true;
CREATE MACRO @pg_collation_is_visible(_o) AS true;
CREATE MACRO @pg_conversion_is_visible(_o) AS true;
CREATE MACRO @pg_statistics_obj_is_visible(_o) AS true;
CREATE MACRO @pg_ts_config_is_visible(_o) AS true;
CREATE MACRO @pg_ts_dict_is_visible(_o) AS true;
CREATE MACRO @pg_ts_parser_is_visible(_o) AS true;
CREATE MACRO @pg_ts_template_is_visible(_o) AS true;

CREATE MACRO @pg_get_expr(_expression, _relation) AS _expression,
  (_expression, _relation, _pretty) AS _expression;

CREATE MACRO @pg_get_constraintdef(_o) AS (SELECT definition FROM @constraint_text WHERE oid = _o::BIGINT),
  (_o, _pretty) AS (SELECT definition FROM @constraint_text WHERE oid = _o::BIGINT);

CREATE MACRO @pg_get_indexdef(_o) AS (SELECT definition FROM @index_text WHERE oid = _o::BIGINT),
  (_o, _part, _pretty) AS (SELECT CASE WHEN _part = 0 THEN definition ELSE parts[_part] END
                        FROM @index_text WHERE oid = _o::BIGINT);

CREATE MACRO @pg_get_viewdef(_o) AS (SELECT definition FROM @file.view WHERE oid = @to_regclass(_o)),
  (_o, _pretty) AS (SELECT definition FROM @file.view WHERE oid = @to_regclass(_o));
CREATE MACRO @pg_get_ruledef(_o) AS NULL::VARCHAR, (_o, _pretty) AS NULL::VARCHAR;
CREATE MACRO @pg_get_triggerdef(_o) AS NULL::VARCHAR, (_o, _pretty) AS NULL::VARCHAR;
CREATE MACRO @pg_get_partkeydef(_o) AS NULL::VARCHAR;
CREATE MACRO @pg_get_partition_constraintdef(_o) AS NULL::VARCHAR;
CREATE MACRO @pg_get_statisticsobjdef(_o) AS NULL::VARCHAR;
CREATE MACRO @pg_get_statisticsobjdef_columns(_o) AS NULL::VARCHAR;
CREATE MACRO @pg_get_function_arguments(_o) AS (
  SELECT any_value(array_to_string(proargnames, ', ')) FROM @pg_proc WHERE oid = _o::BIGINT);
CREATE MACRO @pg_get_function_identity_arguments(_o) AS (
  SELECT any_value(array_to_string(proargnames, ', ')) FROM @pg_proc WHERE oid = _o::BIGINT);
CREATE MACRO @pg_get_function_result(_o) AS (
  SELECT any_value(CASE WHEN proretset THEN 'SETOF record' ELSE @regtype_text(prorettype) END)
  FROM @pg_proc WHERE oid = _o::BIGINT);
CREATE MACRO @pg_get_function_sqlbody(_o) AS NULL::VARCHAR;
CREATE MACRO @pg_get_functiondef(_o) AS (
  SELECT any_value('CREATE MACRO ' || @fixed.quote_ident(proname) || '(' || array_to_string(argnames, ', ') || ') AS '
    || CASE WHEN is_set THEN 'TABLE ' ELSE '' END || source || chr(10)) FROM @file.function WHERE oid = @to_regproc(_o));
CREATE MACRO @pg_get_serial_sequence(_t, _c) AS (
  SELECT any_value(n.nspname || '.' || @fixed.quote_ident(r.relname)) FROM @pg_depend d JOIN @relation r ON r.oid = d.objid
  JOIN @pg_namespace n ON n.oid = r.nsp JOIN @file.column a ON a.relid = d.refobjid AND a.attnum = d.refobjsubid
  WHERE r.relkind = 'S' AND d.refobjid = @to_regclass(_t) AND a.attname = _c);
CREATE MACRO @pg_get_keywords() AS TABLE
  SELECT keyword_name AS word, CASE keyword_category WHEN 'reserved' THEN 'R' WHEN 'unreserved' THEN 'U'
    WHEN 'column_name' THEN 'C' ELSE 'T' END AS catcode, true AS barelabel, keyword_category AS catdesc,
    'can be bare label' AS baredesc FROM duckdb_keywords();

CREATE MACRO @obj_description(_o) AS (
  SELECT any_value(description) FROM @pg_description WHERE objoid = _o::BIGINT AND objsubid = 0),
  (_o, _catalog) AS (SELECT any_value(description) FROM @pg_description
    WHERE objoid = _o::BIGINT AND objsubid = 0 AND classoid = @catalog_oid(_catalog));
CREATE MACRO @col_description(_o, _n) AS (
  SELECT any_value(description) FROM @pg_description
  WHERE objoid = _o::BIGINT AND objsubid = _n AND classoid = 1259 AND _n <> 0);
CREATE MACRO @shobj_description(_o, _catalog) AS NULL::VARCHAR;

-- By number, which needs no look at names, or by name.
CREATE MACRO @pg_table_size(_o BIGINT) AS (SELECT any_value(bytes) FROM @relation_bytes WHERE oid = _o),
  (_o VARCHAR) AS (SELECT any_value(bytes) FROM @relation_bytes WHERE oid = @to_regclass(_o));
CREATE MACRO @pg_total_relation_size(_o BIGINT) AS (SELECT any_value(bytes) FROM @relation_bytes WHERE oid = _o),
  (_o VARCHAR) AS (SELECT any_value(bytes) FROM @relation_bytes WHERE oid = @to_regclass(_o));
CREATE MACRO @pg_relation_size(_o BIGINT) AS (SELECT any_value(bytes) FROM @relation_bytes WHERE oid = _o),
  (_o VARCHAR) AS (SELECT any_value(bytes) FROM @relation_bytes WHERE oid = @to_regclass(_o)),
  (_o, _fork) AS (SELECT any_value(CASE WHEN _fork = 'main' THEN bytes ELSE 0 END) FROM @relation_bytes
                  WHERE oid = @to_regclass(_o));
CREATE MACRO @pg_indexes_size(_o) AS 0::BIGINT;
CREATE MACRO @pg_database_size(_name) AS (
  SELECT any_value(total_blocks * block_size) FROM pragma_database_size() WHERE database_name = current_database());
CREATE MACRO @pg_tablespace_size(_name) AS (
  SELECT any_value(total_blocks * block_size) FROM pragma_database_size() WHERE database_name = current_database());
CREATE MACRO @pg_tablespace_location(_o) AS '';
CREATE MACRO @pg_tablespace_databases(_o) AS 5;
CREATE MACRO @pg_size_pretty(_bytes) AS CASE
  WHEN abs(_bytes::HUGEINT) < 10240 THEN _bytes::HUGEINT || ' bytes'
  WHEN abs(_bytes::HUGEINT) < 10485248 THEN round(_bytes / 1024.0)::BIGINT || ' kB'
  WHEN abs(_bytes::HUGEINT) < 10736893952 THEN round(_bytes / 1048576.0)::BIGINT || ' MB'
  WHEN abs(_bytes::HUGEINT) < 10994579406848 THEN round(_bytes / 1073741824.0)::BIGINT || ' GB'
  ELSE round(_bytes / 1099511627776.0)::BIGINT || ' TB' END;

CREATE MACRO @pg_encoding_to_char(_e) AS CASE _e WHEN 6 THEN 'UTF8' WHEN 0 THEN 'SQL_ASCII' ELSE '' END;
CREATE MACRO @pg_char_to_encoding(_e) AS CASE WHEN replace(upper(_e), '-', '') = 'UTF8' THEN 6 ELSE -1 END;
CREATE MACRO @getdatabaseencoding() AS 'UTF8';
CREATE MACRO @pg_client_encoding() AS 'UTF8';
CREATE MACRO @pg_is_in_recovery() AS false;
CREATE MACRO @pg_is_wal_replay_paused() AS false;
CREATE MACRO @pg_is_other_temp_schema(_o) AS false;
CREATE MACRO @pg_my_temp_schema() AS 16383::BIGINT;
CREATE MACRO @pg_conf_load_time() AS @pg_postmaster_start_time();
CREATE MACRO @pg_partition_root(_o) AS NULL::BIGINT;
CREATE MACRO @pg_partition_ancestors(_o) AS unnest([]::BIGINT[]);
CREATE MACRO @pg_relation_is_publishable(_o) AS false;
CREATE MACRO @pg_relation_filenode(_o) AS @to_regclass(_o);
CREATE MACRO @pg_relation_is_updatable(_o, _triggers) AS CASE WHEN (
  SELECT any_value(relkind) FROM @relation WHERE oid = @to_regclass(_o)) = 'r' THEN 28 ELSE 0 END;
CREATE MACRO @pg_column_is_updatable(_o, _n, _triggers) AS @pg_relation_is_updatable(_o, _triggers) <> 0;
CREATE MACRO @pg_index_column_has_property(_i, _n, _p) AS _p IN ('asc', 'nulls_last', 'orderable', 'search_array',
  'search_nulls', 'returnable');
CREATE MACRO @pg_index_has_property(_i, _p) AS _p = 'index_scan';
CREATE MACRO @pg_indexam_has_property(_a, _p) AS _p IN ('can_unique', 'can_multi_col', 'can_order');
CREATE MACRO @pg_describe_object(_c, _o, _n) AS @regclass_text(_o);
CREATE MACRO @pg_stat_get_numscans(_o) AS 0::BIGINT;
CREATE MACRO @pg_stat_get_live_tuples(_o) AS (SELECT any_value(reltuples)::BIGINT FROM @relation WHERE oid = _o::BIGINT);
CREATE MACRO @pg_stat_get_dead_tuples(_o) AS 0::BIGINT;
CREATE MACRO @pg_get_replica_identity_index(_o) AS NULL::BIGINT;
CREATE MACRO @pg_export_snapshot() AS error('snapshots cannot be exported');
CREATE MACRO @pg_options_to_table(_options) AS TABLE
  SELECT string_split(o, '=')[1] AS option_name, string_split(o, '=')[2] AS option_value
  FROM (SELECT unnest(_options::VARCHAR[]) AS o);
CREATE MACRO @aclexplode(_acl) AS unnest([]::STRUCT(grantor BIGINT, grantee BIGINT, privilege_type VARCHAR,
                                                    is_grantable BOOLEAN)[]);
CREATE MACRO @acldefault(_kind, _owner) AS NULL::VARCHAR[];
CREATE MACRO @pg_expandarray(_a) AS unnest(list_transform(_a, (x, i) -> {'x': x, 'n': i}));
CREATE MACRO @_pg_expandarray(_a) AS unnest(list_transform(_a, (x, i) -> {'x': x, 'n': i}));
CREATE MACRO @_pg_char_max_length(_t, _m) AS NULL::INTEGER;
CREATE MACRO @_pg_numeric_precision(_t, _m) AS CASE WHEN _t = 1700 AND _m > 4 THEN (_m - 4) >> 16 END;
CREATE MACRO @_pg_numeric_scale(_t, _m) AS CASE WHEN _t = 1700 AND _m > 4 THEN (_m - 4) & 2047 END;
CREATE MACRO @_pg_datetime_precision(_t, _m) AS CASE WHEN _t IN (1083, 1114, 1184, 1266) THEN 6 END;
CREATE MACRO @array_upper(_a, _d) AS CASE WHEN _d = 1 AND len(_a) > 0 THEN len(_a)::INTEGER END;
CREATE MACRO @array_lower(_a, _d) AS CASE WHEN _d = 1 AND len(_a) > 0 THEN 1 END;
CREATE MACRO @array_ndims(_a) AS CASE WHEN len(_a) > 0 THEN 1 END;
CREATE MACRO @cardinality(_a) AS len(_a)::INTEGER;
CREATE MACRO @array_remove(_a, _v) AS list_filter(_a, x -> x IS DISTINCT FROM _v);
CREATE MACRO @array_replace(_a, _f, _t) AS list_transform(_a, x -> CASE WHEN x IS NOT DISTINCT FROM _f THEN _t ELSE x END);
CREATE MACRO @btrim(_s) AS trim(_s), (_s, _chars) AS trim(_s, _chars);
CREATE MACRO @txid_current() AS system.main.txid_current();
CREATE MACRO @pg_current_xact_id() AS system.main.txid_current();
CREATE MACRO @pg_current_wal_lsn() AS '0/0';
CREATE MACRO @pg_last_wal_receive_lsn() AS NULL::VARCHAR;
CREATE MACRO @pg_last_wal_replay_lsn() AS NULL::VARCHAR;
CREATE MACRO @pg_last_xact_replay_timestamp() AS NULL::TIMESTAMPTZ;
CREATE MACRO @pg_blocking_pids(_pid) AS []::INTEGER[];
CREATE MACRO @icu_version() AS NULL::VARCHAR;
CREATE MACRO @pg_collation_actual_version(_o) AS NULL::VARCHAR;
CREATE MACRO @pg_listening_channels() AS unnest([]::VARCHAR[]);
CREATE MACRO @pg_jit_available() AS false;
CREATE MACRO @pg_has_role(_role, _privilege) AS true, (_u, _role, _privilege) AS true;

-- Whoever is connected may do everything with the file, as its owner may: so all of these say yes, and NULL for what
-- is not there where PostgreSQL would.
CREATE MACRO @has_table_privilege(_o, _p) AS CASE WHEN @to_regclass(_o) IN (SELECT oid FROM @relation) THEN true END,
  (_u, _o, _p) AS CASE WHEN @to_regclass(_o) IN (SELECT oid FROM @relation) THEN true END;
CREATE MACRO @has_sequence_privilege(_o, _p) AS CASE WHEN @to_regclass(_o) IN (SELECT oid FROM @relation) THEN true END,
  (_u, _o, _p) AS CASE WHEN @to_regclass(_o) IN (SELECT oid FROM @relation) THEN true END;
CREATE MACRO @has_any_column_privilege(_o, _p) AS _o IS NOT NULL, (_u, _o, _p) AS _o IS NOT NULL;
CREATE MACRO @has_schema_privilege(_o, _p) AS _o IS NOT NULL, (_u, _o, _p) AS _o IS NOT NULL;
CREATE MACRO @has_database_privilege(_o, _p) AS _o IS NOT NULL, (_u, _o, _p) AS _o IS NOT NULL;
CREATE MACRO @has_function_privilege(_o, _p) AS _o IS NOT NULL, (_u, _o, _p) AS _o IS NOT NULL;
CREATE MACRO @has_type_privilege(_o, _p) AS _o IS NOT NULL, (_u, _o, _p) AS _o IS NOT NULL;
CREATE MACRO @has_language_privilege(_o, _p) AS _o IS NOT NULL, (_u, _o, _p) AS _o IS NOT NULL;
CREATE MACRO @has_tablespace_privilege(_o, _p) AS _o IS NOT NULL, (_u, _o, _p) AS _o IS NOT NULL;
CREATE MACRO @has_server_privilege(_o, _p) AS _o IS NOT NULL, (_u, _o, _p) AS _o IS NOT NULL;
CREATE MACRO @has_foreign_data_wrapper_privilege(_o, _p) AS _o IS NOT NULL, (_u, _o, _p) AS _o IS NOT NULL;
CREATE MACRO @has_parameter_privilege(_o, _p) AS _o IS NOT NULL, (_u, _o, _p) AS _o IS NOT NULL;
CREATE MACRO @has_column_privilege(_t, _c, _p) AS true, (_u, _t, _c, _p) AS true;
CREATE MACRO @row_security_active(_o) AS false;
