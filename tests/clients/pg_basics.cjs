// node-postgres: parameters, named (prepared) statements, transactions, errors, types. Prints one JSON object.
const { Client, Pool } = require('pg');

async function main() {
  const client = new Client();
  await client.connect();
  const out = {};
  await client.query('create table node_basics(i bigint primary key, s varchar, seen timestamptz, n decimal(10,2), ok boolean)');

  const row = [1, "it's é", new Date('2024-01-02T03:04:05.678Z'), '12.50', true];
  const inserted = await client.query('insert into node_basics values ($1, $2, $3, $4, $5)', row);
  out.inserted = [inserted.command, inserted.rowCount];

  const named = { name: 'by-id', text: 'select i, s, seen, n, ok from node_basics where i = $1' };
  out.prepared = [];
  for (const id of [1, 2, 1]) out.prepared.push((await client.query({ ...named, values: [id] })).rows);

  const several = await client.query('select 1 as a; select 2 as b');
  out.several = several.map((result) => result.rows);

  const arrays = await client.query({ text: 'select 1 as x, 2 as x', rowMode: 'array' });
  out.arrays = arrays.rows;

  try {
    await client.query('insert into node_basics(i) values ($1)', [1]);
  } catch (error) {
    out.duplicate = error.code;
  }
  try {
    await client.query('selec');
  } catch (error) {
    out.syntax = [error.code, error.position];
  }

  await client.query('begin');
  await client.query('insert into node_basics(i) values (2)');
  await client.query('rollback');
  out.after_rollback = (await client.query('select count(*)::int as n from node_basics')).rows[0].n;

  out.types = (
    await client.query({
      text: 'select array[1,2,null] as list, null as nothing, 1.5::float8 as f, date \'2024-02-29\' as d, \'{"k":1}\'::json as j',
      types: { getTypeParser: (oid, format) => (oid === 1082 ? (text) => text : require('pg').types.getTypeParser(oid, format)) },
    })
  ).rows[0];
  await client.end();

  const pool = new Pool({ max: 5 });
  await Promise.all(Array.from({ length: 100 }, (_, k) => pool.query('insert into node_basics(i) values ($1)', [100 + k])));
  out.pooled = (await pool.query('select count(*)::int as n, sum(i)::int as s from node_basics where i >= 100')).rows[0];
  await pool.query('drop table node_basics');
  await pool.end();
  console.log(JSON.stringify(out));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
