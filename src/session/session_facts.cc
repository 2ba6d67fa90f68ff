#include "session/session_facts.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_set>

#include "engine/pg_statement.h"
#include "engine/sql_tokens.h"
#include "engine/text_edits.h"

namespace merganser::session {
namespace {

using engine::PgStatement;

// Settings of PostgreSQL's server that tools ask for, with the one value that they have here.
constexpr std::pair<std::string_view, std::string_view> kOfServer[] = {
    {"autovacuum", "on"},
    {"block_size", "8192"},
    {"data_checksums", "off"},
    {"default_table_access_method", "heap"},
    {"default_tablespace", ""},
    {"default_text_search_config", "pg_catalog.english"},
    {"escape_string_warning", "on"},
    {"hot_standby", "off"},
    {"lc_collate", "C"},
    {"lc_ctype", "C"},
    {"lc_messages", "C"},
    {"lc_monetary", "C"},
    {"lc_numeric", "C"},
    {"lc_time", "C"},
    {"max_connections", "2000"},
    {"max_function_args", "100"},
    {"max_index_keys", "32"},
    {"password_encryption", "scram-sha-256"},
    {"port", "5432"},
    {"segment_size", "131072"},
    {"shared_preload_libraries", ""},
    {"ssl", "on"},
    {"wal_block_size", "8192"},
    {"wal_level", "replica"},
    {"work_mem", "4MB"},
    {"xmlbinary", "base64"},
    {"xmloption", "content"}};

// A look at the text that costs next to nothing: all that is answered here has one of these in its name.
bool may_ask(std::string_view sql) {
  constexpr std::array<std::string_view, 7> parts{"_user", "_role", "_pid",         "_setting",
                                                  "_addr", "_port", "_all_settings"};
  for (size_t at = sql.find('_'); at != std::string_view::npos; at = sql.find('_', at + 1)) {
    for (const std::string_view part : parts) {
      const std::string_view here = sql.substr(at, part.size());
      if (here.size() == part.size() && std::equal(part.begin(), part.end(), here.begin(), [](char a, char b) {
            return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b | 0x20) : b);
          })) {
        return true;
      }
    }
  }
  return false;
}

std::map<std::string, std::string> all_settings(const Variables& variables) {
  std::map<std::string, std::string> all(std::begin(kOfServer), std::end(kOfServer));
  for (const auto& [name, value] : variables.show_all()) all[name] = value;
  return all;
}

std::string map_literal(const std::map<std::string, std::string>& settings) {
  std::string out = "MAP {";
  for (const auto& [name, value] : settings) {
    out += (out.size() > 5 ? ", " : "") + engine::quote_literal(name) + ": " + engine::quote_literal(value);
  }
  return out + "}";
}

class Filler {
 public:
  Filler(std::string_view sql, const SessionFacts& facts) : sql_(sql), s_(sql), facts_(facts) {}

  std::optional<std::string> run() {
    for (size_t i = s_.first_rewritten(); i < s_.size(); i++) {
      // Of pg_catalog, or of no schema.
      const bool qualified = s_.folded(i) == "pg_catalog" && s_.is(i + 1, '.') && s_.name(i + 2);
      const size_t at = qualified ? i + 2 : i;
      if (!s_.name(at) || (i > 0 && s_.is(i - 1, '.'))) continue;
      if (user(i, at) || settings(i, at) || setting(i, at) || plain_call(i, at)) i = at;
    }
    if (edits_.empty()) return std::nullopt;
    return edits_.apply(sql_).text;
  }

 private:
  // Tokens [first, last] become `value`, which keeps the name as a column of the result.
  void put(size_t first, size_t last, const std::string& value, const std::string& name) {
    const bool begins = first > 0 && (s_.word(first - 1, "select") || s_.is(first - 1, ','));
    const bool ends = last + 1 >= s_.size() || s_.is(last + 1, ',') || s_.word(last + 1, "from");
    const bool column = begins && ends && s_.in_outer_list(first);
    edits_.replace(s_.token(first).offset, s_.end_of(last),
                   value + (column ? " AS " + engine::quote_name(name) : std::string()));
  }

  bool user(size_t first, size_t at) {
    static const std::unordered_set<std::string_view> names{"current_user", "session_user", "current_role"};
    if (s_.token(at).kind != engine::TokenKind::kWord || !names.contains(s_.folded(at)) || s_.is(at + 1, '.')) {
      return false;
    }
    if (first > 0 && s_.word(first - 1, "as")) return false;
    const bool call = s_.is(at + 1, '(') && s_.is(at + 2, ')');
    put(first, call ? at + 2 : at, engine::quote_literal(facts_.user) + "::VARCHAR", s_.folded(at));
    return true;
  }

  bool settings(size_t first, size_t at) {
    const std::string name = s_.folded(at);
    const bool call = name == "pg_show_all_settings" && s_.is(at + 1, '(') && s_.is(at + 2, ')');
    if (!call && (name != "pg_settings" || s_.is(at + 1, '.') || !s_.in_from(first))) return false;
    const size_t last = call ? at + 2 : at;
    const bool has_alias = s_.word(last + 1, "as") || (s_.name(last + 1) && !s_.is_keyword_after_table(last + 1));
    edits_.replace(s_.token(first).offset, s_.end_of(last),
                   "pg_catalog.settings_of(" + map_literal(all_settings(facts_.variables)) + ")" +
                       (has_alias ? "" : " AS " + name));
    return true;
  }

  bool setting(size_t first, size_t at) {
    if (s_.folded(at) != "current_setting" || !s_.is(at + 1, '(')) return false;
    const size_t close = s_.closing(at + 1);
    const bool literal = s_.token(at + 2).kind == engine::TokenKind::kString;
    const bool alone = literal && close == at + 3;
    const bool with_missing = literal && close == at + 5 && s_.is(at + 3, ',');
    if (!alone && !with_missing) {
      edits_.replace(s_.token(first).offset, s_.end_of(at + 1),
                     "pg_catalog.setting_of(" + map_literal(all_settings(facts_.variables)) + ", ");
      return true;
    }
    std::string name = engine::unquoted_string(s_.token(at + 2));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(tolower(c)); });
    if (const auto known = value_of(name)) {
      put(first, close, engine::quote_literal(*known) + "::VARCHAR", "current_setting");
    } else if (with_missing && s_.word(at + 4, "true")) {
      put(first, close, "NULL::VARCHAR", "current_setting");
    } else {
      // One of DuckDB's, or none: DuckDB says.
      edits_.replace(s_.token(first).offset, s_.end_of(close),
                     "system.main.current_setting(" + std::string(s_.token(at + 2).text) + ")::VARCHAR");
    }
    return true;
  }

  std::optional<std::string> value_of(const std::string& name) const {
    if (const auto value = facts_.variables.show(name); value.ok()) return *value;
    const auto* it =
        std::find_if(std::begin(kOfServer), std::end(kOfServer), [&](const auto& s) { return s.first == name; });
    return it == std::end(kOfServer) ? std::nullopt : std::optional(std::string(it->second));
  }

  bool plain_call(size_t first, size_t at) {
    if (s_.folded(at) != "pg_backend_pid" || !s_.is(at + 1, '(') || !s_.is(at + 2, ')')) return false;
    put(first, at + 2, std::to_string(facts_.backend & 0x7fffffff) + "::INTEGER", "pg_backend_pid");
    return true;
  }

  std::string_view sql_;
  PgStatement s_;
  const SessionFacts& facts_;
  engine::TextEdits edits_;
};

}  // namespace

std::optional<std::string> fill_facts(std::string_view sql, const SessionFacts& facts) {
  if (!may_ask(sql)) return std::nullopt;
  return Filler(sql, facts).run();
}

void fill_facts(coordinator::Statement& statement, const SessionFacts& facts) {
  const engine::StatementKind kind = statement.kind->kind;
  if (kind != engine::StatementKind::kRead && kind != engine::StatementKind::kWrite &&
      kind != engine::StatementKind::kPinnedRead) {
    return;
  }
  auto filled = fill_facts(*statement.sql, facts);
  if (!filled) return;
  statement.sql = std::make_shared<const std::string>(*std::move(filled));
  statement.shape = nullptr;
}

}  // namespace merganser::session
