#include "cli/result_writer.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/text_width.h"
#include "cli/type_oids.h"

namespace merganser::cli {
namespace {

class ResultWriterTest : public testing::Test {
 protected:
  std::string write(OutputFormat format, const TableStyle& style = {}) {
    text_.clear();
    Output output([this](std::string_view piece) { return text_ += piece, true; });
    const auto writer = make_result_writer(format, output, style);
    writer->begin(columns_);
    for (const auto& cells : rows_) writer->row(cells);
    writer->end();
    return text_;
  }

  std::vector<ResultColumn> columns_{{"id", kInt4Oid}, {"name", 25}};
  std::vector<std::vector<Cell>> rows_{{"1", "ann"}, {"200", std::nullopt}};
  std::string text_;
};

TEST_F(ResultWriterTest, PlainTable) {
  EXPECT_EQ(write(OutputFormat::kTable),
            "  id | name\n"
            "-----+------\n"
            "   1 | ann\n"
            " 200 | NULL\n"
            "(2 rows)\n");
}

TEST_F(ResultWriterTest, FramedTableWithWideTextAndCut) {
  rows_ = {{"1", "日本"}, {"2", "abcdefghij"}};
  EXPECT_EQ(write(OutputFormat::kTable, {true, false, 6}),
            "┌────┬────────┐\n"
            "│ id │ name   │\n"
            "├────┼────────┤\n"
            "│  1 │ 日本   │\n"
            "│  2 │ abcde… │\n"
            "└────┴────────┘\n"
            "(2 rows)\n");
}

TEST_F(ResultWriterTest, TableTellsNullFromItsNameAndDisarmsControls) {
  rows_ = {{"1", "NULL"}, {"2", "a\nb\x1b[2J\xff"}};
  const std::string text = write(OutputFormat::kTable, {false, true, 0});
  EXPECT_NE(text.find("'NULL'"), std::string::npos);
  EXPECT_NE(text.find("a\\nb\\x1b[2J\\xff"), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  rows_ = {{"1", std::nullopt}};
  EXPECT_NE(write(OutputFormat::kTable, {false, true, 0}).find("\x1b[2mNULL\x1b[0m\n(1 row)"), std::string::npos);
}

TEST_F(ResultWriterTest, TableStreamsAfterTheRowsThatDecideWidths) {
  Output output([this](std::string_view piece) { return text_ += piece, true; });
  const auto writer = make_table_writer(output, {});
  writer->begin({{"n", kInt8Oid}});
  for (int i = 0; i < 1000; ++i) writer->row(std::vector<Cell>{"7"});
  output.flush();
  EXPECT_EQ(std::count(text_.begin(), text_.end(), '\n'), 1002);
  writer->row(std::vector<Cell>{"123456"});
  writer->end();
  EXPECT_TRUE(text_.ends_with(" 7\n 123456\n(1,001 rows)\n"));
}

TEST_F(ResultWriterTest, TableWithoutColumns) {
  columns_.clear();
  rows_ = {{}, {}};
  EXPECT_EQ(write(OutputFormat::kTable), "\n\n(2 rows)\n");
}

TEST_F(ResultWriterTest, Csv) {
  columns_ = {{"a", 25}, {"b \"q\"", 25}};
  rows_ = {{"x,y", "say \"hi\"\n"}, {"", std::nullopt}, {"plain", "ü"}};
  EXPECT_EQ(write(OutputFormat::kCsv), "a,\"b \"\"q\"\"\"\n\"x,y\",\"say \"\"hi\"\"\n\"\n\"\",\nplain,ü\n");
}

TEST_F(ResultWriterTest, JsonValuesFollowTheColumnTypes) {
  columns_ = {{"b", kBoolOid}, {"n", kNumericOid}, {"j", kJsonOid}, {"t", 25}, {"t", 25}, {"f", kFloat8Oid}};
  rows_ = {{"t", "12345678901234567890123.50", "{\"a\":\n[1]}", "1", "\"\\\n\x01", "NaN"},
           {"f", std::nullopt, "not json", "", "\xff", "-1e-3"}};
  const std::string expected_first =
      R"({"b":true,"n":12345678901234567890123.50,"j":{"a": [1]},"t":"1","t_2":"\"\\\n\u0001","f":"NaN"})";
  const std::string expected_second = R"({"b":false,"n":null,"j":"not json","t":"","t_2":"\ufffd","f":-1e-3})";
  EXPECT_EQ(write(OutputFormat::kNdjson), expected_first + "\n" + expected_second + "\n");
  const std::string array = write(OutputFormat::kJson);
  EXPECT_EQ(array, "[\n" + expected_first + ",\n" + expected_second + "\n]\n");
  EXPECT_EQ(nlohmann::json::parse(array).size(), 2U);
  rows_.clear();
  EXPECT_EQ(write(OutputFormat::kJson), "[]\n");
  EXPECT_EQ(write(OutputFormat::kNdjson), "");
}

TEST_F(ResultWriterTest, JsonOfArrays) {
  columns_ = {{"a", 1007}, {"t", 1009}, {"b", 1000}};
  rows_ = {{"{{1,2},{3,NULL}}", R"({a,"b,\"c\" {}","NULL",NULL,""})", "{t,f}"},
           {"{}", "{\"open", "[0:1]={t,f}"},
           {"{1,}", "x", std::nullopt}};
  EXPECT_EQ(write(OutputFormat::kNdjson),
            R"({"a":[[1,2],[3,null]],"t":["a","b,\"c\" {}","NULL",null,""],"b":[true,false]})"
            "\n"
            R"({"a":[],"t":"{\"open","b":[true,false]})"
            "\n"
            R"({"a":"{1,}","t":"x","b":null})"
            "\n");
}

TEST_F(ResultWriterTest, AFailedWriteIsRemembered) {
  Output output([](std::string_view) { return false; });
  const auto writer = make_csv_writer(output);
  writer->begin(columns_);
  EXPECT_FALSE(output.failed());
  writer->end();
  EXPECT_TRUE(output.failed());
}

TEST(TextWidth, CountsColumns) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("日本"), 4U);
  EXPECT_EQ(display_width("e\u0301"), 1U);
  EXPECT_EQ(cut_to_width("日本語", 5), "日本…");
  EXPECT_EQ(cut_to_width("日本語", 6), "日本語");
  EXPECT_EQ(printable("\u202etxt.exe"), "\\u202etxt.exe");
  EXPECT_EQ(decode_front("\xc0\x80").value, -1);
  EXPECT_EQ(decode_front("\xed\xa0\x80").value, -1);
  EXPECT_EQ(decode_front("\xf4\x90\x80\x80").value, -1);
  EXPECT_EQ(decode_front("\xe6\x97").value, -1);
}

}  // namespace
}  // namespace merganser::cli
