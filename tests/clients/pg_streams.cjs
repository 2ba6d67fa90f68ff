// pg-cursor and pg-query-stream: a result in pieces (suspended portals). Prints one JSON object.
const { Client } = require('pg');
const Cursor = require('pg-cursor');
const QueryStream = require('pg-query-stream');

async function main() {
  const client = new Client();
  await client.connect();
  const out = {};
  const sql = 'select g as i from generate_series(1, $1::bigint) as r(g)';

  const cursor = client.query(new Cursor(sql, [1000]));
  out.cursor = [];
  for (;;) {
    const rows = await cursor.read(300);
    if (rows.length === 0) break;
    out.cursor.push([rows.length, Number(rows[0].i)]);
  }
  await cursor.close();

  const early = client.query(new Cursor(sql, [100000]));
  out.early = (await early.read(5)).length;
  await early.close();
  out.after_close = (await client.query('select 1 as one')).rows[0].one;

  let count = 0;
  let total = 0;
  for await (const row of client.query(new QueryStream(sql, [50000], { batchSize: 777 }))) {
    count += 1;
    total += Number(row.i);
  }
  out.stream = [count, total];

  let left = 0;
  for await (const row of client.query(new QueryStream(sql, [50000], { batchSize: 100 }))) {
    left = Number(row.i);
    if (left === 250) break;
  }
  out.left = left;
  out.after_stream = (await client.query('select 2 as two')).rows[0].two;
  await client.end();
  console.log(JSON.stringify(out));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
