// postgres.js: one line for each check, "name ok" or "name FAILED why".
const fs = require("fs");
const assert = require("assert");
const postgres = require("postgres");

const address = {
  host: "localhost", port: Number(process.env.PGPORT), username: process.env.PGUSER, password: process.env.PGPASSWORD,
  database: process.env.PGDATABASE, max: 4, onnotice: () => {},
};
const open = (more = {}) => postgres({ ...address, ssl: false, ...more });
const sql = open();

async function check(name, body) {
  try {
    await body();
    console.log(name, "ok");
  } catch (problem) {
    console.log(name, "FAILED", String(problem.message || problem).replace(/\s+/g, " "));
  }
}

async function main() {
  await check("password", async () => assert.deepStrictEqual([...(await sql`select 1 as a`)], [{ a: 1 }]));
  await check("tls", async () => {
    const over = open({ ssl: { ca: fs.readFileSync(process.env.MERGANSER_CA), servername: "localhost" } });
    assert.strictEqual((await over`select 1 as a`)[0].a, 1);
    await over.end();
  });
  await check("wrong_password", async () => {
    const wrong = open({ password: "wrong" });
    await assert.rejects(wrong`select 1`, { code: "28P01" });
    await wrong.end();
  });
  await check("types", async () => {
    const at = new Date("2024-02-29T01:02:03.456Z");
    const [row] = await sql`select ${42}::int as i, ${"Grüße 世🦆"}::text as s, ${true}::boolean as t, ${0.25}::float8 as f,
      ${at}::timestamptz as at, ${Buffer.from([0, 255])}::bytea as y, ${null}::text as n, ${"12.50"}::numeric(10,2) as m`;
    assert.deepStrictEqual([row.i, row.s, row.t, row.f, row.n, row.m], [42, "Grüße 世🦆", true, 0.25, null, "12.50"]);
    assert.strictEqual(row.at.getTime(), at.getTime());
    assert.ok(row.y.equals(Buffer.from([0, 255])));
  });
  await check("arrays", async () => {
    const [row] = await sql`select ${sql.array([1, 2, 3])}::int[] as l, ${["a,b", '"q"']}::text[] as t`;
    assert.deepStrictEqual([row.l, row.t], [[1, 2, 3], ["a,b", '"q"']]);
    assert.strictEqual((await sql`select g from generate_series(1, 9) r(g) where g = any(${[2, 5, 11]}::int[])`).length, 2);
  });
  await check("inserts", async () => {
    await sql`drop table if exists pj`;
    await sql`create table pj(i int primary key, s text)`;
    const rows = Array.from({ length: 500 }, (_, i) => ({ i, s: i % 2 ? "row " + i : null }));
    const done = await sql`insert into pj ${sql(rows, "i", "s")} returning i`;
    assert.strictEqual(done.length, 500);
    await assert.rejects(sql`insert into pj values (7, 'x')`, { code: "23505" });
  });
  await check("transactions", async () => {
    await assert.rejects(sql.begin(async (tx) => {
      await tx`insert into pj values (1000, 'x')`;
      throw new Error("stop");
    }), /stop/);
    await sql.begin(async (tx) => [await tx`insert into pj values (1001, 'x')`]);
    assert.strictEqual(Number((await sql`select count(*) as n from pj where i >= 1000`)[0].n), 1);
  });
  await check("savepoints", async () => {
    await sql.begin(async (tx) => {
      await tx.savepoint(async (inner) => {
        await inner`insert into pj values (2000, 'x')`;
        throw new Error("stop");
      }).catch(() => {});
      await tx`insert into pj values (2001, 'x')`;
    });
    assert.strictEqual(Number((await sql`select count(*) as n from pj where i >= 2000`)[0].n), 1);
  });
  await check("cursor", async () => {
    let sum = 0, pieces = 0;
    for await (const rows of sql`select g from generate_series(1, 1000) as r(g)`.cursor(300)) {
      pieces++;
      for (const row of rows) sum += Number(row.g);
    }
    assert.deepStrictEqual([sum, pieces], [500500, 4]);
  });
  await check("cancel", async () => {
    const query = sql`select count(*) from generate_series(1, 1000000) a(x), generate_series(1, 1000000) b(y)
      where (x * y) % 7919 = 7`;
    setTimeout(() => query.cancel(), 500);
    await assert.rejects(query, { code: "57014" });
  });
  await check("copy_out", async () => {
    const stream = await sql`copy (values (1, 'a'), (2, null)) to stdout`.readable();
    let text = "";
    for await (const piece of stream) text += piece;
    assert.strictEqual(text, "1\ta\n2\t\\N\n");
  });
  await check("copy_in", async () => {
    const stream = await sql`copy pj from stdin`.writable();
    await new Promise((done, failed) => {
      stream.on("finish", done).on("error", failed);
      stream.end("3000\tx\n3001\t\\N\n");
    });
    assert.strictEqual(Number((await sql`select count(*) as n from pj where i >= 3000`)[0].n), 2);
  });
  await check("listen", async () => {
    const heard = await new Promise((done, failed) => {
      setTimeout(() => failed(new Error("nothing heard")), 10000).unref();
      sql.listen("news", done).then(() => sql.notify("news", "hello"), failed);
    });
    assert.strictEqual(heard, "hello");
  });
  process.exit(0);
}

main();
