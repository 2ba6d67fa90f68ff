#include "session/pinned_insert.h"

#include <algorithm>

#include "engine/result_codec.h"
#include "engine/sql_tokens.h"
#include "engine/value_text.h"

namespace merganser::session {
namespace {

using engine::Token;
using engine::TokenKind;

bool is_name(const Token& token) {
  return token.kind == TokenKind::kWord || token.kind == TokenKind::kQuotedName;
}

// INSERT INTO table (columns) VALUES (…), (…) RETURNING column, column …
class Form {
 public:
  explicit Form(std::string_view sql) : sql_(sql), tokens_(engine::tokenize(sql)) {}

  bool parse() {
    if (!word("insert") || !word("into")) return false;
    const size_t first = at_;
    while (at_ + 1 < tokens_.size() && is_name(tokens_[at_]) && tokens_[at_ + 1].is('.')) at_ += 2;
    if (at_ >= tokens_.size() || !is_name(tokens_[at_])) return false;
    table = sql_.substr(tokens_[first].offset, end(at_) - tokens_[first].offset);
    at_++;
    if (!symbol('(')) return false;
    do {
      if (at_ >= tokens_.size() || !is_name(tokens_[at_])) return false;
      columns.push_back(engine::folded_name(tokens_[at_++]));
    } while (symbol(','));
    columns_end = at_ < tokens_.size() ? tokens_[at_].offset : 0;
    if (!symbol(')') || !word("values")) return false;
    do {
      if (at_ >= tokens_.size() || !tokens_[at_].is('(')) return false;
      const uint16_t depth = tokens_[at_].depth;
      at_++;
      while (at_ < tokens_.size() && !(tokens_[at_].is(')') && tokens_[at_].depth == depth)) at_++;
      if (at_ >= tokens_.size()) return false;
      row_ends.push_back(tokens_[at_++].offset);
    } while (symbol(','));
    if (!word("returning")) return false;
    do {
      // [table.]column [AS alias]
      while (at_ + 1 < tokens_.size() && is_name(tokens_[at_]) && tokens_[at_ + 1].is('.')) at_ += 2;
      if (at_ >= tokens_.size() || !is_name(tokens_[at_])) return false;
      returned.push_back(engine::folded_name(tokens_[at_++]));
      if (word("as") && (at_ >= tokens_.size() || !is_name(tokens_[at_++]))) return false;
    } while (symbol(','));
    return at_ == tokens_.size() || tokens_[at_].kind == TokenKind::kSemicolon;
  }

  std::string_view table;
  std::vector<std::string> columns;
  size_t columns_end = 0;        // where the parenthesis of the columns closes
  std::vector<size_t> row_ends;  // likewise of each row
  std::vector<std::string> returned;

 private:
  bool word(std::string_view lower) {
    if (at_ >= tokens_.size() || !tokens_[at_].is_word(lower)) return false;
    at_++;
    return true;
  }
  bool symbol(char c) {
    if (at_ >= tokens_.size() || !tokens_[at_].is(c)) return false;
    at_++;
    return true;
  }
  size_t end(size_t i) const { return tokens_[i].offset + tokens_[i].text.size(); }

  std::string_view sql_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
};

std::string literal(const engine::VectorView& column, uint64_t row) {
  const std::string type = column.type->to_sql();
  if (!column.valid(row)) return "CAST(NULL AS " + type + ")";
  std::string text;
  {
    engine::TextSink sink(text, size_t{1} << 20);
    engine::append_text(sink, column, row, *TimeZone::utc());
  }
  return "CAST(" + engine::quote_literal(text) + " AS " + type + ")";
}

// What passes through a text unchanged.
bool has_exact_text(const engine::LogicalType& type) {
  using engine::TypeId;
  switch (type.id) {
    case TypeId::kTinyInt:
    case TypeId::kSmallInt:
    case TypeId::kInteger:
    case TypeId::kBigInt:
    case TypeId::kHugeInt:
    case TypeId::kUTinyInt:
    case TypeId::kUSmallInt:
    case TypeId::kUInteger:
    case TypeId::kUBigInt:
    case TypeId::kBoolean:
    case TypeId::kVarchar:
    case TypeId::kUuid:
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestampTz:
    case TypeId::kDecimal:
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<std::optional<PinnedInsert>> pin_insert(std::string_view sql, std::string_view kept) {
  const std::optional<PinnedInsert> none;
  Form form(sql);
  if (kept.empty() || !form.parse()) return none;
  MERGANSER_ASSIGN(engine::ResultSet result, engine::decode_result(kept));
  if (result.kind() != engine::ReturnKind::kRows || result.columns()->size() != form.returned.size()) return none;
  PinnedInsert out;
  std::vector<size_t> pinned;  // columns of the result
  for (size_t i = 0; i < form.returned.size(); i++) {
    const std::string& name = form.returned[i];
    const bool given = std::find(form.columns.begin(), form.columns.end(), name) != form.columns.end();
    const bool twice = std::find(out.columns.begin(), out.columns.end(), name) != out.columns.end();
    if (given || twice) continue;
    if (!has_exact_text(*(*result.columns())[i].type)) return none;
    pinned.push_back(i);
    out.columns.push_back(name);
  }
  if (pinned.empty()) return none;
  std::vector<std::string> rows;
  while (true) {
    MERGANSER_ASSIGN(auto chunk, result.next());
    if (!chunk) break;
    for (size_t row = 0; row < chunk->rows(); row++) {
      std::string values;
      for (const size_t column : pinned) values += ", " + literal(chunk->column(column), row);
      rows.push_back(std::move(values));
    }
  }
  if (rows.size() != form.row_ends.size()) return none;
  out.table = form.table;
  out.sql = sql.substr(0, form.columns_end);
  for (const std::string& name : out.columns) out.sql += ", " + engine::quote_name(name);
  size_t copied = form.columns_end;
  for (size_t i = 0; i < rows.size(); i++) {
    out.sql += sql.substr(copied, form.row_ends[i] - copied);
    out.sql += rows[i];
    copied = form.row_ends[i];
  }
  out.sql += sql.substr(copied);
  return std::optional<PinnedInsert>(std::move(out));
}

}  // namespace merganser::session
