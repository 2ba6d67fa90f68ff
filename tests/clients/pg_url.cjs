// node-postgres takes the printed URI as it is: pg_url.cjs URI SQL. Prints the first row as JSON.
const { Client } = require('pg');

async function main() {
  const client = new Client({ connectionString: process.argv[2] });
  await client.connect();
  const { rows } = await client.query({ text: process.argv[3], rowMode: 'array' });
  await client.end();
  console.log(JSON.stringify(rows[0]));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
