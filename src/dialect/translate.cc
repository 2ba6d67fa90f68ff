#include "dialect/translate.h"

#include "dialect/sql_view.h"
#include "dialect/statements.h"

namespace merganser::dialect {
namespace {

MaybeTranslation by_first_word(const SqlView& sql) {
  const std::string first = sql.folded(0);
  if (first == "create") {
    if (auto made = create_table(sql)) return made;
    return create_other(sql);
  }
  if (first == "alter") {
    if (auto made = alter_table(sql)) return made;
    return alter_other(sql);
  }
  if (first == "drop") return drop(sql);
  if (first == "truncate") return truncate(sql);
  if (first == "vacuum" || first == "analyze" || first == "analyse" || first == "reindex" || first == "cluster" ||
      first == "refresh") {
    return maintain(sql);
  }
  if (first == "grant" || first == "revoke" || first == "comment" || first == "reassign") {
    return privileges(sql);
  }
  return query(sql);
}

}  // namespace

std::optional<Translation> translate(std::string_view text) {
  const SqlView sql(text);
  if (sql.size() == 0) return std::nullopt;
  return by_first_word(sql);
}

// ---- shared ----------------------------------------------------------------------------------------------------

Translation refused(std::string message, std::string hint) {
  Translation out;
  out.refusal = make_error(ErrorCode::kFeatureNotSupported, std::move(message), {}, std::move(hint));
  return out;
}

Translation done_already(std::string tag, std::string notice) {
  Translation out = as_script(std::move(tag), {});
  if (!notice.empty()) out.notices.push_back(std::move(notice));
  return out;
}

Translation as_script(std::string tag, std::vector<engine::ScriptStep> steps) {
  Translation out;
  auto script = std::make_shared<engine::Script>();
  script->steps = std::move(steps);
  out.script = std::move(script);
  out.tag = std::move(tag);
  return out;
}

std::optional<engine::ObjectName> read_name(const SqlView& sql, size_t& at) {
  if (!sql.name(at)) return std::nullopt;
  const auto unquoted = [&](size_t index) {
    const std::string_view text = sql[index].text;
    if (sql.kind(index, engine::TokenKind::kWord)) return std::string(text);
    std::string out;
    for (size_t i = 1; i + 1 < text.size(); i++) {
      out += text[i];
      if (text[i] == '"') i++;
    }
    return out;
  };
  engine::ObjectName name;
  name.name = unquoted(at++);
  while (sql.is(at, '.') && sql.name(at + 1)) {
    name.schema = std::exchange(name.name, unquoted(at + 1));
    at += 2;
  }
  return name;
}

engine::ObjectName sequence_of(const engine::ObjectName& table, const std::string& column) {
  return {table.schema, table.name + "_" + column + "_seq"};
}

}  // namespace merganser::dialect
