"""After the owner has left: plain DuckDB opens the file and looks for every acknowledged row.

Run as a process of its own: check.py FILE DATA-FOLDER ACKS… . Prints its findings; exit code 1 when one is bad.
"""

import sys

import duckdb

# One line an acknowledgement; see worker.py.
ACK_COLUMNS = "{'what': 'VARCHAR', 'a': 'VARCHAR', 'b': 'VARCHAR', 'c': 'BIGINT'}"


class Check:
    def __init__(self, connection):
        self.connection = connection
        self.bad = 0

    def say(self, ok, text):
        print(f"   {'ok ' if ok else 'BAD'} {text}", flush=True)
        self.bad += not ok

    def one(self, sql):
        return self.connection.execute(sql).fetchone()[0]

    def rows(self, table, key, source):
        """Each acknowledged line of the data is in the table, with the values that the data has."""
        sql = self.connection.execute
        sql("CREATE OR REPLACE TEMP TABLE acked AS SELECT DISTINCT unnest(range(a::BIGINT, b::BIGINT + 1)) AS line "
            f"FROM acks WHERE what = '{table}'")
        acknowledged = self.one("SELECT count(*) FROM acked")
        columns = [
            name
            for (name,) in sql(f"SELECT column_name FROM duckdb_columns() WHERE table_name = '{table}' "
                               "AND database_name = 'checked' AND column_name <> 'id' ORDER BY column_index").fetchall()
        ]
        listed = ", ".join(columns)
        sql(f"CREATE OR REPLACE TEMP VIEW wanted AS SELECT s.* FROM ({source}) s JOIN acked USING (line)")
        # The data is cast to the table's own types, so both sides compare as values.
        types = dict(sql(f"SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = '{table}' "
                         "AND database_name = 'checked'").fetchall())
        casts = ", ".join(f"CAST({name} AS {types[name]}) AS {name}" for name in columns)
        found = self.one(f"SELECT count(*) FROM wanted JOIN checked.{table} t ON t.{key} = wanted.{key}")
        self.say(found == acknowledged, f"{table}: {found:,} of {acknowledged:,} acknowledged rows are there")
        different = self.one(
            f"SELECT count(*) FROM (SELECT {casts} FROM wanted EXCEPT ALL SELECT {listed} FROM checked.{table})"
        )
        self.say(different == 0, f"{table}: {different} of them differ from the data set")
        more = self.one(f"SELECT count(*) FROM checked.{table}") - found
        self.say(more == 0, f"{table}: {more} rows that nobody was told of")
        return acknowledged

    def totals(self):
        additions = "SELECT a, b, sum(c)::BIGINT FROM acks WHERE what = 'totals' GROUP BY a, b ORDER BY a, b"
        for column, origin, wanted in self.connection.execute(additions).fetchall():
            found = self.one(f"SELECT {column} FROM checked.totals WHERE origin = '{origin}'")
            self.say(found == wanted, f"totals: {origin} {column} is {found:,}, acknowledged additions make {wanted:,}")


def main():
    file, data, *acks = sys.argv[1:]
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"ATTACH '{file}' AS checked (READ_ONLY)")
    connection.execute(
        f"CREATE TEMP TABLE acks AS FROM read_csv(?, columns = {ACK_COLUMNS}, header = false, null_padding = true, "
        "auto_detect = false, delim = ',')",
        [acks],
    )
    check = Check(connection)
    acknowledged = {}
    for table, key in (("flights", "id"), ("weather", "id"), ("airports", "faa")):
        number = "row_number() OVER () AS line" + (", row_number() OVER () AS id" if key == "id" else "")
        # NA and \\N are what the data has for nothing.
        source = (
            f"SELECT {number}, * FROM read_csv('{data}/{table}.csv', nullstr = ['NA', '\\N', ''], "
            "all_varchar = true, header = true)"
        )
        acknowledged[table] = check.rows(table, key, source)
    check.totals()
    if not acknowledged["flights"]:
        check.say(False, "not a single flight was acknowledged")
    return 1 if check.bad else 0


if __name__ == "__main__":
    sys.exit(main())
