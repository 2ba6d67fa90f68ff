#include "cli/sql_command.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <unistd.h>

#include "cli/line_editor.h"
#include "cli/prompt.h"
#include "cli/report.h"
#include "cli/sql_session.h"
#include "cli/statement_splitter.h"
#include "os/unique_fd.h"

namespace merganser::cli {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kMaxStatementBytes = 256 << 20;  // the server's own limit for a message
constexpr int kTerminalCellColumns = 100;

TableStyle table_style(const SqlOptions& options) {
  const bool terminal = on_terminal(STDOUT_FILENO);
  TableStyle style;
  style.unicode_lines = terminal && utf8_locale();
  style.dim_nulls = terminal && std::getenv("NO_COLOR") == nullptr;
  if (options.max_cell >= 0) style.max_cell = static_cast<size_t>(options.max_cell);
  if (options.max_cell < 0 && terminal) style.max_cell = kTerminalCellColumns;
  return style;
}

// Drops the tags of statements without rows: --quiet.
class QuietWriter : public ResultWriter {
 public:
  explicit QuietWriter(std::unique_ptr<ResultWriter> writer) : writer_(std::move(writer)) {}
  void begin(const std::vector<ResultColumn>& columns) override { writer_->begin(columns); }
  void row(std::span<const Cell> cells) override { writer_->row(cells); }
  void end() override { writer_->end(); }
  void command(std::string_view) override {}

 private:
  std::unique_ptr<ResultWriter> writer_;
};

// Runs the statements of one source as they come; false after an error that ends the run.
class ScriptRun {
 public:
  ScriptRun(SqlSession& session, std::string name, bool keep_going)
      : session_(session), name_(std::move(name)), keep_going_(keep_going) {}

  bool feed(std::string_view text) {
    splitter_.feed(text);
    if (splitter_.pending_bytes() > kMaxStatementBytes) {
      report(make_error(ErrorCode::kProgramLimitExceeded,
                        fmt::format("a statement in {} is longer than {} bytes", name_, kMaxStatementBytes), {},
                        "is a quote or a semicolon missing?"));
      ok_ = false;
      return false;
    }
    return run_waiting(false);
  }
  bool finish() { return run_waiting(true); }
  bool ok() const { return ok_; }

 private:
  bool run_waiting(bool final) {
    while (auto statement = splitter_.next(final)) {
      const std::string origin = name_.empty() ? "" : fmt::format("{}:{}: ", name_, statement->line);
      const StatementOutcome outcome = session_.run(statement->text, origin);
      if (session_.output().failed()) {
        report(errno_error(session_.output().error(), "cannot write the result to standard output"));
        ok_ = false;
        return false;
      }
      ok_ = ok_ && outcome.ok;
      if (outcome.connection_lost || (!outcome.ok && !keep_going_)) return false;
    }
    return true;
  }

  SqlSession& session_;
  const std::string name_;  // empty for the command line
  const bool keep_going_;
  StatementSplitter splitter_;
  bool ok_ = true;
};

// The whole of a file or of standard input, in pieces.
bool run_file(SqlSession& session, const std::string& path, bool keep_going) {
  const bool standard_input = path == "-";
  os::UniqueFd opened;
  if (!standard_input) {
    opened = os::UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened.valid()) {
      report(errno_error(errno, fmt::format("cannot read {}", path)));
      return false;
    }
  }
  const int fd = standard_input ? STDIN_FILENO : opened.get();
  ScriptRun run(session, standard_input ? "standard input" : path, keep_going);
  std::string piece(kReadBytes, '\0');
  while (true) {
    const ssize_t got = read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      report(errno_error(errno, fmt::format("cannot read {}", standard_input ? "standard input" : path)));
      return false;
    }
    if (got == 0) break;
    if (!run.feed(std::string_view(piece.data(), static_cast<size_t>(got)))) return false;
  }
  run.finish();
  return run.ok();
}

int run_everything(SqlSession& session, const SqlOptions& options) {
  bool ok = true;
  for (const std::string& given : options.statements) {
    const std::string described = describe_query(given);
    const std::string& statements = described.empty() ? given : described;
    ScriptRun run(session, "", options.keep_going);
    if (run.feed(statements)) run.finish();
    ok = ok && run.ok();
    if (!ok && !options.keep_going) return kExitFailed;
  }
  for (const std::string& path : options.script_files) {
    ok = run_file(session, path, options.keep_going) && ok;
    if (!ok && !options.keep_going) return kExitFailed;
  }
  return ok ? kExitOk : kExitFailed;
}

}  // namespace

int sql_command(const SqlOptions& options) {
  auto connection = options.connect();
  if (!connection.ok()) return report(connection.error());

  Output output([](std::string_view text) { return print(text); });
  std::unique_ptr<ResultWriter> writer = make_result_writer(options.format, output, table_style(options));
  if (options.quiet) writer = std::make_unique<QuietWriter>(std::move(writer));
  SqlSession session(std::move(*connection), output, *writer);

  if (!options.statements.empty() || !options.script_files.empty()) return run_everything(session, options);
  if (!on_terminal(STDIN_FILENO)) return run_file(session, "-", options.keep_going) ? kExitOk : kExitFailed;

  PromptOptions prompt;
  prompt.database = options.database;
  prompt.greeting = fmt::format("{} through Merganser. \\? shows help, \\q leaves.\n", options.database);
  prompt.reconnect = options.connect;
  prompt.history_file = default_history_file();
  return run_prompt(session, prompt);
}

}  // namespace merganser::cli
