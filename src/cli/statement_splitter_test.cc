#include "cli/statement_splitter.h"

#include <gtest/gtest.h>
#include <vector>

namespace merganser::cli {
namespace {

std::vector<std::string> split(std::string_view text, size_t piece) {
  StatementSplitter splitter;
  std::vector<std::string> found;
  for (size_t at = 0; at < text.size(); at += piece) {
    splitter.feed(text.substr(at, piece));
    while (auto statement = splitter.next()) found.push_back(statement->text);
  }
  while (auto statement = splitter.next(true)) found.push_back(statement->text);
  return found;
}

// However the text is cut into pieces, the statements are the same.
void expect_split(std::string_view text, const std::vector<std::string>& expected) {
  for (size_t piece = 1; piece <= text.size() + 1; ++piece) {
    EXPECT_EQ(split(text, piece), expected) << "in pieces of " << piece;
  }
}

TEST(StatementSplitter, CutsAtSemicolonsOutsideOfQuotesAndComments) {
  expect_split("select 1; select 2", {"select 1", "select 2"});
  expect_split(" ;; -- nothing;\n/* ; /* nested ; */ ; */ ;", {});
  expect_split("select ';', \";\", 'it''s;' ; x", {"select ';', \";\", 'it''s;'", "x"});
  expect_split("select e'\\';' ; select E'a'';\\\\' ; y", {"select e'\\';'", "select E'a'';\\\\'", "y"});
  expect_split("select 'c:\\' ; z", {"select 'c:\\'", "z"});
  expect_split("select $$a;b$$; select $t$ $$ ; $x$ $t$; z", {"select $$a;b$$", "select $t$ $$ ; $x$ $t$", "z"});
  expect_split("select $1; select a$b; select $2$3", {"select $1", "select a$b", "select $2$3"});
  expect_split("select 1 -- one; two\n + 2; x", {"select 1 -- one; two\n + 2", "x"});
  expect_split("select 1 - 2 / 3; x/*;*/", {"select 1 - 2 / 3", "x/*;*/"});
  expect_split("select 'open; ", {"select 'open;"});
}

TEST(StatementSplitter, CountsLines) {
  StatementSplitter splitter;
  splitter.feed("a;\n\n b\n;\n  c");
  EXPECT_EQ(splitter.next()->line, 1U);
  EXPECT_EQ(splitter.next()->line, 3U);
  EXPECT_FALSE(splitter.next());
  EXPECT_EQ(splitter.next(true)->line, 5U);
}

TEST(StatementSplitter, SaysWhatIsOpen) {
  StatementSplitter splitter;
  EXPECT_TRUE(splitter.empty());
  splitter.feed("  -- note\n");
  EXPECT_TRUE(splitter.empty());
  splitter.feed("select 'a\n");
  EXPECT_FALSE(splitter.empty());
  EXPECT_EQ(splitter.open_quote(), '\'');
  splitter.clear();
  splitter.feed("select $q$ \n");
  EXPECT_FALSE(splitter.next());
  EXPECT_EQ(splitter.open_quote(), '$');
}

}  // namespace
}  // namespace merganser::cli
