// tokio-postgres against a server: one line for each check, "name ok" or "name FAILED why".
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use futures_util::{pin_mut, SinkExt};
use std::env;
use std::error::Error as StdError;
use std::future::Future;
use tokio_postgres::{error::SqlState, AsyncMessage, Client, Config, Connection, NoTls, Socket};
use uuid::Uuid;

type Outcome = Result<(), Box<dyn StdError>>;

fn config() -> Config {
    let mut config = Config::new();
    config
        .host("127.0.0.1")
        .port(env::var("PGPORT").unwrap().parse().unwrap())
        .user(&env::var("PGUSER").unwrap())
        .password(env::var("PGPASSWORD").unwrap())
        .dbname(&env::var("PGDATABASE").unwrap());
    config
}

async fn run(connection: Connection<Socket, tokio_postgres::tls::NoTlsStream>) {
    let _ = connection.await;
}

async fn open() -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config().connect(NoTls).await?;
    tokio::spawn(run(connection));
    Ok(client)
}

fn same<T: PartialEq + std::fmt::Debug>(expected: T, got: T) -> Outcome {
    if expected == got {
        return Ok(());
    }
    Err(format!("expected {expected:?}, got {got:?}").into())
}

fn is(code: SqlState, result: Result<impl Sized, tokio_postgres::Error>) -> Outcome {
    match result {
        Ok(_) => Err(format!("no error, expected {}", code.code()).into()),
        Err(error) => same(Some(code.code().to_string()), error.code().map(|c| c.code().to_string())),
    }
}

async fn check(name: &str, body: impl Future<Output = Outcome>) {
    match body.await {
        Ok(()) => println!("{name} ok"),
        Err(problem) => {
            let source = problem.source().map(|s| s.to_string()).unwrap_or_default();
            println!("{name} FAILED {} {}", problem.to_string().replace('\n', " "), source.replace('\n', " "))
        }
    }
}

async fn types() -> Outcome {
    let c = open().await?;
    let moment: NaiveDateTime = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap().and_hms_micro_opt(1, 2, 3, 456789).unwrap();
    let uuid = Uuid::from_u128(0x00112233445566778899aabbccddeeff);
    let row = c
        .query_one(
            "select $1::int, $2::bigint, $3::text, $4::boolean, $5::float8, $6::timestamp, $7::timestamptz, $8::date, \
             $9::uuid, $10::bytea, $11::text, $12::smallint, $13::real",
            &[
                &-7i32, &(1i64 << 60), &"Grüße 世🦆", &true, &(1.0f64 / 3.0), &moment, &moment.and_utc(), &moment.date(),
                &uuid, &vec![0u8, 1, 255], &None::<String>, &3i16, &0.5f32,
            ],
        )
        .await?;
    same(-7i32, row.get(0))?;
    same(1i64 << 60, row.get(1))?;
    same("Grüße 世🦆".to_string(), row.get(2))?;
    same(true, row.get(3))?;
    same(1.0f64 / 3.0, row.get(4))?;
    same(moment, row.get(5))?;
    same(moment.and_utc(), row.get::<_, DateTime<Utc>>(6))?;
    same(moment.date(), row.get(7))?;
    same(uuid, row.get(8))?;
    same(vec![0u8, 1, 255], row.get(9))?;
    same(None::<String>, row.get(10))?;
    same(3i16, row.get(11))?;
    same(0.5f32, row.get(12))
}

async fn arrays() -> Outcome {
    let c = open().await?;
    let row = c
        .query_one("select $1::int[], $2::text[]", &[&vec![Some(1i32), None, Some(3)], &vec!["a,b", "\"q\"", ""]])
        .await?;
    same(vec![Some(1i32), None, Some(3)], row.get(0))?;
    same(vec!["a,b".to_string(), "\"q\"".into(), "".into()], row.get(1))?;
    let found = c
        .query("select g from generate_series(1, 9) as r(g) where g = any($1::int[]) order by g", &[&vec![2i32, 5, 11]])
        .await?;
    same(2, found.len())
}

async fn prepared() -> Outcome {
    let c = open().await?;
    let statement = c.prepare("select $1::int + $2::int").await?;
    for i in 0..200i32 {
        same(2 * i, c.query_one(&statement, &[&i, &i]).await?.get(0))?;
    }
    // Many at once on one connection: they travel as a pipeline.
    let answers = tokio::join!(
        c.query_one(&statement, &[&1i32, &2i32]),
        c.query_one(&statement, &[&3i32, &4i32]),
        c.query_one(&statement, &[&5i32, &6i32])
    );
    same((3i32, 7i32, 11i32), (answers.0?.get(0), answers.1?.get(0), answers.2?.get(0)))
}

async fn transactions() -> Outcome {
    let mut c = open().await?;
    c.batch_execute("drop table if exists rt; create table rt(i int primary key)").await?;
    let tx = c.transaction().await?;
    same(1, tx.execute("insert into rt values ($1)", &[&1i32]).await?)?;
    tx.commit().await?;
    let tx = c.transaction().await?;
    tx.execute("insert into rt values ($1)", &[&2i32]).await?;
    tx.rollback().await?;
    same(1i64, c.query_one("select count(*) from rt", &[]).await?.get(0))?;
    is(SqlState::UNIQUE_VIOLATION, c.execute("insert into rt values (1)", &[]).await)?;
    let tx = c.build_transaction().read_only(true).start().await?;
    is(SqlState::READ_ONLY_SQL_TRANSACTION, tx.execute("insert into rt values (3)", &[]).await)
}

async fn savepoints() -> Outcome {
    let mut c = open().await?;
    c.batch_execute("drop table if exists rs; create table rs(i int)").await?;
    let mut tx = c.transaction().await?;
    tx.execute("insert into rs values (1)", &[]).await?;
    let inner = tx.transaction().await?;
    inner.execute("insert into rs values (2)", &[]).await?;
    inner.rollback().await?;
    tx.commit().await?;
    same(1i64, c.query_one("select count(*) from rs", &[]).await?.get(0))
}

async fn portals() -> Outcome {
    let mut c = open().await?;
    let tx = c.transaction().await?;
    let portal = tx.bind("select g from generate_series(1, 1000) as r(g)", &[]).await?;
    same(300, tx.query_portal(&portal, 300).await?.len())?;
    same(300, tx.query_portal(&portal, 300).await?.len())?;
    same(400, tx.query_portal(&portal, 0).await?.len())
}

async fn errors() -> Outcome {
    let c = open().await?;
    is(SqlState::SYNTAX_ERROR, c.execute("selec 1", &[]).await)?;
    is(SqlState::UNDEFINED_TABLE, c.execute("select * from not_there", &[]).await)?;
    is(SqlState::UNDEFINED_COLUMN, c.simple_query("select not_there").await)?;
    is(SqlState::INVALID_TEXT_REPRESENTATION, c.simple_query("select 'x'::int").await)?;
    same(1i32, c.query_one("select 1", &[]).await?.get(0))
}

async fn cancel() -> Outcome {
    let c = open().await?;
    let token = c.cancel_token();
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let _ = token.cancel_query(NoTls).await;
    });
    let sql = "select count(*) from generate_series(1, 1000000) a(x), generate_series(1, 1000000) b(y) where (x * y) % 7919 = 7";
    is(SqlState::QUERY_CANCELED, c.query(sql, &[]).await)
}

async fn copy_in() -> Outcome {
    let c = open().await?;
    c.batch_execute("drop table if exists rc; create table rc(i int, s text)").await?;
    let sink = c.copy_in("copy rc from stdin").await?;
    pin_mut!(sink);
    sink.send(bytes::Bytes::from_static(b"1\tone\n2\t\\N\n")).await?;
    same(2, sink.finish().await?)
}

async fn listen() -> Outcome {
    let (c, mut connection) = config().connect(NoTls).await?;
    let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(note) = message {
                let _ = send.send(note.payload().to_string());
            }
        }
    });
    c.batch_execute("listen news; notify news, 'hello'").await?;
    let got = tokio::time::timeout(std::time::Duration::from_secs(10), receive.recv()).await?;
    same(Some("hello".to_string()), got)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    check("password", async { same(1i32, open().await?.query_one("select 1", &[]).await?.get(0)) }).await;
    check("wrong_password", async { is(SqlState::INVALID_PASSWORD, config().password("wrong").connect(NoTls).await.map(|_| ())) }).await;
    check("unix_socket", async {
        let (c, connection) = Config::new()
            .host_path(env::var("MERGANSER_SOCKET_DIR")?)
            .user("anybody")
            .dbname(&env::var("PGDATABASE")?)
            .connect(NoTls)
            .await?;
        tokio::spawn(run(connection));
        same(1i32, c.query_one("select 1", &[]).await?.get(0))
    })
    .await;
    check("types", types()).await;
    check("arrays", arrays()).await;
    check("prepared", prepared()).await;
    check("transactions", transactions()).await;
    check("savepoints", savepoints()).await;
    check("portals", portals()).await;
    check("errors", errors()).await;
    check("cancel", cancel()).await;
    check("copy_in", copy_in()).await;
    check("listen", listen()).await;
}
