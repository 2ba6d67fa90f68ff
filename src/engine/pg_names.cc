#include "engine/pg_names.h"

#include "engine/sql_tokens.h"

namespace merganser::engine {
std::string_view PgNames::number_of(const std::string& relation) const {
  const auto it = relations_.find(relation);
  return it == relations_.end() ? std::string_view() : it->second;
}

const PgNames& PgNames::get() {
  static const PgNames names;
  return names;
}

PgNames::PgNames() {
  std::vector<Relation> all;
  std::unordered_set<std::string> made;
  const auto read = [&](std::string_view text) {
    const auto tokens = tokenize(text);
    const auto string_at = [&](size_t i) { return i < tokens.size() && tokens[i].kind == TokenKind::kString; };
    for (size_t i = 0; i + 5 < tokens.size(); i++) {
      // (2601, 'pg', 'pg_am', 'r', '…'): a relation that PostgreSQL has.
      if (tokens[i].is('(') && string_at(i + 3) && string_at(i + 5) && string_at(i + 9)) {
        const std::string group = unquoted_string(tokens[i + 3]);
        if (group == "pg" || group == "info") {
          all.push_back({unquoted_string(tokens[i + 5]), unquoted_string(tokens[i + 9]), group == "info"});
          if (group == "pg") relations_.emplace(all.back().name, tokens[i + 1].text);
        }
      }
      if (!tokens[i].is_word("create") || !tokens[i + 2].is('@')) continue;
      const std::string name = folded_name(tokens[i + 3]);
      if (tokens[i + 1].is_word("view")) made.insert(name == "info" ? "info." + folded_name(tokens[i + 5]) : name);
      if (!tokens[i + 1].is_word("macro")) continue;
      if (name == "fixed") {
        fixed_functions_.insert(folded_name(tokens[i + 5]));
      } else {
        functions_.insert(name);
      }
    }
  };
  const PgCatalogTexts& texts = pg_catalog_texts();
  for (const std::string_view text : texts.fixed) read(text);
  for (const std::string_view text : texts.catalog) read(text);
  for (Relation& relation : all) {
    if (relation.information) information_.insert(relation.name);
    if (!made.contains(relation.information ? "info." + relation.name : relation.name)) {
      undefined_.push_back(std::move(relation));
    }
  }
}

}  // namespace merganser::engine
