// node-postgres: a pool of eight connections, each of which inserts one flight at a time by a prepared statement.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const readline = require('node:readline');
const { parseArgs } = require('node:util');
const { Pool } = require('pg');

const CONNECTIONS = 8;
const ROWS_PER_UPDATE = 25;
const PROGRESS_INTERVAL_MS = 500;
const KEPT_ERRORS = 3;
const COLUMNS = 20;
const ORIGIN = 13;
const INSERT = {
  name: 'flight',
  text: `INSERT INTO flights VALUES (${Array.from({ length: COLUMNS }, (_, i) => `$${i + 1}`).join(', ')})`,
};
const UPDATE = { name: 'total', text: 'UPDATE totals SET flights = flights + $1 WHERE origin = $2' };
const SELECT = { name: 'back', text: 'SELECT carrier, dest FROM flights WHERE id = $1' };

const { values: options } = parseArgs({
  options: Object.fromEntries(
    ['merganser', 'file', 'acks', 'data', 'first', 'last', 'seconds'].map((name) => [name, { type: 'string' }])),
});
const counts = { rows: 0, updates: 0, reads: 0, errors: 0 };
const writeMs = [];
const readMs = [];
const firstErrors = [];
const acks = fs.openSync(options.acks, 'w');
let deadline = 0;

function acknowledged(...words) {
  fs.writeSync(acks, words.join(',') + '\n');
}

function failed(error) {
  counts.errors += 1;
  if (firstErrors.length < KEPT_ERRORS) firstErrors.push(`${error.code ?? ''}: ${error.message}`);
}

async function timed(samples, work) {
  const start = process.hrtime.bigint();
  const result = await work();
  samples.push(Number(process.hrtime.bigint() - start) / 1e6);
  return result;
}

// The rows of this process' share of the data, handed out one by one to whichever connection asks.
async function* flights() {
  const lines = readline.createInterface({ input: fs.createReadStream(`${options.data}/flights.csv`) });
  let number = 0;
  for await (const line of lines) {
    if (number >= Number(options.first) && number <= Number(options.last)) {
      yield [number, ...line.split(',').map((cell) => (cell === 'NA' || cell === '' ? null : cell))];
    }
    number += 1;
    if (number > Number(options.last)) return;
  }
}

async function addToTotals(client, perOrigin) {
  for (const [origin, count] of Object.entries(perOrigin)) {
    await timed(writeMs, () => client.query({ ...UPDATE, values: [count, origin] }));
    counts.updates += 1;
    acknowledged('totals', 'flights', origin, count);
  }
}

async function readBack(client, row) {
  const result = await timed(readMs, () => client.query({ ...SELECT, values: [row[0]] }));
  counts.reads += 1;
  if (result.rows.length !== 1 || result.rows[0].dest !== row[ORIGIN + 1]) {
    failed(new Error(`wrote flight ${row[0]} and read ${JSON.stringify(result.rows)}`));
  }
}

async function writeRows(client, rows) {
  let perOrigin = {};
  let waiting = 0;
  while (Date.now() < deadline) {
    const { value: row, done } = await rows.next();
    if (done) break;
    await timed(writeMs, () => client.query({ ...INSERT, values: row }));
    counts.rows += 1;
    acknowledged('flights', row[0], row[0]);
    perOrigin[row[ORIGIN]] = (perOrigin[row[ORIGIN]] ?? 0) + 1;
    waiting += 1;
    if (waiting === ROWS_PER_UPDATE) {
      const due = perOrigin;
      perOrigin = {};
      waiting = 0;
      await addToTotals(client, due);
      await readBack(client, row);
    }
  }
  await addToTotals(client, perOrigin);
}

function percentiles(samples) {
  if (samples.length === 0) return null;
  const ordered = Float64Array.from(samples).sort();
  return [0.5, 0.99].map((share) => {
    const sample = ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * share))];
    return Math.round(sample * 100) / 100;
  });
}

async function main() {
  // The first process that asks for the address starts the owner.
  const url = execFileSync(options.merganser, ['url', options.file], { encoding: 'utf8' }).trim();
  const pool = new Pool({ connectionString: url, max: CONNECTIONS });
  pool.on('error', failed);
  await pool.query(fs.readFileSync(`${__dirname}/schema.sql`, 'utf8'));
  deadline = Date.now() + Number(options.seconds) * 1000;
  const progress = setInterval(() => console.log(JSON.stringify(counts)), PROGRESS_INTERVAL_MS);
  const rows = flights();
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const client = await pool.connect();
      try {
        await writeRows(client, rows);
      } catch (error) {
        failed(error);
      } finally {
        client.release();
      }
    }));
  clearInterval(progress);
  await pool.end();
  fs.closeSync(acks);
  const result = { end: true, write_ms: percentiles(writeMs), read_ms: percentiles(readMs) };
  console.log(JSON.stringify({ ...counts, ...result, first_errors: firstErrors }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
