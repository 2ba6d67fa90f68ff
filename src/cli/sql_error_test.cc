#include "cli/sql_error.h"

#include <gtest/gtest.h>

#include "cli/completion.h"
#include "cli/prompt.h"
#include "cli/status_command.h"

namespace merganser::cli {
namespace {

TEST(SqlError, PointsAtTheCharacter) {
  EXPECT_EQ(caret_lines("select x from t", 8), "LINE 1: select x from t\n               ^\n");
  EXPECT_EQ(caret_lines("select 1,\n  日本 + y", 18), "LINE 2:   日本 + y\n                 ^\n");
  EXPECT_EQ(caret_lines("select", 0), "");
  EXPECT_EQ(caret_lines("ab", 3), "LINE 1: ab\n          ^\n");
  EXPECT_EQ(caret_lines("ab", 99), "LINE 1: ab\n          ^\n");
}

TEST(SqlError, CutsLongLines) {
  const std::string text = std::string(200, 'a') + "X" + std::string(200, 'b');
  const std::string lines = caret_lines(text, 201);
  const size_t end = lines.find('\n');
  EXPECT_LT(end, 160U);
  EXPECT_TRUE(lines.starts_with("LINE 1: ..."));
  EXPECT_EQ(lines[lines.find('^') - end - 1], 'X');
}

TEST(SqlError, HasEveryPart) {
  Error error = make_error(ErrorCode::kSyntaxError, "no such column", "table t has a, b", "did you mean a?");
  error.position = 8;
  EXPECT_EQ(format_sql_error("42703", error, "select x", "load.sql:3: "),
            "load.sql:3: ERROR 42703: no such column\n"
            "LINE 1: select x\n"
            "               ^\n"
            "DETAIL: table t has a, b\n"
            "HINT: did you mean a?\n");
}

TEST(Completion, FollowsTheCaseOfWhatWasTyped) {
  Completion names;
  names.set_names({"selection", "Sells", "flights", "flights"});
  EXPECT_EQ(names.candidates("sel"), (std::vector<std::string>{"Sells", "select", "selection"}));
  EXPECT_EQ(names.candidates("SELEC"), (std::vector<std::string>{"SELECT", "selection"}));
  EXPECT_EQ(names.candidates("fl"), (std::vector<std::string>{"flights"}));
  EXPECT_TRUE(names.candidates("zz").empty());
}

TEST(Prompt, DescribesTables) {
  EXPECT_NE(describe_query("\\d").find("information_schema.tables"), std::string::npos);
  EXPECT_NE(describe_query("\\dt").find("BASE TABLE"), std::string::npos);
  EXPECT_NE(describe_query("\\d o'neil").find("table_name = 'o''neil'"), std::string::npos);
  EXPECT_EQ(describe_query("\\x"), "");
}

TEST(StatusText, ShowsUnitsAndUnknownKeys) {
  const std::string text =
      status_text(R"({"pid":1234567,"file":"/a.db","file_bytes":3072,"uptime_s":3725,"wal":{"bytes":2097152,"odd":0},)"
                  R"("queue":{"units":0,"waiting":0},"commits":1234567,"new_thing":[1],"x_us":1500})");
  EXPECT_EQ(text,
            "file       /a.db\n"
            "pid        1234567\n"
            "uptime     1 h 2 min\n"
            "queue      units 0\n"
            "wal        size 2.0 MiB\n"
            "file size  3.0 KiB\n"
            "commits    1,234,567\n"
            "new thing  [1]\n"
            "x          1.5 ms\n");
  EXPECT_EQ(status_text("not json"), "not json\n");
}

}  // namespace
}  // namespace merganser::cli
