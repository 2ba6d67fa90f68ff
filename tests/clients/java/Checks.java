// pgjdbc against a server: one line for each check, "name ok" or "name FAILED why".
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.util.*;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

public class Checks {
  interface Check { void run() throws Exception; }

  static final Map<String, String> env = System.getenv();

  static Connection connect(String... options) throws SQLException {
    Properties p = new Properties();
    p.setProperty("user", env.get("PGUSER"));
    p.setProperty("password", env.get("PGPASSWORD"));
    p.setProperty("sslmode", "disable");
    for (int i = 0; i < options.length; i += 2) p.setProperty(options[i], options[i + 1]);
    return DriverManager.getConnection(
        "jdbc:postgresql://localhost:" + env.get("PGPORT") + "/" + env.get("PGDATABASE"), p);
  }

  static void same(Object expected, Object got) {
    if (!Objects.deepEquals(expected, got)) throw new AssertionError("expected " + expected + ", got " + got);
  }

  static void check(String name, Check body) {
    try {
      body.run();
      System.out.println(name + " ok");
    } catch (Throwable problem) {
      System.out.println(name + " FAILED " + String.valueOf(problem).replaceAll("\\s+", " "));
    }
  }

  static long count(Statement s, String sql) throws SQLException {
    try (ResultSet r = s.executeQuery(sql)) {
      r.next();
      return r.getLong(1);
    }
  }

  static void types() throws Exception {
    try (Connection c = connect(); PreparedStatement p = c.prepareStatement(
        "select ?::int, ?::bigint, ?::numeric(10,2), ?::text, ?::date, ?::timestamp, ?::timestamptz, ?::boolean, "
            + "?::float8, ?::uuid, ?::bytea, ?::text")) {
      UUID uuid = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");
      // From the sixth execution on it is a named statement, and results come as binary.
      for (int round = 0; round < 8; round++) {
        p.setInt(1, 42);
        p.setLong(2, 1L << 60);
        p.setBigDecimal(3, new BigDecimal("-12.50"));
        p.setString(4, "Grüße \u4e16\ud83e\udd86");
        p.setObject(5, LocalDate.of(2024, 2, 29));
        p.setObject(6, LocalDateTime.of(2024, 2, 29, 1, 2, 3, 456789000));
        p.setObject(7, OffsetDateTime.parse("2024-02-29T01:02:03+01:00"));
        p.setBoolean(8, true);
        p.setDouble(9, 1.0 / 3);
        p.setObject(10, uuid);
        p.setBytes(11, new byte[] {0, 1, (byte) 255});
        p.setNull(12, Types.VARCHAR);
        try (ResultSet r = p.executeQuery()) {
          r.next();
          same(42, r.getInt(1));
          same(1L << 60, r.getLong(2));
          same(new BigDecimal("-12.50"), r.getBigDecimal(3));
          same("Grüße \u4e16\ud83e\udd86", r.getString(4));
          same(LocalDate.of(2024, 2, 29), r.getObject(5, LocalDate.class));
          same(LocalDateTime.of(2024, 2, 29, 1, 2, 3, 456789000), r.getObject(6, LocalDateTime.class));
          same(OffsetDateTime.parse("2024-02-29T00:02:03Z").toInstant(),
              r.getObject(7, OffsetDateTime.class).toInstant());
          same(true, r.getBoolean(8));
          same(1.0 / 3, r.getDouble(9));
          same(uuid, r.getObject(10));
          same(List.of(0, 1, 255), List.of(r.getBytes(11)[0] & 255, r.getBytes(11)[1] & 255, r.getBytes(11)[2] & 255));
          same(null, r.getString(12));
          same(true, r.wasNull());
        }
      }
    }
  }

  static void arrays() throws Exception {
    try (Connection c = connect(); PreparedStatement p = c.prepareStatement("select ?::int[], ?::text[]")) {
      for (int round = 0; round < 8; round++) {
        p.setArray(1, c.createArrayOf("int4", new Integer[] {1, null, 3}));
        p.setArray(2, c.createArrayOf("text", new String[] {"a,b", "\"q\"", null}));
        try (ResultSet r = p.executeQuery()) {
          r.next();
          same(new Integer[] {1, null, 3}, r.getArray(1).getArray());
          same(new String[] {"a,b", "\"q\"", null}, r.getArray(2).getArray());
        }
      }
    }
  }

  static void batches(String... options) throws Exception {
    try (Connection c = connect(options); Statement s = c.createStatement()) {
      s.execute("drop table if exists jb");
      s.execute("create table jb(i int primary key, s text)");
      c.setAutoCommit(false);
      try (PreparedStatement p = c.prepareStatement("insert into jb(i, s) values (?, ?)")) {
        for (int i = 0; i < 5000; i++) {
          p.setInt(1, i);
          p.setString(2, "row " + i);
          p.addBatch();
        }
        int[] counts = p.executeBatch();
        same(5000, counts.length);
      }
      c.commit();
      same(5000L, count(s, "select count(*) from jb"));
      same(12497500L, count(s, "select sum(i) from jb"));
      c.commit();
      try (PreparedStatement p = c.prepareStatement("insert into jb(i, s) values (?, ?)")) {
        for (int i : new int[] {5000, 17, 5001}) {
          p.setInt(1, i);
          p.setString(2, "x");
          p.addBatch();
        }
        p.executeBatch();
        throw new AssertionError("a duplicate was accepted");
      } catch (BatchUpdateException e) {
        same("23505", e.getSQLState());
      }
      c.rollback();
      same(5000L, count(s, "select count(*) from jb"));
    }
  }

  static void fetchSize() throws Exception {
    try (Connection c = connect(); Statement s = c.createStatement()) {
      c.setAutoCommit(false);
      s.setFetchSize(1000);
      long sum = 0, n = 0;
      try (ResultSet r = s.executeQuery("select g, repeat('x', 50) from generate_series(1, 25500) as r(g)")) {
        while (r.next()) {
          sum += r.getLong(1);
          n++;
          if (n == 3000) {
            try (Statement other = c.createStatement()) {
              same(1L, count(other, "select 1"));
            }
          }
        }
      }
      same(25500L, n);
      same(25500L * 25501 / 2, sum);
      c.commit();
    }
  }

  static void errors() throws Exception {
    try (Connection c = connect(); Statement s = c.createStatement()) {
      String[][] cases = {{"selec 1", "42601"}, {"select * from not_there", "42P01"}, {"select not_there", "42703"},
          {"select 'x'::int", "22P02"}, {"select not_there(1)", "42883"}};
      for (String[] one : cases) {
        try {
          s.execute(one[0]);
          throw new AssertionError("no error: " + one[0]);
        } catch (SQLException e) {
          same(one[1], e.getSQLState());
        }
      }
      c.setAutoCommit(false);
      try {
        s.execute("select 'x'::int");
      } catch (SQLException expected) {
        try {
          s.execute("select 1");
          throw new AssertionError("a failed transaction went on");
        } catch (SQLException e) {
          same("25P02", e.getSQLState());
        }
      }
      c.rollback();
      same(1L, count(s, "select 1"));
    }
  }

  static void transactions() throws Exception {
    try (Connection a = connect(); Connection b = connect(); Statement s = a.createStatement();
        Statement t = b.createStatement()) {
      s.execute("drop table if exists jt");
      s.execute("create table jt(i int)");
      a.setAutoCommit(false);
      s.execute("insert into jt values (1)");
      same(0L, count(t, "select count(*) from jt"));
      a.commit();
      same(1L, count(t, "select count(*) from jt"));
      s.execute("insert into jt values (2)");
      a.rollback();
      same(1L, count(t, "select count(*) from jt"));
      a.setReadOnly(true);
      try {
        s.execute("insert into jt values (3)");
        throw new AssertionError("written in a read-only transaction");
      } catch (SQLException e) {
        same("25006", e.getSQLState());
      }
      a.rollback();
    }
  }

  static void isolation() throws Exception {
    try (Connection c = connect(); Statement s = c.createStatement()) {
      for (int level : new int[] {Connection.TRANSACTION_READ_COMMITTED, Connection.TRANSACTION_REPEATABLE_READ}) {
        c.setTransactionIsolation(level);
        c.setAutoCommit(false);
        same(1L, count(s, "select 1"));
        c.commit();
        c.setAutoCommit(true);
      }
      c.getTransactionIsolation();
    }
  }

  static void savepoints() throws Exception {
    try (Connection c = connect(); Statement s = c.createStatement()) {
      s.execute("drop table if exists js");
      s.execute("create table js(i int primary key)");
      c.setAutoCommit(false);
      s.execute("insert into js values (1)");
      Savepoint point = c.setSavepoint("here");
      s.execute("insert into js values (2)");
      c.rollback(point);
      s.execute("insert into js values (3)");
      c.commit();
      same(4L, count(s, "select sum(i) from js"));
    }
  }

  static void autosave() throws Exception {
    try (Connection c = connect("autosave", "always"); Statement s = c.createStatement()) {
      s.execute("drop table if exists ja");
      s.execute("create table ja(i int primary key)");
      c.setAutoCommit(false);
      s.execute("insert into ja values (1)");
      try {
        s.execute("insert into ja values (1)");
      } catch (SQLException e) {
        same("23505", e.getSQLState());
      }
      s.execute("insert into ja values (2)");
      c.commit();
      same(2L, count(s, "select count(*) from ja"));
    }
  }

  static void generatedKeys() throws Exception {
    try (Connection c = connect(); Statement s = c.createStatement()) {
      s.execute("drop table if exists jg");
      s.execute("create table jg(id bigserial primary key, s text)");
      try (PreparedStatement p = c.prepareStatement("insert into jg(s) values (?)", Statement.RETURN_GENERATED_KEYS)) {
        for (long expected = 1; expected <= 3; expected++) {
          p.setString(1, "x");
          same(1, p.executeUpdate());
          try (ResultSet r = p.getGeneratedKeys()) {
            r.next();
            same(expected, r.getLong("id"));
          }
        }
      }
    }
  }

  static void metadata() throws Exception {
    try (Connection c = connect(); Statement s = c.createStatement()) {
      s.execute("drop table if exists jm");
      s.execute("create table jm(id int primary key, name varchar not null, price numeric(10,2))");
      DatabaseMetaData m = c.getMetaData();
      same("PostgreSQL", m.getDatabaseProductName());
      List<String> got = new ArrayList<>();
      try (ResultSet r = m.getTables(null, null, "jm", new String[] {"TABLE"})) {
        while (r.next()) got.add(r.getString("TABLE_NAME"));
      }
      same(List.of("jm"), got);
      got.clear();
      try (ResultSet r = m.getColumns(null, null, "jm", "%")) {
        while (r.next()) {
          got.add(r.getString("COLUMN_NAME") + " " + r.getString("TYPE_NAME") + " " + r.getInt("COLUMN_SIZE") + " "
              + r.getInt("DECIMAL_DIGITS") + " " + r.getString("IS_NULLABLE"));
        }
      }
      same("id int4 10 0 NO", got.get(0));
      same(true, got.get(1).startsWith("name ") && got.get(1).endsWith("NO"));
      same("price numeric 10 2 YES", got.get(2));
      try (ResultSet r = m.getPrimaryKeys(null, null, "jm")) {
        same(true, r.next());
        same("id", r.getString("COLUMN_NAME"));
      }
      try (ResultSet r = m.getSchemas()) {
        same(true, r.next());
      }
      try (ResultSet r = s.executeQuery("select id, name, price from jm")) {
        same("numeric", r.getMetaData().getColumnTypeName(3));
        same(10, r.getMetaData().getPrecision(3));
      }
    }
  }

  static void cancel() throws Exception {
    try (Connection c = connect(); Statement s = c.createStatement()) {
      s.setQueryTimeout(1);
      try {
        s.execute("select count(*) from generate_series(1, 1000000) a(x), generate_series(1, 1000000) b(y) "
            + "where (x * y) % 7919 = 7");
        throw new AssertionError("not cancelled");
      } catch (SQLException e) {
        same("57014", e.getSQLState());
      }
      s.setQueryTimeout(0);
      same(1L, count(s, "select 1"));
    }
  }

  static void copyIn() throws Exception {
    try (Connection c = connect(); Statement s = c.createStatement()) {
      s.execute("drop table if exists jc");
      s.execute("create table jc(i int, s text)");
      CopyManager copy = c.unwrap(PGConnection.class).getCopyAPI();
      byte[] rows = "1\tone\n2\t\\N\n".getBytes(StandardCharsets.UTF_8);
      same(2L, copy.copyIn("copy jc from stdin", new ByteArrayInputStream(rows)));
      same(3L, count(s, "select sum(i) from jc"));
    }
  }

  static void copyOut() throws Exception {
    try (Connection c = connect()) {
      CopyManager copy = c.unwrap(PGConnection.class).getCopyAPI();
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      same(2L, copy.copyOut("copy (values (1, 'a,b'), (2, null)) to stdout with (format csv)", out));
      same("1,\"a,b\"\n2,\n", out.toString(StandardCharsets.UTF_8));
    }
  }

  static void listen() throws Exception {
    try (Connection a = connect(); Connection b = connect(); Statement s = a.createStatement();
        Statement t = b.createStatement()) {
      s.execute("listen news");
      t.execute("notify news, 'hello'");
      var got = a.unwrap(PGConnection.class).getNotifications(10000);
      same(1, got.length);
      same("hello", got[0].getParameter());
    }
  }

  static void tls(String... options) throws Exception {
    try (Connection c = connect(options); Statement s = c.createStatement()) {
      same(1L, count(s, "select 1"));
    }
  }

  public static void main(String[] arguments) {
    check("password", () -> tls());
    check("tls", () -> tls("sslmode", "verify-full", "sslrootcert", env.get("MERGANSER_CA")));
    check("channel_binding", () -> tls("sslmode", "verify-full", "sslrootcert", env.get("MERGANSER_CA"),
        "channelBinding", "require"));
    check("wrong_password", () -> {
      try {
        connect("password", "wrong").close();
        throw new AssertionError("let in");
      } catch (SQLException e) {
        same("28P01", e.getSQLState());
      }
    });
    check("types", Checks::types);
    check("arrays", Checks::arrays);
    check("batches", () -> batches());
    check("rewritten_batches", () -> batches("reWriteBatchedInserts", "true"));
    check("simple_protocol", () -> batches("preferQueryMode", "simple"));
    check("fetch_size", Checks::fetchSize);
    check("errors", Checks::errors);
    check("transactions", Checks::transactions);
    check("isolation", Checks::isolation);
    check("savepoints", Checks::savepoints);
    check("autosave", Checks::autosave);
    check("generated_keys", Checks::generatedKeys);
    check("metadata", Checks::metadata);
    check("cancel", Checks::cancel);
    check("copy_in", Checks::copyIn);
    check("copy_out", Checks::copyOut);
    check("listen", Checks::listen);
  }
}
