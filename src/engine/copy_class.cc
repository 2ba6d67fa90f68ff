#include "engine/copy_class.h"

#include "engine/reserved_names.h"

namespace merganser::engine {
namespace {

StatementClass refusal(Error error) {
  StatementClass out;
  out.kind = StatementKind::kRefused;
  out.tag = "COPY";
  out.refusal = std::move(error);
  return out;
}

std::string column_list(const std::vector<std::string>& columns) {
  if (columns.empty()) return "*";
  std::string out;
  for (const std::string& column : columns) out += (out.empty() ? "" : ", ") + quote_name(column);
  return out;
}

Error no_rows(const StatementClass& copied) {
  return make_error(ErrorCode::kFeatureNotSupported, copied.kind == StatementKind::kWrite
                                                         ? "COPY query must have a RETURNING clause"
                                                         : "COPY query must be a SELECT, or a change with RETURNING");
}

bool returns_rows(const StatementClass& copied, std::string_view sql) {
  if (copied.kind == StatementKind::kRead || copied.kind == StatementKind::kUnknown) return true;
  if (copied.kind != StatementKind::kWrite) return false;
  for (const Token& token : tokenize(sql)) {
    if (token.is_word("returning")) return true;
  }
  return false;
}

// Where the file has no schema public, the name stands for main, as everywhere (see pg_rewrite.h).
std::shared_ptr<const CopyStatement> with_public_as_main(std::shared_ptr<const CopyStatement> copy,
                                                         const CatalogNames* names) {
  if (names == nullptr || names->has_public_schema) return copy;
  const auto tokens = tokenize(copy->table);
  const bool named = tokens.size() == 3 && tokens[1].is('.');
  if (!named || !(tokens[0].is_word("public") || tokens[0].text == "\"public\"")) return copy;
  auto out = std::make_shared<CopyStatement>(*copy);
  out->table = "main." + std::string(tokens[2].text);
  return out;
}

}  // namespace

StatementClass classify_copy(std::string_view sql, const std::vector<Token>& tokens, const CatalogNames* names) {
  auto parsed = parse_copy(sql, tokens);
  if (!parsed.ok()) return refusal(std::move(parsed).error());
  const CopyStatement& copy = **parsed;
  StatementClass out;
  out.kind = copy.from ? StatementKind::kCopyFrom : StatementKind::kCopyTo;
  out.tag = "COPY";
  out.tag_counts = true;
  out.copy = *parsed;
  if (copy.from) {
    out.copy = with_public_as_main(*parsed, names);
    if (auto reserved = refuse_reserved(tokenize("INSERT INTO " + copy.table))) return refusal(*std::move(reserved));
    return out;
  }
  out.copied_sql = std::make_shared<const std::string>(
      copy.query.empty() ? "SELECT " + column_list(copy.columns) + " FROM " + copy.table : copy.query);
  StatementClass copied = classify(*out.copied_sql, names);
  if (copied.kind == StatementKind::kRefused) return refusal(*std::move(copied.refusal));
  if (!returns_rows(copied, *out.copied_sql)) return refusal(no_rows(copied));
  copied.tag = "COPY";
  copied.tag_counts = true;
  out.copied = std::make_shared<const StatementClass>(std::move(copied));
  return out;
}

}  // namespace merganser::engine
