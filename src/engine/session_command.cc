#include "engine/session_command.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/statement_class.h"

namespace merganser::engine {
namespace {

using Commands = Result<std::optional<SessionCommand>>;

int characters(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xC0) != 0x80; }));
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(toupper(c)); });
  return out;
}

// A recursive descent over one statement's tokens; the first thing that does not fit ends it.
class Parser {
 public:
  Parser(std::string_view sql, std::span<const Token> tokens) : sql_(sql), tokens_(tokens) {}

  Commands parse() {
    if (tokens_.empty() || tokens_[0].kind != TokenKind::kWord) return std::optional<SessionCommand>();
    const bool known = dispatch();
    if (!known) return std::optional<SessionCommand>();
    if (refusal_) return *refusal_;
    if (failed_ || at_ < tokens_.size()) return syntax_error();
    return std::optional<SessionCommand>(std::move(out_));
  }

 private:
  bool peek(std::string_view word, size_t ahead = 0) const {
    return at_ + ahead < tokens_.size() && tokens_[at_ + ahead].is_word(word);
  }
  bool accept(std::string_view word) {
    if (!peek(word)) return false;
    at_++;
    return true;
  }
  bool accept(char symbol) {
    if (at_ >= tokens_.size() || !tokens_[at_].is(symbol)) return false;
    at_++;
    return true;
  }
  void expect(std::string_view word) { failed_ |= !accept(word); }
  bool at_end() const { return at_ >= tokens_.size(); }
  bool at_name() const {
    return !at_end() && (tokens_[at_].kind == TokenKind::kWord || tokens_[at_].kind == TokenKind::kQuotedName);
  }
  void name() {
    if (!at_name()) {
      failed_ = true;
      return;
    }
    out_.name = identifier(tokens_[at_++]);
  }
  void begin(CommandKind kind, std::string tag) {
    out_.kind = kind;
    out_.tag = std::move(tag);
  }

  Error syntax_error() const {
    Error error = make_error(ErrorCode::kSyntaxError, "syntax error at end of input");
    error.position = characters(sql_) + 1;
    if (at_ < tokens_.size()) {
      error.message = "syntax error at or near \"" + std::string(tokens_[at_].text) + "\"";
      error.position = characters(sql_.substr(0, tokens_[at_].offset)) + 1;
    }
    return error;
  }

  bool dispatch() {
    if (accept("begin")) return begin_block("BEGIN");
    if (peek("start") && peek("transaction", 1)) {
      at_ += 1;
      return begin_block("START TRANSACTION");
    }
    if (accept("commit") || accept("end")) return end_block(CommandKind::kCommit, "COMMIT");
    if (accept("rollback") || accept("abort")) return end_block(CommandKind::kRollback, "ROLLBACK");
    if (accept("savepoint")) {
      begin(CommandKind::kSavepoint, "SAVEPOINT");
      name();
      return true;
    }
    if (accept("release")) {
      begin(CommandKind::kRelease, "RELEASE");
      if (peek("savepoint") && at_ + 1 < tokens_.size()) at_++;
      name();
      return true;
    }
    if (peek("prepare") && peek("transaction", 1)) {
      refusal_ = make_error(ErrorCode::kObjectNotInState, "prepared transactions are disabled", {},
                            "A transaction here is committed by the session that began it.");
      return true;
    }
    if (peek("set")) return set();
    if (accept("declare")) return declare();
    if (accept("fetch")) return fetch(false);
    if (accept("move")) return fetch(true);
    if (accept("close")) return close();
    if (accept("listen")) {
      begin(CommandKind::kListen, "LISTEN");
      name();
      return true;
    }
    if (accept("unlisten")) {
      begin(CommandKind::kUnlisten, "UNLISTEN");
      if (!accept('*')) name();
      return true;
    }
    if (accept("notify")) return notify();
    if (accept("lock")) return lock();
    if (accept("discard")) return discard();
    return false;
  }

  // ---- transactions --------------------------------------------------------------------------------------------

  bool begin_block(std::string tag) {
    begin(CommandKind::kBegin, std::move(tag));
    if (!accept("transaction")) accept("work");
    modes(false);
    return true;
  }

  void modes(bool at_least_one) {
    bool first = true;
    while (!at_end() && !failed_) {
      if (!first) accept(',');
      if (!one_mode()) failed_ = true;
      first = false;
    }
    failed_ |= first && at_least_one;
  }

  bool one_mode() {
    if (accept("isolation")) {
      expect("level");
      if (accept("serializable")) {
        out_.modes.isolation = "serializable";
      } else if (accept("repeatable")) {
        expect("read");
        out_.modes.isolation = "repeatable read";
      } else if (accept("read")) {
        const bool committed = accept("committed");
        if (!committed) expect("uncommitted");
        out_.modes.isolation = committed ? "read committed" : "read uncommitted";
      } else {
        return false;
      }
      return !failed_;
    }
    if (peek("read") && (peek("only", 1) || peek("write", 1))) {
      out_.modes.read_only = peek("only", 1);
      at_ += 2;
      return true;
    }
    if (peek("not") && peek("deferrable", 1)) {
      out_.modes.deferrable = false;
      at_ += 2;
      return true;
    }
    if (!accept("deferrable")) return false;
    out_.modes.deferrable = true;
    return true;
  }

  bool end_block(CommandKind kind, std::string tag) {
    begin(kind, std::move(tag));
    if (accept("prepared")) {
      refusal_ = make_error(ErrorCode::kUndefinedObject, "there are no prepared transactions");
      return true;
    }
    if (!accept("transaction")) accept("work");
    if (kind == CommandKind::kRollback && accept("to")) {
      out_.kind = CommandKind::kRollbackTo;
      if (peek("savepoint") && at_ + 1 < tokens_.size()) at_++;
      name();
      return true;
    }
    if (accept("and")) {
      out_.chain = !accept("no");
      expect("chain");
    }
    return true;
  }

  bool set() {
    const size_t skip = peek("local", 1) && peek("transaction", 2) ? 2 : 1;
    if (peek("session", 1) && peek("characteristics", 2)) {
      at_ += 3;
      begin(CommandKind::kSetDefaults, "SET");
      expect("as");
      expect("transaction");
      modes(true);
      return true;
    }
    if (peek("constraints", 1)) {
      at_ += 2;
      begin(CommandKind::kSetConstraints, "SET CONSTRAINTS");
      failed_ |= at_end();
      while (!at_end() && !peek("deferred") && !peek("immediate")) at_++;
      if (!at_end()) out_.mode = upper(tokens_[at_].text);
      failed_ |= at_end();
      if (!at_end()) at_++;
      return true;
    }
    // SET transaction = … would be a setting of that name; there is none.
    if (!peek("transaction", skip) || (at_ + skip + 1 < tokens_.size() && tokens_[at_ + skip + 1].is('=')))
      return false;
    at_ += skip + 1;
    begin(CommandKind::kSetTransaction, "SET");
    if (accept("snapshot")) {
      refusal_ = make_error(ErrorCode::kFeatureNotSupported, "snapshots cannot be exported or imported");
      return true;
    }
    modes(true);
    return true;
  }

  bool discard() {
    begin(CommandKind::kDiscard, "DISCARD ALL");
    if (accept("all")) return true;
    if (accept("plans")) {
      out_.tag = "DISCARD PLANS";
    } else if (accept("sequences")) {
      out_.tag = "DISCARD SEQUENCES";
    } else if (accept("temp") || accept("temporary")) {
      out_.tag = "DISCARD TEMP";
    } else {
      failed_ = true;
    }
    return true;
  }

  bool lock() {
    begin(CommandKind::kLock, "LOCK TABLE");
    accept("table");
    accept("only");
    const size_t first = at_;
    while (!at_end() && !peek("in") && !peek("nowait")) at_++;
    failed_ |= at_ == first;
    if (first < tokens_.size()) {
      const size_t end = at_ < tokens_.size() ? tokens_[at_].offset : sql_.size();
      out_.query = sql_.substr(tokens_[first].offset, end - tokens_[first].offset);
    }
    out_.mode = "ACCESS EXCLUSIVE";
    if (accept("in")) {
      out_.mode.clear();
      while (!at_end() && !peek("mode")) {
        out_.mode += (out_.mode.empty() ? "" : " ") + upper(tokens_[at_++].text);
      }
      expect("mode");
      static constexpr std::array<std::string_view, 8> kModes{
          "ACCESS SHARE", "ROW SHARE",           "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE",
          "SHARE",        "SHARE ROW EXCLUSIVE", "EXCLUSIVE",     "ACCESS EXCLUSIVE"};
      failed_ |= std::find(kModes.begin(), kModes.end(), out_.mode) == kModes.end();
    }
    out_.nowait = accept("nowait");
    return true;
  }

  // ---- cursors -------------------------------------------------------------------------------------------------

  bool declare() {
    begin(CommandKind::kDeclare, "DECLARE CURSOR");
    name();
    while (!failed_ && !peek("cursor")) {
      if (accept("binary")) {
        out_.binary = true;
      } else if (peek("no") && peek("scroll", 1)) {
        at_ += 2;
        out_.scroll = false;
      } else if (accept("scroll")) {
        out_.scroll = true;
      } else if (!accept("insensitive") && !accept("asensitive")) {
        failed_ = true;
      }
    }
    expect("cursor");
    if (peek("with") && peek("hold", 1)) {
      at_ += 2;
      out_.hold = true;
    } else if (peek("without") && peek("hold", 1)) {
      at_ += 2;
    }
    expect("for");
    failed_ |= at_end();
    if (failed_) return true;
    out_.query = sql_.substr(tokens_[at_].offset);
    at_ = tokens_.size();
    return true;
  }

  std::optional<int64_t> integer() {
    size_t at = at_;
    bool negative = false;
    if (at < tokens_.size() && (tokens_[at].is('-') || tokens_[at].is('+'))) negative = tokens_[at++].is('-');
    if (at >= tokens_.size() || tokens_[at].kind != TokenKind::kNumber) return std::nullopt;
    const std::string_view text = tokens_[at].text;
    int64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size() || value > INT32_MAX) return std::nullopt;
    at_ = at + 1;
    return negative ? -value : value;
  }

  void go(FetchDirection direction, int64_t count) {
    out_.direction = direction;
    out_.count = count;
  }

  // FORWARD and BACKWARD, alone or with a count or ALL.
  void counted(FetchDirection direction) {
    go(direction, 1);
    if (accept("all")) {
      out_.count = kFetchAll;
    } else if (const auto count = integer()) {
      out_.count = *count;
    }
  }

  bool fetch(bool move) {
    begin(CommandKind::kFetch, move ? "MOVE" : "FETCH");
    out_.move = move;
    const bool alone = at_ + 1 == tokens_.size();  // FETCH next: a cursor of that name
    if (alone) {
      name();
      return true;
    }
    if (accept("next")) {
      go(FetchDirection::kForward, 1);
    } else if (accept("prior")) {
      go(FetchDirection::kBackward, 1);
    } else if (accept("first")) {
      go(FetchDirection::kAbsolute, 1);
    } else if (accept("last")) {
      go(FetchDirection::kAbsolute, -1);
    } else if (peek("absolute") || peek("relative")) {
      out_.direction = accept("absolute") ? FetchDirection::kAbsolute : FetchDirection::kRelative;
      if (out_.direction == FetchDirection::kRelative) at_++;
      const auto count = integer();
      failed_ |= !count;
      out_.count = count.value_or(0);
    } else if (accept("forward")) {
      counted(FetchDirection::kForward);
    } else if (accept("backward")) {
      counted(FetchDirection::kBackward);
    } else if (accept("all")) {
      go(FetchDirection::kForward, kFetchAll);
    } else if (const auto count = integer()) {
      go(FetchDirection::kForward, *count);
    }
    if (!accept("from")) accept("in");
    name();
    return true;
  }

  bool close() {
    begin(CommandKind::kClose, "CLOSE CURSOR");
    if (peek("all") && at_ + 1 == tokens_.size()) {
      out_.tag = "CLOSE CURSOR ALL";
      at_++;
      return true;
    }
    name();
    return true;
  }

  bool notify() {
    begin(CommandKind::kNotify, "NOTIFY");
    name();
    if (!accept(',')) return true;
    failed_ |= at_end() || tokens_[at_].kind != TokenKind::kString;
    if (!failed_) out_.payload = unquoted_string(tokens_[at_++]);
    return true;
  }

  std::string_view sql_;
  std::span<const Token> tokens_;
  size_t at_ = 0;
  bool failed_ = false;
  std::optional<Error> refusal_;
  SessionCommand out_;
};

}  // namespace

Commands parse_session_command(std::string_view sql, std::span<const Token> tokens) {
  return Parser(sql, tokens).parse();
}

StatementKind statement_kind(CommandKind kind) {
  switch (kind) {
    case CommandKind::kBegin:
      return StatementKind::kBegin;
    case CommandKind::kCommit:
      return StatementKind::kCommit;
    case CommandKind::kRollback:
      return StatementKind::kRollback;
    case CommandKind::kSavepoint:
    case CommandKind::kRelease:
      return StatementKind::kSavepoint;
    case CommandKind::kRollbackTo:
      return StatementKind::kRollbackTo;
    case CommandKind::kSetTransaction:
    case CommandKind::kSetDefaults:
    case CommandKind::kSetConstraints:
      return StatementKind::kSetTransaction;
    case CommandKind::kDeclare:
    case CommandKind::kFetch:
    case CommandKind::kClose:
      return StatementKind::kCursor;
    case CommandKind::kListen:
    case CommandKind::kUnlisten:
    case CommandKind::kNotify:
      return StatementKind::kNotify;
    case CommandKind::kLock:
      return StatementKind::kLock;
    case CommandKind::kDiscard:
      break;
  }
  return StatementKind::kDiscard;
}

std::string target_of(std::span<const Token> tokens, StatementKind kind) {
  const bool write = kind == StatementKind::kWrite;
  if (!write && kind != StatementKind::kDdl) return {};
  size_t i = 0;
  const auto word = [&](std::string_view lower) { return i < tokens.size() && tokens[i].is_word(lower); };
  // Behind WITH clauses and the like: the verb at the outermost level.
  const auto is_verb = [&] {
    return word("insert") || word("update") || word("delete") || word("merge") || word("truncate") || word("table");
  };
  while (i < tokens.size() && !(tokens[i].depth == 0 && is_verb())) i++;
  for (bool skipped = true; skipped && i < tokens.size();) {
    skipped = false;
    for (const std::string_view noise : {"insert", "or", "replace", "ignore", "into", "update", "delete", "from",
                                         "merge", "truncate", "table", "if", "not", "exists", "only"}) {
      if (!word(noise)) continue;
      i++;
      skipped = true;
      break;
    }
  }
  std::string table;
  for (; i < tokens.size(); i += 2) {
    if (tokens[i].kind != TokenKind::kWord && tokens[i].kind != TokenKind::kQuotedName) return {};
    const std::string name = folded_name(tokens[i]);
    const size_t dot = table.rfind('.');
    // Of database.schema.table the last two count.
    table = table.empty() ? name : (dot == std::string::npos ? table : table.substr(dot + 1)) + "." + name;
    if (i + 1 >= tokens.size() || !tokens[i + 1].is('.')) break;
  }
  return table;
}

std::string identifier(const Token& token) {
  if (token.kind != TokenKind::kQuotedName) return folded_name(token);
  std::string out;
  for (size_t i = 1; i + 1 < token.text.size(); i++) {
    out += token.text[i];
    if (token.text[i] == '"') i++;
  }
  return out;
}

}  // namespace merganser::engine
