"""Statements with which one client could stop or change everything for all. {t} is a table, {db} the database's name.

They are answered with 42501 or 0A000; what is no SQL at all in its place may be a syntax error.
"""

# Statement types and names.
STATEMENTS = r"""
ATTACH ':memory:'
ATTACH ':memory:' AS other
attach '/tmp/other.duckdb' as other
ATTACH DATABASE IF NOT EXISTS ':memory:' AS other
DETACH {db}
DETACH DATABASE IF EXISTS {db}
detach memory
USE memory
USE memory.main
ALTER DATABASE {db} SET ALIAS TO other
alter database "{db}" set alias to other
FORCE CHECKPOINT
FORCE CHECKPOINT {db}
PRAGMA force_checkpoint
PRAGMA enable_profiling
PRAGMA enable_verification
PRAGMA disable_optimizer
PRAGMA disable_checkpoint_on_shutdown
PRAGMA disable_object_cache
PRAGMA verify_parallelism
PRAGMA threads = 1
PRAGMA memory_limit = '1MB'
PRAGMA database_list; CALL enable_logging()
PRAGMA import_database('/tmp')
PRAGMA copy_database('a', 'b')
PRAGMA json_execute_serialized_sql(json_serialize_sql('select * from enable_logging()'))
CALL enable_logging()
CALL enable_logging(level = 'debug')
CALL enable_logging(storage = 'file', storage_path = '/tmp/merganser-test-log')
CALL disable_logging()
CALL truncate_duckdb_logs()
CALL force_checkpoint('{db}')
CALL query('select 1')
SET GLOBAL threads = 1
SET threads = 1
SET memory_limit = '1MB'
SET max_memory = '1MB'
SET enable_external_access = true
SET lock_configuration = false
SET allowed_directories = ['/']
SET temp_directory = '/tmp'
SET enable_logging = true
SET checkpoint_threshold = '1KB'
SET wal_autocheckpoint = '1KB'
SET default_block_size = 16384
SET disabled_optimizers = 'filter_pushdown'
SET GLOBAL TimeZone = 'Asia/Tokyo'
SET errors_as_json = false
SET schema = 'memory.main'
SET search_path = 'memory.main'
RESET GLOBAL threads
RESET enable_external_access
RESET lock_configuration
INSTALL httpfs
LOAD httpfs
FORCE INSTALL httpfs
UPDATE EXTENSIONS
CREATE SECRET s (TYPE http)
CREATE PERSISTENT SECRET s (TYPE http)
DROP SECRET s
EXPORT DATABASE '/tmp/merganser-test-export'
IMPORT DATABASE '/tmp/merganser-test-export'
COPY {t} TO '/tmp/merganser-test-copy.csv'
COPY (SELECT 1) TO '/tmp/merganser-test-copy.parquet' (FORMAT parquet)
COPY {t} FROM '/etc/passwd'
COPY FROM DATABASE {db} TO memory
CREATE TABLE memory.main.elsewhere(i INTEGER)
CREATE TABLE memory.elsewhere(i INTEGER)
CREATE SCHEMA memory.elsewhere
CREATE VIEW memory.main.elsewhere AS SELECT 1
CREATE OR REPLACE MACRO system.main.lower(x) AS 'changed'
CREATE MACRO memory.main.mine(x) AS x
CREATE TABLE system.main.elsewhere(i INTEGER)
DROP SCHEMA memory.main CASCADE
INSERT INTO memory.main.elsewhere VALUES (1)
"""

# Ways to write a call. {f} is a call such as enable_logging().
CALLS = r"""
CALL {f}
call {F}
CaLl\t\n{f}
/* a */ CALL /* b */ {f} -- c
-- first\nCALL {f}
;;CALL {f}
SELECT 1; CALL {f}
SELECT * FROM {f}
FROM {f}
(SELECT * FROM {f})
TABLE {t} UNION ALL SELECT 1 FROM {f}
SELECT * FROM {F}
SELECT * FROM/**/{f}
SELECT * FROM {t}, {f}
SELECT * FROM {t} JOIN {f} ON true
SELECT * FROM {t}, LATERAL (SELECT * FROM {f}) l
WITH x AS (SELECT * FROM {f}) SELECT * FROM x
WITH x AS MATERIALIZED (FROM {f}) FROM x
WITH x AS (FROM {f}) INSERT INTO {t} SELECT 1 FROM x
SELECT (SELECT count(*) FROM {f})
SELECT 1 WHERE EXISTS (FROM {f})
SELECT 1 ORDER BY (SELECT count(*) FROM {f})
SELECT * FROM query('SELECT * FROM {f}')
SELECT * FROM query('SELECT * ' || 'FROM {f}')
SELECT * FROM query('SELECT * FR' || chr(79) || 'M {f}')
SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM {f}'))
EXPLAIN ANALYZE SELECT * FROM {f}
EXPLAIN ANALYZE CALL {f}
EXPLAIN SELECT * FROM {f}
DESCRIBE SELECT * FROM {f}
SUMMARIZE SELECT * FROM {f}
PIVOT (FROM {f}) ON 1
CREATE TABLE {t}_x AS FROM {f}
CREATE TEMP TABLE {t}_x AS FROM {f}
CREATE VIEW {t}_x AS SELECT * FROM {f}
CREATE TEMP VIEW {t}_x AS SELECT * FROM {f}
CREATE MACRO {t}_x() AS TABLE SELECT * FROM {f}
CREATE TEMP MACRO {t}_x() AS TABLE SELECT * FROM {f}
CREATE MACRO {t}_x() AS (SELECT count(*) FROM {f})
INSERT INTO {t} SELECT 1 FROM {f}
UPDATE {t} SET i = 1 FROM {f}
DELETE FROM {t} USING {f}
MERGE INTO {t} USING (SELECT 1 AS j FROM {f}) x ON {t}.i = x.j WHEN MATCHED THEN DELETE
PREPARE {t}_x AS SELECT * FROM {f}
PREPARE {t}_x AS CALL {f}
COPY (FROM {f}) TO '/tmp/merganser-test-copy.csv'
"""

# Ways to hide a call from who reads the text otherwise than DuckDB does: strings, comments, spaces, names, numbers.
HIDDEN = [
    r"select '\', (select count(*) from {f}) --'",
    r"select E'\'', (select count(*) from {f}) --'",
    "select E'a'\n'\\'', (select count(*) from {f}) --'",
    "select E'a' -- b\n'\\'', (select count(*) from {f}) --'",
    "select 'a'\n'\\', (select count(*) from {f}) --'",
    "select 1 --\r, (select count(*) from {f})",
    "select 1/*'*/, (select count(*) from {f}) /*'*/",
    "select 1--'\n, (select count(*) from {f}) --'",
    "select '--', (select count(*) from {f})",
    "select '/*', (select count(*) from {f})",
    "/* /* */ */ select count(*) from {f}",
    'select "--" from (select 1 as "--"), {f}',
    "select \"'\" from (select 1 as \"'\"), {f} where '' = ''",
    "select 1 as a$$ , (select count(*) from {f}) as b$$",
    "select 1 as a$x$ , (select count(*) from {f}) as b$x$",
    "select $x$ $$ $x$ , (select count(*) from {f})",
    "select 1 as é$$, (select count(*) from {f}) as b$$",
    "select 1from {f}",
    "select .5from {f}",
    "select 0x1from {f}",
    "select*from {f}",
    "select\u00a0count(*)\u00a0from\u00a0{f}",
    "select count(*) from {n}\u00a0()",
    "select count(*) from\u2003{n}\u3000()",
    "select count(*) from {n}\x0b()",
    "select count(*) from {n}\x0c()",
    "CALL\u00a0{n}()",
    "\ufeffselect count(*) from {f}",
    "select count(*) from system . main . {f}",
    "select x'61', (select count(*) from {f})",
    "select 1;\u00a0;select count(*) from {f}",
]

# Names that must not be called, in every spelling DuckDB accepts.
NAMES = [
    "enable_logging()",
    '"enable_logging"()',
    "enable_logging ()",
    "enable_logging/* */()",
    "main.enable_logging()",
    "system.main.enable_logging()",
    '"system"."main"."enable_logging"()',
    "enable_logging('FileSystem', level := 'debug')",
]

OTHER_FUNCTIONS = [
    "disable_logging()",
    "truncate_duckdb_logs()",
    "force_checkpoint('{db}')",
    "enable_profiling()",
    "disable_profiling()",
    "arrow_scan(1, 2, 3)",
    "arrow_scan_dumb(1, 2, 3)",
    "duckdb_logs()",
]


def lines(text):
    """One statement a line; \\n and \\t stand for themselves as in Python."""
    return [line.encode().decode("unicode_escape") for line in text.strip().splitlines()]
