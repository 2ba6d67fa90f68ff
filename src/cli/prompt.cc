#include "cli/prompt.h"

#include <chrono>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/completion.h"
#include "cli/line_editor.h"
#include "cli/report.h"
#include "cli/statement_splitter.h"
#include "cli/units.h"

namespace merganser::cli {
namespace {

constexpr std::string_view kPromptHelp =
    "A statement ends with a semicolon. Tab completes, Ctrl-C stops a running statement, Ctrl-D leaves.\n"
    "  \\d          tables and views        \\d NAME   columns of one\n"
    "  \\dt         tables                  \\timing   show or hide how long statements take\n"
    "  \\?          this help               \\q        leave\n";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == ';')) text.remove_suffix(1);
  return text;
}

class Prompt {
 public:
  Prompt(SqlSession& session, const PromptOptions& options)
      : session_(session), options_(options), editor_(options.history_file, [this](std::string_view word) {
          if (names_.stale()) names_.refresh(session_.connection());
          return names_.candidates(word);
        }) {}

  int run() {
    print(options_.greeting);
    while (!leaving_) {
      const LineEditor::Line line = editor_.read(prompt_text());
      if (line.kind == LineEditor::Kind::kEnd) break;
      if (line.kind == LineEditor::Kind::kInterrupted) {
        statements_.clear();
        print("^C\n");
        continue;
      }
      editor_.remember(line.text);
      take_line(line.text);
    }
    if (!leaving_) print("\n");
    return exit_code_;
  }

 private:
  void take_line(const std::string& line) {
    if (statements_.empty() && trimmed(line).starts_with('\\')) {
      statements_.clear();
      backslash(trimmed(line));
      return;
    }
    statements_.feed(line);
    while (auto statement = statements_.next()) {
      run_statement(statement->text);
      if (leaving_) return;
    }
  }

  void backslash(std::string_view command) {
    if (command == "\\q") {
      leaving_ = true;
    } else if (command == "\\?" || command == "\\h" || command == "\\help") {
      print(kPromptHelp);
    } else if (command == "\\timing") {
      timing_ = !timing_;
      print(timing_ ? "Timing is on.\n" : "Timing is off.\n");
    } else if (const std::string query = describe_query(command); !query.empty()) {
      run_statement(query);
    } else {
      write_all(STDERR_FILENO, fmt::format("There is no command {}. \\? shows all.\n", command));
    }
  }

  void run_statement(const std::string& statement) {
    const auto start = std::chrono::steady_clock::now();
    const StatementOutcome outcome = session_.run(statement);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    if (outcome.changed_catalog) names_.mark_stale();
    if (timing_) print(fmt::format("Time: {}\n", human_duration(took.count())));
    if (outcome.connection_lost) reconnect();
  }

  void reconnect() {
    statements_.clear();
    write_all(STDERR_FILENO,
              "The connection was lost; connecting again. Whether the last statement was done is unknown.\n");
    auto connection = options_.reconnect();
    if (!connection.ok()) {
      exit_code_ = report(connection.error());
      leaving_ = true;
      return;
    }
    session_.replace(std::move(*connection));
    names_.mark_stale();
  }

  std::string prompt_text() {
    char state = '=';
    if (!statements_.empty()) {
      const char quote = statements_.open_quote();
      state = quote != 0 ? quote : '-';
    }
    switch (PQtransactionStatus(session_.connection().raw())) {
      case PQTRANS_INTRANS:
        return fmt::format("{}{}*> ", options_.database, state);
      case PQTRANS_INERROR:
        return fmt::format("{}{}!> ", options_.database, state);
      default:
        return fmt::format("{}{}> ", options_.database, state);
    }
  }

  SqlSession& session_;
  const PromptOptions& options_;
  Completion names_;
  LineEditor editor_;
  StatementSplitter statements_;
  bool timing_ = false;
  bool leaving_ = false;
  int exit_code_ = kExitOk;
};

}  // namespace

std::string describe_query(std::string_view command) {
  static constexpr std::string_view kOwn = "table_schema NOT IN ('information_schema', 'pg_catalog')";
  const std::string_view argument = command.starts_with("\\d ") ? trimmed(command.substr(3)) : std::string_view();
  if (command == "\\d" || command == "\\dt") {
    return fmt::format(
        "SELECT table_schema AS \"schema\", table_name AS \"name\", lower(table_type) AS \"type\" "
        "FROM information_schema.tables WHERE {}{} ORDER BY 1, 2",
        kOwn, command == "\\dt" ? " AND table_type = 'BASE TABLE'" : "");
  }
  if (argument.empty()) return {};
  std::string name;
  for (const char c : argument) name += c == '\'' ? "''" : std::string(1, c);
  return fmt::format(
      "SELECT column_name AS \"column\", data_type AS \"type\", is_nullable AS \"null\", column_default AS \"default\" "
      "FROM information_schema.columns WHERE {} AND (table_name = '{}' OR table_schema || '.' || table_name = '{}') "
      "ORDER BY table_schema, ordinal_position",
      kOwn, name, name);
}

int run_prompt(SqlSession& session, const PromptOptions& options) {
  return Prompt(session, options).run();
}

}  // namespace merganser::cli
