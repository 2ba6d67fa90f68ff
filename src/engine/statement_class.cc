#include "engine/statement_class.h"

#include <algorithm>

#include "engine/copy_class.h"
#include "engine/reserved_names.h"
#include "engine/session_calls.h"
#include "engine/sql_tokens.h"
#include "engine/statement_names.h"

namespace merganser::engine {
namespace {

using Names = NameSet;
using Tokens = std::vector<Token>;

// Functions that reach past the caller's data: they switch things for the whole process, run text that was not
// looked at, or read files. statement_class_test.cc holds this list against every table function of the DuckDB in use.
const Names& refused_functions() {
  static const Names names{"enable_logging",
                           "disable_logging",
                           "truncate_duckdb_logs",
                           "duckdb_logs",
                           "duckdb_logs_parsed",
                           "duckdb_log_contexts",
                           "enable_profiling",
                           "disable_profiling",
                           "enable_peg_parser",
                           "disable_peg_parser",
                           "check_peg_parser",
                           "checkpoint",
                           "force_checkpoint",
                           "query",
                           "json_execute_serialized_sql",
                           "read_blob",
                           "read_text",
                           "read_csv",
                           "read_csv_auto",
                           "sniff_csv",
                           "glob",
                           "read_json",
                           "read_json_auto",
                           "read_json_objects",
                           "read_json_objects_auto",
                           "read_ndjson",
                           "read_ndjson_auto",
                           "read_ndjson_objects",
                           "read_parquet",
                           "parquet_scan",
                           "parquet_schema",
                           "parquet_metadata",
                           "parquet_file_metadata",
                           "parquet_full_metadata",
                           "parquet_kv_metadata",
                           "parquet_bloom_probe",
                           "read_duckdb",
                           "arrow_scan",
                           "arrow_scan_dumb",
                           "seq_scan",
                           "duckdb_secrets",
                           "which_secret",
                           "duckdb_external_file_cache",
                           "duckdb_temporary_files",
                           "getenv",
                           "write_log",
                           "sql_auto_complete",
                           "test_vector_types",
                           "pragma_metadata_info",
                           "merganser_batch",
                           "merganser_type"};
  return names;
}

Error refused(std::string message, std::string hint) {
  return make_error(ErrorCode::kInsufficientPrivilege, std::move(message), {}, std::move(hint));
}
StatementClass refusal(Error error) {
  StatementClass out;
  out.kind = StatementKind::kRefused;
  out.refusal = std::move(error);
  return out;
}

StatementClass unsupported(std::string message, std::string hint) {
  return refusal(make_error(ErrorCode::kFeatureNotSupported, std::move(message), {}, std::move(hint)));
}

StatementClass simple(StatementKind kind, std::string tag, bool counts = false) {
  StatementClass out;
  out.kind = kind;
  out.tag = std::move(tag);
  out.tag_counts = counts;
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(toupper(c)); });
  return out;
}

// A class over one statement's tokens: every method looks at them and decides one thing.
class Classifier {
 public:
  Classifier(std::string_view sql, const Tokens& tokens, const CatalogNames* names)
      : sql_(sql), tokens_(tokens), names_(names) {}

  bool mentions_time() const { return mentions_any(time_functions()); }

  StatementClass run() const {
    if (tokens_.empty()) return {};
    if (auto error = refused_name()) return refusal(*std::move(error));
    auto command = parse_session_command(sql_, tokens_);
    if (!command.ok()) return refusal(std::move(command).error());
    if (*command) return session_command(**std::move(command));
    StatementClass out = by_first_word(0);
    if (mentions_session_function(tokens_) && out.kind != StatementKind::kRefused) {
      if (out.kind == StatementKind::kRead && !out.explains) out.kind = StatementKind::kSessionCall;
    }
    out.asks_session = mentions_session_value(tokens_);
    out.target = target_of(tokens_, out.kind);
    out.advances_sequence = mentions("nextval");
    out.time_dependent = mentions_time() || (names_ != nullptr && mentions_any(names_->time_dependent));
    return out;
  }

  std::optional<Error> refused_call() const { return find_call(); }
  std::optional<Error> refused_name() const {
    if (auto error = refused_call()) return error;
    return refuse_reserved(tokens_);
  }

 private:
  bool word(size_t index, std::string_view lower) const {
    return index < tokens_.size() && tokens_[index].is_word(lower);
  }
  bool name_at(size_t index) const {
    return index < tokens_.size() &&
           (tokens_[index].kind == TokenKind::kWord || tokens_[index].kind == TokenKind::kQuotedName);
  }
  std::string folded(size_t index) const { return name_at(index) ? folded_name(tokens_[index]) : std::string(); }

  std::optional<Error> find_call() const {
    if (names_ != nullptr && !names_->refused.empty() && mentions_any(names_->refused)) {
      return refused("a view or macro of this file calls what is not for clients of a shared file",
                     "It reads files or changes the whole process. Drop it or define it anew with plain DuckDB.");
    }
    for (size_t i = 0; i + 1 < tokens_.size(); i++) {
      if (word(i, "u") && tokens_[i + 1].is('&')) {
        return make_error(ErrorCode::kFeatureNotSupported, "Unicode escapes (U&) are not supported", {},
                          "Write the characters themselves, in UTF-8.");
      }
      if (!name_at(i) || !tokens_[i + 1].is('(')) continue;
      const std::string name = folded(i);
      if (refused_functions().contains(name) && !names_a_table(i)) {
        return refused("function " + name + " is not for clients of a shared file",
                       "It reads files or changes the whole process. Use SQL over tables, or the merganser command.");
      }
    }
    return std::nullopt;
  }

  // INSERT INTO glob (…), CREATE TABLE IF NOT EXISTS glob (…), REFERENCES glob (…): a table of that name, not a call.
  bool names_a_table(size_t at) const {
    size_t i = at;
    while (i >= 2 && tokens_[i - 1].is('.')) i -= 2;
    return i > 0 && (word(i - 1, "into") || word(i - 1, "table") || word(i - 1, "exists") || word(i - 1, "references"));
  }

  template <typename Set>
  bool mentions_any(const Set& names) const {
    return std::any_of(tokens_.begin(), tokens_.end(), [&](const Token& token) {
      return (token.kind == TokenKind::kWord || token.kind == TokenKind::kQuotedName) &&
             names.contains(folded_name(token));
    });
  }

  bool mentions(std::string_view lower) const {
    return std::any_of(tokens_.begin(), tokens_.end(), [&](const Token& t) { return t.is_word(lower); });
  }

  StatementClass by_first_word(size_t at) const {
    if (at >= tokens_.size()) return {};
    if (tokens_[at].is('(')) return read();
    const std::string first = tokens_[at].kind == TokenKind::kWord ? folded(at) : std::string();
    if (first == "select" || first == "from" || first == "values" || first == "table" || first == "pivot" ||
        first == "unpivot" || first == "describe" || first == "desc" || first == "summarize") {
      return read();
    }
    if (first == "with") return with_clause(at);
    if (first == "insert") return insert(at);
    if (first == "update") return simple(StatementKind::kWrite, "UPDATE", true);
    if (first == "delete") return simple(StatementKind::kWrite, "DELETE", true);
    if (first == "merge") return simple(StatementKind::kWrite, "MERGE", true);
    if (first == "explain") return explain(at);
    if (first == "show") return show(at);
    if (first == "set" || first == "reset") return set(at);
    if (first == "use") return use(at);
    if (first == "create" || first == "drop" || first == "alter") return object_ddl(at, first);
    if (first == "truncate") return simple(StatementKind::kDdl, "TRUNCATE TABLE");
    if (first == "comment") return simple(StatementKind::kDdl, "COMMENT");
    if (first == "vacuum") return simple(StatementKind::kDdl, "VACUUM");
    if (first == "analyze") return simple(StatementKind::kDdl, "ANALYZE");
    if (first == "checkpoint") return checkpoint(at);
    if (first == "prepare") return prepared(StatementKind::kPrepare, "PREPARE");
    if (first == "execute") return prepared(StatementKind::kExecute, "EXECUTE");
    if (first == "deallocate") return prepared(StatementKind::kDeallocate, "DEALLOCATE");
    if (first == "pragma") return pragma(at);
    if (first == "copy") return simple(StatementKind::kCopyFrom, "COPY", true);
    return refused_word(first);
  }

  StatementClass refused_word(const std::string& first) const {
    static const Names never{"attach", "detach", "install",           "load", "export", "import", "force", "call",
                             "grant",  "revoke", "update_extensions", "do"};
    if (!never.contains(first)) return simple(StatementKind::kUnknown, upper(first));
    if (first == "attach" || first == "detach" || first == "force" || first == "call" || first == "install" ||
        first == "load" || first == "export" || first == "import") {
      return refusal(refused(upper(first) + " is not for clients of a shared file",
                             "It would change or stop the process that serves everyone. Files are attached with the "
                             "merganser command; checkpoints run by themselves, or with CHECKPOINT."));
    }
    return unsupported(upper(first) + " is not supported", "DuckDB has no such statement.");
  }

  static StatementClass read() { return simple(StatementKind::kRead, "SELECT", true); }

  // WITH a AS (…), b AS (…) <verb> …: the first verb outside parentheses decides.
  StatementClass with_clause(size_t at) const {
    for (size_t i = at + 1; i < tokens_.size(); i++) {
      if (tokens_[i].depth != tokens_[at].depth || tokens_[i].kind != TokenKind::kWord) continue;
      if (i > 0 && (tokens_[i - 1].is('.') || tokens_[i - 1].is(','))) continue;
      const std::string name = folded(i);
      if (name == "insert" || name == "update" || name == "delete" || name == "merge") {
        if (word(i - 1, "with") || word(i - 1, "recursive")) continue;  // a CTE of that name
        StatementClass out = by_first_word(i);
        out.plain_insert = false;
        return out;
      }
      if (name == "select" || name == "from" || name == "values") return read();
    }
    return read();
  }

  StatementClass insert(size_t at) const {
    StatementClass out = simple(StatementKind::kWrite, "INSERT 0", true);
    size_t i = at + 1;
    if (!word(i, "into")) return out;
    i++;
    while (name_at(i) && i + 1 < tokens_.size() && tokens_[i + 1].is('.')) i += 2;
    if (!name_at(i)) return out;
    i++;
    if (i < tokens_.size() && tokens_[i].is('(')) i = after_parentheses(i);
    if (!word(i, "values")) return out;
    i++;
    while (i < tokens_.size() && tokens_[i].is('(')) {
      i = after_parentheses(i);
      if (i < tokens_.size() && tokens_[i].is(',')) i++;
    }
    out.plain_insert = i >= tokens_.size() && !mentions("select") && !mentions("from");
    return out;
  }

  size_t after_parentheses(size_t open) const {
    size_t i = open + 1;
    while (i < tokens_.size() && !(tokens_[i].is(')') && tokens_[i].depth == tokens_[open].depth)) i++;
    return i + 1;
  }

  StatementClass explain(size_t at) const {
    size_t i = at + 1;
    bool runs = false;
    if (i < tokens_.size() && tokens_[i].is('(')) {
      for (size_t j = i; j < after_parentheses(i) && j < tokens_.size(); j++) runs |= tokens_[j].is_word("analyze");
      i = after_parentheses(i);
    }
    if (word(i, "analyze") || word(i, "analyse")) {
      runs = true;
      i++;
    }
    StatementClass body = by_first_word(i);
    if (body.kind == StatementKind::kRefused) return body;
    if (body.kind != StatementKind::kRead && body.kind != StatementKind::kWrite && body.kind != StatementKind::kDdl) {
      return simple(StatementKind::kUnknown, "EXPLAIN");
    }
    StatementClass out = simple(runs ? body.kind : StatementKind::kRead, "EXPLAIN");
    out.explains = true;
    return out;
  }

  StatementClass show(size_t at) const {
    const std::string name = folded(at + 1);
    static const Names lists{"tables", "databases", "all", "schemas"};
    if (name.empty()) return read();
    if (name == "all" && word(at + 2, "tables")) return read();
    if (name != "all" && lists.contains(name)) return read();
    StatementClass out = simple(StatementKind::kShow, "SHOW");
    out.setting = setting_name(at + 1);
    return out;
  }

  static StatementClass session_command(SessionCommand command) {
    StatementClass out = simple(statement_kind(command.kind), command.tag);
    out.command = std::make_shared<const SessionCommand>(std::move(command));
    return out;
  }

  std::string setting_name(size_t at) const {
    if (word(at, "time") && word(at + 1, "zone")) return "timezone";
    if (word(at, "session") && word(at + 1, "authorization")) return "session_authorization";
    if (word(at, "transaction") && word(at + 1, "isolation") && word(at + 2, "level")) return "transaction_isolation";
    std::string name = folded(at);
    if (at + 2 < tokens_.size() && tokens_[at + 1].is('.')) name += "." + folded(at + 2);
    return name;
  }

  StatementClass set(size_t at) const {
    StatementClass out = simple(StatementKind::kSet, word(at, "reset") ? "RESET" : "SET");
    size_t i = at + 1;
    if (word(i, "global")) {
      return refusal(refused("SET GLOBAL is not for clients of a shared file",
                             "Settings of the whole process come from the configuration file: merganser config."));
    }
    if (word(i, "variable")) {
      StatementClass pinned = simple(StatementKind::kPinnedRead, "SET");
      pinned.pins_session = true;
      return pinned;
    }
    if (word(i, "local")) {
      out.setting_is_local = true;
      i++;
    } else if (word(i, "session") && !word(i + 1, "authorization")) {
      i++;
    }
    out.setting = setting_name(i);
    if (word(at, "reset")) {
      out.setting_is_default = true;
      return out;
    }
    i += out.setting == "timezone" && word(i, "time") ? 2 : out.setting.find('.') != std::string::npos ? 3 : 1;
    if (i < tokens_.size() && (tokens_[i].is('=') || word(i, "to"))) i++;
    out.setting_is_default = word(i, "default") && i + 1 == tokens_.size();
    out.setting_value = value_text(i);
    return out;
  }

  // The value of SET: strings lose their quotes, a list keeps its commas.
  std::string value_text(size_t from) const {
    std::string out;
    for (size_t i = from; i < tokens_.size(); i++) {
      const Token& token = tokens_[i];
      if (token.is(',')) {
        out += ", ";
      } else if (token.kind == TokenKind::kString) {
        out += unquoted_string(token);
      } else {
        if (!out.empty() && out.back() != ' ' && out.back() != '-' && out.back() != '+' && !token.is('.')) out += ' ';
        out += token.text;
      }
    }
    return out;
  }

  StatementClass use(size_t at) const {
    StatementClass out = simple(StatementKind::kUse, "USE");
    for (size_t i = at + 1; i < tokens_.size(); i++) out.setting += tokens_[i].text;
    return out;
  }

  StatementClass checkpoint(size_t at) const {
    return at + 1 >= tokens_.size() || name_at(at + 1) ? simple(StatementKind::kCheckpoint, "CHECKPOINT")
                                                       : simple(StatementKind::kUnknown, "CHECKPOINT");
  }

  static StatementClass prepared(StatementKind kind, std::string tag) {
    StatementClass out = simple(kind, std::move(tag));
    out.pins_session = true;
    return out;
  }

  StatementClass pragma(size_t at) const {
    const std::string name = folded(at + 1);
    if (readable_pragmas().contains(name) && !(at + 2 < tokens_.size() && tokens_[at + 2].is('='))) {
      return simple(StatementKind::kRead, "PRAGMA");
    }
    return refusal(refused("PRAGMA " + name + " is not for clients of a shared file",
                           "Allowed are those that only show something, such as PRAGMA table_info('t')."));
  }

  StatementClass object_ddl(size_t at, const std::string& verb) const {
    size_t i = at + 1;
    bool temporary = false;
    if (word(i, "or") && word(i + 1, "replace")) i += 2;
    while (word(i, "temporary") || word(i, "temp") || word(i, "local") || word(i, "persistent") || word(i, "unique") ||
           word(i, "recursive")) {
      temporary |= word(i, "temporary") || word(i, "temp");
      if (word(i, "persistent")) return no_secrets();
      i++;
    }
    const std::string object = folded(i);
    if (object == "secret") return no_secrets();
    if (object == "database") {
      return refusal(refused(upper(verb) + " DATABASE is not for clients of a shared file",
                             "One owner serves one file; start another with merganser url OTHER_FILE."));
    }
    StatementClass out = simple(StatementKind::kDdl, upper(verb) + " " + upper(object));
    if (object == "macro" || object == "function") out.tag = upper(verb) + " FUNCTION";
    if (verb == "create" && object == "table" && creates_from_query(i)) {
      out.tag = "SELECT";
      out.tag_counts = true;
    }
    if (temporary) {
      out.kind = StatementKind::kPinnedRead;
      out.pins_session = true;
    }
    return out;
  }

  StatementClass no_secrets() const {
    return refusal(refused("secrets are not for clients of a shared file",
                           "External files and services are configured by whoever runs the owner."));
  }

  bool creates_from_query(size_t from) const {
    for (size_t i = from; i < tokens_.size(); i++) {
      if (tokens_[i].depth == 0 && word(i, "as")) return true;
    }
    return false;
  }

  std::string_view sql_;
  const Tokens& tokens_;
  const CatalogNames* names_;
};

}  // namespace

StatementClass classify(std::string_view sql, const CatalogNames* names) {
  const Tokens tokens = tokenize(sql);
  StatementClass out = Classifier(sql, tokens, names).run();
  return out.kind == StatementKind::kCopyFrom ? classify_copy(sql, tokens, names) : out;
}

std::optional<Error> refused_names(std::string_view sql, const CatalogNames* names) {
  const Tokens tokens = tokenize(sql);
  return Classifier(sql, tokens, names).refused_name();
}

bool calls_refused_function(std::string_view sql) {
  const Tokens tokens = tokenize(sql);
  return Classifier(sql, tokens, nullptr).refused_call().has_value();
}

bool names_time_function(std::string_view sql) {
  const Tokens tokens = tokenize(sql);
  return Classifier(sql, tokens, nullptr).mentions_time();
}

}  // namespace merganser::engine
