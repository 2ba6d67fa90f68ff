#include "engine/database.h"

#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "engine/error_map.h"

namespace merganser::engine {
namespace {

class DatabaseTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "mrg-db-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    options_.file = folder_ + "/t.duckdb";
    options_.name = "t";
    options_.threads = 2;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Database> open() {
    auto database = Database::open(options_);
    EXPECT_TRUE(database.ok()) << (database.ok() ? "" : database.error().to_string());
    return database.ok() ? std::move(database).value() : nullptr;
  }

  std::string folder_;
  DatabaseOptions options_;
};

std::string first_value(Connection& connection, const std::string& sql) {
  auto text = connection.query_text(sql);
  return text.ok() ? *text : "error: " + text.error().message;
}

// Whether another process could take the POSIX lock that DuckDB takes when it opens a file for writing.
bool another_process_could_lock(const std::string& file) {
  const pid_t child = fork();
  if (child == 0) {
    const int fd = ::open(file.c_str(), O_RDWR);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    _exit(fcntl(fd, F_SETLK, &lock) == 0 ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status) == 1;
}

TEST_F(DatabaseTest, WritesCommitAndSurviveReopening) {
  {
    auto database = open();
    auto connection = std::move(database->connect()).value();
    ASSERT_TRUE(connection->execute("CREATE TABLE a (i INTEGER)").ok());
    ASSERT_TRUE(connection->begin().ok());
    ASSERT_TRUE(connection->execute("INSERT INTO a VALUES (1)").ok());
    connection->rollback();
    ASSERT_TRUE(connection->begin().ok());
    ASSERT_TRUE(connection->execute("INSERT INTO a VALUES (2)").ok());
    ASSERT_TRUE(connection->commit().ok());
  }
  auto database = open();
  auto connection = std::move(database->connect()).value();
  EXPECT_EQ(first_value(*connection, "SELECT string_agg(i::VARCHAR, ',') FROM a"), "2");
}

TEST_F(DatabaseTest, GuardSurvivesEveryCloseOfTheFileInThisProcess) {
  auto database = open();
  auto connection = std::move(database->connect()).value();
  ASSERT_TRUE(connection->execute("CREATE TABLE a (i INTEGER)").ok());
  EXPECT_FALSE(another_process_could_lock(options_.file));
  // read_blob opens and closes the file: with DuckDB's own lock this was the end of it (fact 1).
  EXPECT_NE(first_value(*connection, "SELECT octet_length(content) FROM read_blob('" + options_.file + "')"), "");
  EXPECT_FALSE(another_process_could_lock(options_.file));
  ASSERT_TRUE(connection->execute("CHECKPOINT").ok());
  ::close(::open(options_.file.c_str(), O_RDONLY));
  EXPECT_FALSE(another_process_could_lock(options_.file));
  EXPECT_TRUE(database->check_guard().ok());
  connection.reset();
  database.reset();
  EXPECT_TRUE(another_process_could_lock(options_.file));
}

TEST_F(DatabaseTest, SnapshotIsPinnedWhenItBeginsAndRefusesToWrite) {
  auto database = open();
  auto writer = std::move(database->connect()).value();
  auto reader = std::move(database->connect()).value();
  ASSERT_TRUE(writer->execute("CREATE TABLE a (i INTEGER)").ok());
  ASSERT_TRUE(writer->execute("CREATE SEQUENCE s").ok());
  ASSERT_TRUE(reader->begin_snapshot().ok());
  ASSERT_TRUE(writer->execute("INSERT INTO a VALUES (1)").ok());
  EXPECT_EQ(first_value(*reader, "SELECT count(*) FROM a"), "0");
  const auto write = reader->execute("SELECT nextval('s')");
  ASSERT_FALSE(write.ok());
  EXPECT_TRUE(is_write_in_read_only(write.error())) << write.error().to_string();
  reader->rollback();
  EXPECT_EQ(first_value(*reader, "SELECT count(*) FROM a"), "1");
}

TEST_F(DatabaseTest, SettingsFollowTheSession) {
  auto database = open();
  auto connection = std::move(database->connect()).value();
  const std::string before = first_value(*connection, "SELECT current_setting('TimeZone')");
  ASSERT_TRUE(connection->execute("CREATE SCHEMA other").ok());
  auto settings = std::make_shared<Settings>();
  (*settings)["timezone"] = "Asia/Tokyo";
  (*settings)["search_path"] = "other";
  (*settings)["integer_division"] = "true";
  ASSERT_TRUE(connection->apply(settings).ok());
  EXPECT_EQ(first_value(*connection, "SELECT current_setting('TimeZone')"), "Asia/Tokyo");
  EXPECT_EQ(first_value(*connection, "SELECT current_schema()"), "other");
  EXPECT_EQ(first_value(*connection, "SELECT 7 / 2"), "3");
  ASSERT_TRUE(connection->apply(nullptr).ok());
  EXPECT_EQ(first_value(*connection, "SELECT current_setting('TimeZone')"), before);
  EXPECT_EQ(first_value(*connection, "SELECT current_schema()"), "main");
  EXPECT_EQ(first_value(*connection, "SELECT current_database()"), "t");
  EXPECT_EQ(first_value(*connection, "SELECT 7 / 2"), "3.5");
}

TEST_F(DatabaseTest, ConfigurationIsLocked) {
  auto database = open();
  auto connection = std::move(database->connect()).value();
  EXPECT_FALSE(connection->execute("SET threads = 1").ok());
  EXPECT_FALSE(connection->execute("SET GLOBAL enable_external_access = true").ok());
  EXPECT_FALSE(connection->execute("COPY (SELECT 1) TO '" + folder_ + "/x.csv'").ok());
  EXPECT_FALSE(connection->execute("CREATE TABLE memory.main.leak (i INTEGER)").ok());
}

TEST_F(DatabaseTest, PreparedDescribesParametersAndColumns) {
  auto database = open();
  auto connection = std::move(database->connect()).value();
  ASSERT_TRUE(connection->execute("CREATE TABLE a (i BIGINT PRIMARY KEY, v VARCHAR)").ok());
  auto insert = std::move(connection->prepare("INSERT INTO a VALUES ($1, $2)")).value();
  ASSERT_EQ(insert->parameter_count(), 2);
  EXPECT_EQ(insert->parameter_type(0)->id, TypeId::kBigInt);
  auto inserted = insert->execute({Value::bigint(5), Value::varchar("five")}, false);
  ASSERT_TRUE(inserted.ok()) << inserted.error().to_string();
  EXPECT_EQ(inserted->kind(), ReturnKind::kChangedRows);
  EXPECT_EQ(inserted->changed_rows(), 1u);
  auto select = std::move(connection->prepare("SELECT v, i FROM a WHERE i = $1")).value();
  ASSERT_NE(select->columns(), nullptr);
  EXPECT_EQ(select->columns()->at(0).name, "v");
  EXPECT_EQ(select->columns()->at(1).type->id, TypeId::kBigInt);
  for (const bool streaming : {false, true}) {
    auto rows = select->execute({Value::bigint(5)}, streaming);
    ASSERT_TRUE(rows.ok()) << rows.error().to_string();
    auto chunk = rows->next();
    ASSERT_TRUE(chunk.ok() && chunk->has_value());
    EXPECT_EQ((*chunk)->column(0).string_at(0), "five");
    chunk = rows->next();
    ASSERT_TRUE(chunk.ok());
    EXPECT_FALSE(chunk->has_value());
  }
  auto unknown = std::move(connection->prepare("SELECT $1 AS x")).value();
  EXPECT_EQ(unknown->parameter_type(0), nullptr);
}

TEST_F(DatabaseTest, InterruptEndsALongStatement) {
  auto database = open();
  auto connection = std::move(database->connect()).value();
  std::atomic<bool> done = false;
  std::thread killer([&] {
    while (!done) {
      connection->interrupt();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  const auto status = connection->execute("SELECT count(*) FROM range(100000000000)");
  done = true;
  killer.join();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kQueryCanceled) << status.error().to_string();
}

struct ErrorCase {
  const char* sql;
  const char* sqlstate;
  int position;
};

TEST_F(DatabaseTest, ErrorsCarryTheirSqlstate) {
  auto database = open();
  auto c = std::move(database->connect()).value();
  for (const char* sql :
       {"CREATE TABLE p (id INT PRIMARY KEY)", "CREATE TABLE ch (id INT REFERENCES p (id))",
        "CREATE TABLE t (id INT PRIMARY KEY, u INT UNIQUE, n INT NOT NULL, k INT CHECK (k > 0), d DATE)",
        "INSERT INTO t VALUES (1, 1, 1, 1, NULL)", "INSERT INTO p VALUES (1)", "INSERT INTO ch VALUES (1)",
        "CREATE VIEW w AS SELECT * FROM t"}) {
    ASSERT_TRUE(c->execute(sql).ok()) << sql;
  }
  const ErrorCase cases[] = {
      {"insert into t values (1,2,1,1,null)", "23505", 0},
      {"insert into t values (2,1,1,1,null)", "23505", 0},
      {"insert into t values (3,3,null,1,null)", "23502", 0},
      {"insert into t values (3,3,1,-1,null)", "23514", 0},
      {"insert into ch values (9)", "23503", 0},
      {"delete from p where id = 1", "23503", 0},
      {"insert into t values (3,3,1,1,'abc')", "22007", 31},
      {"selec 1", "42601", 1},
      {"select * from nope", "42P01", 15},
      {"select nope from t", "42703", 8},
      {"select nope(1)", "42883", 8},
      {"select * from nope.t", "42P01", 15},
      {"insert into t values ('x',1,1,1,null)", "22P02", 23},
      {"select 'äé', 'x'::int", "22P02", 17},
      {"select 'ä€' frm x y", "42601", 17},
      {"select 2147483647::int + 1::int", "22003", 0},
      {"create table t (i int)", "42P07", 0},
      {"create schema main", "42P06", 0},
      {"select 1 from t group by id having n > 1", "42803", 0},
      {"select sum(x) from (select 'a' x)", "42883", 8},
      {"drop table nope", "42P01", 0},
      {"drop table p", "2BP01", 0},
  };
  for (const ErrorCase& test : cases) {
    const auto status = c->execute(test.sql);
    ASSERT_FALSE(status.ok()) << test.sql;
    EXPECT_EQ(sqlstate(status.error().code), test.sqlstate) << test.sql << ": " << status.error().to_string();
    if (test.position > 0) {
      EXPECT_EQ(status.error().position, test.position) << test.sql << ": " << status.error().to_string();
    }
    EXPECT_EQ(status.error().message.find('{'), std::string::npos) << status.error().message;
    EXPECT_EQ(status.error().message.find("LINE 1"), std::string::npos) << status.error().message;
  }
}

TEST_F(DatabaseTest, TwoWritersConflictWith40001) {
  auto database = open();
  auto a = std::move(database->connect()).value();
  auto b = std::move(database->connect()).value();
  ASSERT_TRUE(a->execute("CREATE TABLE t (i INT)").ok());
  ASSERT_TRUE(a->execute("INSERT INTO t VALUES (1)").ok());
  for (const std::string sql : {"UPDATE t SET i = i + 1", "DELETE FROM t"}) {
    ASSERT_TRUE(a->begin().ok());
    ASSERT_TRUE(b->begin().ok());
    ASSERT_TRUE(a->execute("SELECT * FROM t").ok());
    ASSERT_TRUE(b->execute(sql).ok());
    const auto status = a->execute(sql);
    ASSERT_FALSE(status.ok());
    EXPECT_TRUE(is_conflict(status.error())) << status.error().to_string();
    a->rollback();
    b->rollback();
  }
}

TEST_F(DatabaseTest, AnEmptyFileBecomesADatabase) {
  fclose(fopen(options_.file.c_str(), "w"));
  auto database = open();
  ASSERT_NE(database, nullptr);
  auto connection = std::move(database->connect()).value();
  EXPECT_TRUE(connection->execute("CREATE TABLE a (i INTEGER)").ok());
}

TEST_F(DatabaseTest, OpeningSaysWhatIsWrong) {
  FILE* junk = fopen(options_.file.c_str(), "w");
  for (int i = 0; i < 20000; i++) fputs("not a database ", junk);
  fclose(junk);
  auto database = Database::open(options_);
  ASSERT_FALSE(database.ok());
  EXPECT_EQ(database.error().code, ErrorCode::kDataCorrupted) << database.error().to_string();
  EXPECT_FALSE(database.error().hint.empty());
}

}  // namespace
}  // namespace merganser::engine
