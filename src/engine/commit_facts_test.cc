// What a commit's fsync holds up: why snapshots are begun ahead. And the texts of errors, which alone tell constraint
// errors apart.
#include <atomic>
#include <chrono>
#include <gmock/gmock.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include "engine/batch_facts_fixture.h"

namespace {

// While closed, fsync() and fdatasync() of this whole program wait. DuckDB calls them through the dynamic linker, which
// finds those below first.
std::atomic<bool> gate_closed = false;
std::atomic<int> at_gate = 0;

void pass_gate() {
  at_gate++;
  while (gate_closed.load()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  at_gate--;
}

}  // namespace

extern "C" int fsync(int fd) {
  pass_gate();
  return static_cast<int>(syscall(SYS_fsync, fd));
}

extern "C" int fdatasync(int fd) {
  pass_gate();
  return static_cast<int>(syscall(SYS_fdatasync, fd));
}

namespace merganser::engine {
namespace {

using testing::ElementsAre;

bool within(std::chrono::milliseconds limit, const std::atomic<bool>& condition) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!condition.load() && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return condition.load();
}

TEST_F(BatchFacts, OnlyASnapshotBegunBeforeReadsWhileACommitSyncs) {
  must("CREATE TABLE t (i INTEGER)");
  must("INSERT INTO t VALUES (1)");
  const duckdb_connection armed = connect();
  const duckdb_connection late = connect();
  for (const duckdb_connection one : {armed, late}) ASSERT_TRUE(query(one, "USE f").ok());
  ASSERT_TRUE(query(armed, "BEGIN").ok());
  ASSERT_TRUE(query(armed, "SELECT 1 FROM t LIMIT 0").ok());  // BEGIN alone takes no snapshot of an attached file

  gate_closed = true;
  std::thread writer([this] { EXPECT_EQ(query("INSERT INTO t VALUES (2)").error, ""); });
  while (at_gate.load() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));

  // Would hang here, and the test run into its limit, if it waited for the commit.
  EXPECT_THAT(query(armed, "SELECT count(*) FROM t").rows, ElementsAre("1"));

  std::atomic<bool> read = false;
  std::vector<std::string> seen;
  std::thread reader([&] {
    seen = query(late, "SELECT count(*) FROM t").rows;
    read = true;
  });
  // As long as this holds, armed snapshots are worth having.
  EXPECT_FALSE(within(std::chrono::milliseconds(300), read));
  gate_closed = false;
  writer.join();
  reader.join();
  EXPECT_THAT(seen, ElementsAre("2"));
  EXPECT_THAT(query(armed, "SELECT count(*) FROM t").rows, ElementsAre("1"));
}

TEST_F(BatchFacts, TextsOfErrors) {
  must("CREATE TABLE p (id INTEGER PRIMARY KEY)");
  must("CREATE TABLE ch (id INTEGER REFERENCES p (id))");
  must(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, u INTEGER UNIQUE, n INTEGER NOT NULL, k INTEGER CHECK (k > 0), d DATE)");
  must("INSERT INTO t VALUES (1, 1, 1, 1, NULL)");
  must("INSERT INTO p VALUES (1)");
  must("INSERT INTO ch VALUES (1)");
  const std::pair<const char*, const char*> cases[] = {
      {"INSERT INTO t VALUES (1, 2, 1, 1, NULL)", "Duplicate key \"id: 1\" violates primary key constraint."},
      {"INSERT INTO t VALUES (2, 1, 1, 1, NULL)", "Duplicate key \"u: 1\" violates unique constraint."},
      {"INSERT INTO t VALUES (3, 3, NULL, 1, NULL)", "NOT NULL constraint failed: t.n"},
      {"INSERT INTO t VALUES (3, 3, 1, -1, NULL)", "CHECK constraint failed on table t with expression CHECK((k > 0))"},
      {"INSERT INTO ch VALUES (9)",
       "Violates foreign key constraint because key \"id: 9\" does not exist in the referenced table"},
      {"DELETE FROM p WHERE id = 1",
       "Violates foreign key constraint because key \"id: 1\" is still referenced by a foreign key in a different "
       "table. If "
       "this is an unexpected constraint violation, please refer to our foreign key limitations in the documentation"},
      {"INSERT INTO t VALUES ('x', 1, 1, 1, NULL)", "Could not convert string 'x' to INT32"},
      {"INSERT INTO t VALUES (3, 3, 1, 1, 'abc')",
       "invalid date field format: \"abc\", expected format is (YYYY-MM-DD)"},
      {"SELECT 2147483647::INTEGER + 1::INTEGER", "Overflow in addition of INT32 (2147483647 + 1)!"},
  };
  must("SET errors_as_json = true");
  for (const auto& [sql, text] : cases) {
    std::string escaped;
    for (const char* c = text; *c != '\0'; c++) escaped += *c == '"' ? "\\\"" : std::string(1, *c);
    EXPECT_THAT(query(sql).error, testing::HasSubstr("\"exception_message\":\"" + escaped + "\"")) << sql;
  }
}

}  // namespace
}  // namespace merganser::engine
