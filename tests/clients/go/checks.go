// pgx and database/sql against a server: one line for each check, "name ok" or "name FAILED why".
package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib"
)

var background = context.Background()

func url(query string) string {
	return fmt.Sprintf("host=localhost port=%s user=%s password='%s' dbname=%s %s", os.Getenv("PGPORT"),
		os.Getenv("PGUSER"), os.Getenv("PGPASSWORD"), os.Getenv("PGDATABASE"), query)
}

func open() *pgx.Conn { return openWith("sslmode=disable") }

func openWith(query string) *pgx.Conn {
	c, err := pgx.Connect(background, url(query))
	must(err)
	return c
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func same(expected, got any) {
	if !reflect.DeepEqual(expected, got) {
		panic(fmt.Errorf("expected %#v, got %#v", expected, got))
	}
}

func code(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

func check(name string, body func()) {
	defer func() {
		if problem := recover(); problem != nil {
			fmt.Println(name, "FAILED", strings.Join(strings.Fields(fmt.Sprint(problem)), " "))
		}
	}()
	body()
	fmt.Println(name, "ok")
}

func one[T any](c *pgx.Conn, sql string, args ...any) T {
	var out T
	must(c.QueryRow(background, sql, args...).Scan(&out))
	return out
}

func types() {
	c := open()
	defer c.Close(background)
	moment := time.Date(2024, 2, 29, 1, 2, 3, 456789000, time.UTC)
	same(int32(-7), one[int32](c, "select $1::int", int32(-7)))
	same(int64(1)<<60, one[int64](c, "select $1::bigint", int64(1)<<60))
	same(1.0/3, one[float64](c, "select $1::double precision", 1.0/3))
	same("Grüße 世🦆", one[string](c, "select $1::text", "Grüße 世🦆"))
	same(true, one[bool](c, "select $1::boolean", true))
	same([]byte{0, 1, 255}, one[[]byte](c, "select $1::bytea", []byte{0, 1, 255}))
	same(moment, one[time.Time](c, "select $1::timestamp", moment))
	same(true, moment.Equal(one[time.Time](c, "select $1::timestamptz", moment)))
	same(moment.Truncate(24*time.Hour), one[time.Time](c, "select $1::date", moment))
	number := pgtype.Numeric{Int: big.NewInt(-1250), Exp: -2, Valid: true}
	got := one[pgtype.Numeric](c, "select $1::numeric(10,2)", number)
	same("-1250e-2", fmt.Sprintf("%se%d", got.Int, got.Exp))
	uuid := [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	same(uuid, one[[16]byte](c, "select $1::uuid", uuid))
	interval := pgtype.Interval{Months: 14, Days: 3, Microseconds: 4000005, Valid: true}
	same(interval, one[pgtype.Interval](c, "select $1::interval", interval))
	var nothing *string
	must(c.QueryRow(background, "select $1::text", nil).Scan(&nothing))
	same((*string)(nil), nothing)
	same("b", one[map[string]string](c, "select '{\"a\": \"b\"}'::json")["a"])
}

func arrays() {
	c := open()
	defer c.Close(background)
	same([]int32{1, 2, 3}, one[[]int32](c, "select $1::int[]", []int32{1, 2, 3}))
	same([]string{"a,b", "\"q\"", ""}, one[[]string](c, "select $1::text[]", []string{"a,b", "\"q\"", ""}))
	same([]float64{}, one[[]float64](c, "select $1::double precision[]", []float64{}))
	a := "a"
	same([]*string{&a, nil}, one[[]*string](c, "select $1::text[]", []*string{&a, nil}))
	rows, err := c.Query(background, "select g from generate_series(1, 9) as r(g) where g = any($1::int[]) order by g", []int32{2, 5, 11})
	must(err)
	found, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	must(err)
	same([]int64{2, 5}, found)
}

func modes() {
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		c := openWith("sslmode=disable default_query_exec_mode=" + mode)
		for round := 0; round < 3; round++ {
			same(int64(9), one[int64](c, "select $1::bigint + $2::int", int64(2), 7))
			same("xy", one[string](c, "select $1::text || $2::text", "x", "y"))
		}
		c.Close(background)
	}
}

func castChains() {
	c := open()
	defer c.Close(background)
	same("x7", one[string](c, "select $1::text || $2::int", "x", 7))
}

func batches() {
	c := open()
	defer c.Close(background)
	_, err := c.Exec(background, "drop table if exists gb; create table gb(i int primary key, s text)")
	must(err)
	batch := &pgx.Batch{}
	for i := 0; i < 2000; i++ {
		batch.Queue("insert into gb values ($1, $2)", i, fmt.Sprint("row ", i))
	}
	batch.Queue("select count(*) from gb")
	results := c.SendBatch(background, batch)
	for i := 0; i < 2000; i++ {
		tag, err := results.Exec()
		must(err)
		same("INSERT 0 1", tag.String())
	}
	var count int64
	must(results.QueryRow().Scan(&count))
	must(results.Close())
	same(int64(2000), count)
	batch = &pgx.Batch{}
	batch.Queue("insert into gb values (3000, 'x')")
	batch.Queue("insert into gb values (7, 'x')")
	same("23505", code(c.SendBatch(background, batch).Close()))
	same(int64(2000), one[int64](c, "select count(*) from gb"))
}

func transactions() {
	c := open()
	defer c.Close(background)
	_, err := c.Exec(background, "drop table if exists gt; create table gt(i int)")
	must(err)
	must(pgx.BeginFunc(background, c, func(tx pgx.Tx) error {
		_, err := tx.Exec(background, "insert into gt values ($1)", 1)
		return err
	}))
	stop := errors.New("stop")
	same(stop, pgx.BeginFunc(background, c, func(tx pgx.Tx) error {
		_, err := tx.Exec(background, "insert into gt values ($1)", 2)
		must(err)
		return stop
	}))
	same(int64(1), one[int64](c, "select count(*) from gt"))
	tx, err := c.BeginTx(background, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	must(err)
	_, err = tx.Exec(background, "insert into gt values (3)")
	same("25006", code(err))
	must(tx.Rollback(background))
}

func savepoints() {
	c := open()
	defer c.Close(background)
	_, err := c.Exec(background, "drop table if exists gs; create table gs(i int)")
	must(err)
	must(pgx.BeginFunc(background, c, func(tx pgx.Tx) error {
		_, err := tx.Exec(background, "insert into gs values (1)")
		must(err)
		inner, err := tx.Begin(background)
		must(err)
		_, err = inner.Exec(background, "insert into gs values (2)")
		must(err)
		return inner.Rollback(background)
	}))
	same(int64(1), one[int64](c, "select count(*) from gs"))
}

func failures() {
	c := open()
	defer c.Close(background)
	for sql, expected := range map[string]string{"selec 1": "42601", "select * from not_there": "42P01",
		"select not_there": "42703", "select 'x'::int": "22P02"} {
		_, err := c.Exec(background, sql)
		same(expected, code(err))
		_, err = c.Exec(background, sql, pgx.QueryExecModeSimpleProtocol)
		same(expected, code(err))
	}
	same(int32(1), one[int32](c, "select 1"))
}

func cancel() {
	c := open()
	defer c.Close(background)
	ctx, stop := context.WithTimeout(background, time.Second)
	defer stop()
	_, err := c.Exec(ctx, "select count(*) from generate_series(1, 1000000) a(x), generate_series(1, 1000000) b(y) where (x * y) % 7919 = 7")
	if !errors.Is(err, context.DeadlineExceeded) && code(err) != "57014" {
		panic(err)
	}
}

func pool() {
	p, err := pgxpool.New(background, url("sslmode=disable pool_max_conns=4"))
	must(err)
	defer p.Close()
	done := make(chan error)
	for worker := 0; worker < 16; worker++ {
		go func(worker int) {
			for i := 0; i < 50; i++ {
				var got int
				if err := p.QueryRow(background, "select $1::int", worker*i).Scan(&got); err != nil || got != worker*i {
					done <- fmt.Errorf("%v %d", err, got)
					return
				}
			}
			done <- nil
		}(worker)
	}
	for worker := 0; worker < 16; worker++ {
		must(<-done)
	}
}

func databaseSQL() {
	db, err := sql.Open("pgx", url("sslmode=disable"))
	must(err)
	defer db.Close()
	_, err = db.Exec("drop table if exists gd; create table gd(i int, s text)")
	must(err)
	insert, err := db.Prepare("insert into gd values ($1, $2)")
	must(err)
	for i := 0; i < 100; i++ {
		_, err = insert.Exec(i, sql.NullString{String: "x", Valid: i%2 == 0})
		must(err)
	}
	tx, err := db.Begin()
	must(err)
	changed, err := tx.Exec("delete from gd where s is null")
	must(err)
	affected, _ := changed.RowsAffected()
	same(int64(50), affected)
	must(tx.Rollback())
	var count, sum int64
	must(db.QueryRow("select count(*), sum(i) from gd").Scan(&count, &sum))
	same([]int64{100, 4950}, []int64{count, sum})
}

func copyIn() {
	c := open()
	defer c.Close(background)
	_, err := c.Exec(background, "drop table if exists gc; create table gc(i int, s text, m timestamp)")
	must(err)
	rows := [][]any{{int32(1), "one", time.Unix(0, 0).UTC()}, {int32(2), nil, nil}}
	n, err := c.CopyFrom(background, pgx.Identifier{"gc"}, []string{"i", "s", "m"}, pgx.CopyFromRows(rows))
	must(err)
	same(int64(2), n)
	same(int64(3), one[int64](c, "select sum(i)::bigint from gc"))
}

func copyOut() {
	c := open()
	defer c.Close(background)
	var out bytes.Buffer
	_, err := c.PgConn().CopyTo(background, &out, "copy (values (1, 'a'), (2, null)) to stdout")
	must(err)
	same("1\ta\n2\t\\N\n", out.String())
}

func listen() {
	a, b := open(), open()
	defer a.Close(background)
	defer b.Close(background)
	_, err := a.Exec(background, "listen news")
	must(err)
	_, err = b.Exec(background, "select pg_notify('news', 'hello')")
	must(err)
	ctx, stop := context.WithTimeout(background, 10*time.Second)
	defer stop()
	got, err := a.WaitForNotification(ctx)
	must(err)
	same("hello", got.Payload)
}

func main() {
	check("password", func() { same(int32(1), one[int32](open(), "select 1")) })
	check("tls", func() {
		same(int32(1), one[int32](openWith("sslmode=verify-full sslrootcert="+os.Getenv("MERGANSER_CA")), "select 1"))
	})
	check("unix_socket", func() {
		c, err := pgx.Connect(background, "host="+os.Getenv("MERGANSER_SOCKET_DIR")+" port=5432 dbname="+os.Getenv("PGDATABASE"))
		must(err)
		same(int32(1), one[int32](c, "select 1"))
	})
	check("wrong_password", func() {
		_, err := pgx.Connect(background, url("sslmode=disable password=wrong"))
		same("28P01", code(err))
	})
	check("types", types)
	check("arrays", arrays)
	check("modes", modes)
	check("cast_chains", castChains)
	check("batches", batches)
	check("transactions", transactions)
	check("savepoints", savepoints)
	check("errors", failures)
	check("cancel", cancel)
	check("pool", pool)
	check("database_sql", databaseSQL)
	check("copy_in", copyIn)
	check("copy_out", copyOut)
	check("listen", listen)
}
