// COPY as PostgreSQL writes it: what is copied, in which direction, and the options, old syntax and new.
//
// Only STDIN and STDOUT pass; files and programs of the server are refused here (42501). Errors have PostgreSQL's words
// and codes. Threads: pure functions over values.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/sql_tokens.h"

namespace merganser::engine {

enum class CopyFormat : uint8_t { kText, kCsv, kBinary };
enum class CopyHeader : uint8_t { kNone, kSkip, kMatch };

struct CopyOptions {
  CopyFormat format = CopyFormat::kText;
  CopyHeader header = CopyHeader::kNone;
  char delimiter = '\t';
  char quote = '"';   // CSV
  char escape = '"';  // CSV
  std::string null_text = "\\N";
  bool freeze = false;
  bool force_quote_all = false;
  std::vector<std::string> force_quote;     // columns
  std::vector<std::string> force_not_null;  // columns
  std::vector<std::string> force_null;      // columns
};

struct CopyStatement {
  bool from = false;                 // FROM STDIN; else TO STDOUT
  std::string table;                 // as SQL text, with its schema when that was said; empty: a query
  std::string table_name;            // without schema and quotes: for messages
  std::vector<std::string> columns;  // names without quotes; empty: all
  std::string query;                 // of COPY (query) TO STDOUT
  uint32_t query_offset = 0;         // bytes before it
  std::string where;                 // the condition of COPY FROM … WHERE
  CopyOptions options;
};

using CopyStatementPtr = std::shared_ptr<const CopyStatement>;

// `tokens` are those of one statement whose first word is COPY.
Result<CopyStatementPtr> parse_copy(std::string_view sql, const std::vector<Token>& tokens);

// The same name: without regard to the case of ASCII letters, as DuckDB has it.
bool is_same_name(std::string_view a, std::string_view b);

}  // namespace merganser::engine
