// The one file that includes CLI11 (a heavy header).
#include "cli/app.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <fmt/format.h>
#include <functional>
#include <langinfo.h>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include "cli/config_command.h"
#include "cli/doctor.h"
#include "cli/owner_access.h"
#include "cli/password_command.h"
#include "cli/probe.h"
#include "cli/quarantine.h"
#include "cli/report.h"
#include "cli/serve.h"
#include "cli/sql_command.h"
#include "cli/status_command.h"
#include "cli/units.h"
#include "cli/url_command.h"
#include "cli/version.h"

namespace merganser::cli {
namespace {

using Action = std::function<int()>;

// One command: `configure` adds its options to the parser and returns what to do once they are parsed. Only the
// chosen command's options are built, so that starting stays quick.
struct Command {
  const char* name;
  const char* summary;
  const char* examples;
  Action (*configure)(CLI::App& parser, const std::vector<std::string>& program);
};

template <typename T>
std::shared_ptr<T> made() {
  return std::make_shared<T>();
}

void add_file(CLI::App& parser, std::string& file, bool required = true) {
  parser.add_option("FILE", file, "the DuckDB file")->required(required);
}

// --config, and every setting as a flag. They are shown in the help of `serve` and `config` only: elsewhere they count
// when the command has to start an owner.
void add_settings(CLI::App& parser, FileOptions& options, bool shown) {
  parser.add_option("--config", options.config_flag, "settings file (TOML) instead of the usual ones")->type_name("F");
  for (const SettingSpec& spec : setting_specs()) {
    const std::string name(spec.name);
    const auto keep = [&options, name](const std::string& text) { options.setting_flags.emplace_back(name, text); };
    CLI::Option* option = nullptr;
    if (std::holds_alternative<bool Settings::*>(spec.field)) {
      option = parser.add_flag_function(
          setting_flag(spec), [keep](int64_t count) { keep(count > 0 ? "true" : "false"); }, std::string(spec.doc));
    } else {
      const std::string initial = setting_text(Settings(), spec);
      const std::string doc = initial.empty() ? std::string(spec.doc) : fmt::format("{} [{}]", spec.doc, initial);
      option = parser.add_option_function<std::string>(setting_flag(spec), keep, doc)->type_name(setting_kind(spec));
    }
    option->group(shown ? "Settings" : "");
  }
}

// An option that takes a duration; a plain number is seconds.
void add_seconds(CLI::App& parser, const char* name, std::chrono::microseconds& value, const char* doc) {
  parser
      .add_option_function<std::string>(
          name,
          [&value, name](const std::string& text) {
            auto span = parse_duration(text);
            if (!span) span = parse_duration(text + "s");
            if (!span) throw CLI::ValidationError(name, "takes seconds or a duration such as 500ms, not " + text);
            value = *span;
          },
          fmt::format("{} [{}]", doc, duration_text(value)))
      ->type_name("duration");
}

Action configure_serve(CLI::App& parser, const std::vector<std::string>&) {
  const auto options = made<FileOptions>();
  const auto pipe_fd = std::make_shared<int>(-1);
  add_file(parser, options->file);
  add_settings(parser, *options, true);
  parser.add_option("--spawned-pipe-fd", *pipe_fd)->group("");
  return [options, pipe_fd] {
    const auto loaded = settings_for(*options);
    ServeOptions serve;
    serve.file = options->file;
    serve.startup_pipe_fd = *pipe_fd;
    serve.foreground = *pipe_fd < 0;
    if (!loaded.ok()) return report_start_failure(*pipe_fd, options->file, loaded.error());
    serve.settings = loaded->settings;
    // An owner in the foreground stays until it is told to leave, unless somebody asked for a timeout.
    if (serve.foreground && !loaded->origins.contains("idle_timeout")) serve.settings.idle_timeout = {};
    return serve_command(serve);
  };
}

Action configure_url(CLI::App& parser, const std::vector<std::string>&) {
  const auto options = made<FileOptions>();
  const auto tcp = std::make_shared<bool>(false);
  add_file(parser, options->file);
  parser.add_flag("--tcp", *tcp, "the TCP address instead of the Unix socket");
  add_settings(parser, *options, false);
  return [options, tcp] { return url_command(*options, *tcp); };
}

Action configure_run(CLI::App& parser, const std::vector<std::string>& program) {
  const auto options = made<FileOptions>();
  add_file(parser, options->file);
  add_settings(parser, *options, false);
  return [options, program] {
    if (program.empty()) {
      write_all(STDERR_FILENO, "merganser: run needs a program after --, as in: merganser run FILE -- psql\n");
      return kExitUsage;
    }
    return run_command(*options, program);
  };
}

Action configure_sql(CLI::App& parser, const std::vector<std::string>& after_dashes) {
  struct Given {
    FileOptions file;
    SqlOptions sql;
    std::string format = "table";
  };
  const auto given = made<Given>();
  add_file(parser, given->file.file);
  parser.add_option("SQL", given->sql.statements, "statements to run; without any: standard input, or a prompt");
  parser.add_option("-f,--file", given->sql.script_files, "run the statements of a file; - is standard input")
      ->type_name("F");
  parser.add_option("-o,--format", given->format, "table, csv, json (an array) or ndjson (an object a line) [table]")
      ->check(CLI::IsMember({"table", "csv", "json", "ndjson"}))
      ->type_name("FORMAT");
  parser.add_flag("-q,--quiet", given->sql.quiet, "nothing for statements without rows");
  parser.add_flag("--keep-going", given->sql.keep_going, "go on after an error (the exit code is still 1)");
  parser.add_option("--max-cell", given->sql.max_cell, "widest cell of a table; 0 is no limit [100 on a terminal]")
      ->check(CLI::NonNegativeNumber)
      ->type_name("COLUMNS");
  parser.add_option("--conninfo", given->file.conninfo)->group("");
  add_settings(parser, given->file, false);
  return [given, after_dashes] {
    given->sql.format = *parse_output_format(given->format);
    given->sql.statements.insert(given->sql.statements.end(), after_dashes.begin(), after_dashes.end());
    given->sql.database = database_name(given->file.file);
    given->sql.connect = [given] { return connect_to_owner(given->file, "merganser sql"); };
    return sql_command(given->sql);
  };
}

Action configure_status(CLI::App& parser, const std::vector<std::string>&) {
  const auto file = made<std::string>();
  const auto json = std::make_shared<bool>(false);
  add_file(parser, *file, false);
  parser.add_flag("--json", *json, "as JSON: one object, or an array of them without FILE");
  const auto watch = std::make_shared<bool>(false);
  const auto count = std::make_shared<int64_t>(0);
  CLI::Option* given = parser.add_flag("--watch", *watch, "a line a second with what happened in it, until Ctrl-C");
  given->needs(parser.get_option("FILE"));
  parser.add_option("--count", *count, "end after so many lines")
      ->needs(given)
      ->check(CLI::Range(int64_t{1}, INT64_MAX));
  return [file, json, watch, count] {
    return *watch ? watch_command(*file, *json, *count) : status_command(*file, *json);
  };
}

Action configure_stop(CLI::App& parser, const std::vector<std::string>&) {
  const auto options = made<StopOptions>();
  const auto timeout = std::make_shared<std::chrono::microseconds>(std::chrono::seconds(30));
  add_file(parser, options->file);
  parser.add_flag("--force", options->force, "kill an owner that does not leave in time (WAL replay follows)");
  add_seconds(parser, "--timeout", *timeout, "how long to wait");
  return [options, timeout] {
    options->timeout = *timeout;
    return stop_command(*options);
  };
}

Action configure_doctor(CLI::App& parser, const std::vector<std::string>&) {
  struct Given {
    FileOptions file;
    std::string explain;
    bool quarantine = false;
    bool json = false;
  };
  const auto given = made<Given>();
  add_file(parser, given->file.file, false);
  parser.add_flag("--json", given->json, "as JSON");
  parser.add_option("--explain", given->explain, "says what an error text of DuckDB means and what to do")
      ->type_name("TEXT");
  parser.add_flag("--quarantine-wal", given->quarantine,
                  "move a log that cannot be replayed aside: writes since the last checkpoint go with it");
  add_settings(parser, given->file, false);
  return [given] {
    if (!given->explain.empty()) return explain_command(given->explain);
    if (given->file.file.empty()) {
      write_all(STDERR_FILENO, "merganser: doctor needs a FILE, or --explain TEXT\n");
      return kExitUsage;
    }
    if (given->quarantine) return quarantine_command(given->file.file);
    const auto loaded = settings_for(given->file);
    if (!loaded.ok()) return report(loaded.error());
    return doctor_command(given->file.file, loaded->settings, given->json);
  };
}

Action configure_password(CLI::App& parser, const std::vector<std::string>&) {
  const auto options = made<PasswordOptions>();
  parser.add_option("--user", options->user, "who logs in [your account's name]")->type_name("NAME");
  parser.add_option("--file", options->file, "add to, or replace in, this file instead of printing")->type_name("F");
  return [options] { return password_command(*options); };
}

Action configure_config(CLI::App& parser, const std::vector<std::string>&) {
  const auto options = made<FileOptions>();
  const auto json = std::make_shared<bool>(false);
  add_file(parser, options->file, false);
  parser.add_flag("--json", *json, "as JSON, with type, default and accepted values");
  add_settings(parser, *options, true);
  return [options, json] {
    const auto loaded = settings_for(*options);
    return loaded.ok() ? config_command(*loaded, *json) : report(loaded.error());
  };
}

Action configure_probe(CLI::App& parser, const std::vector<std::string>&) {
  const auto options = made<ProbeOptions>();
  const auto backend = std::make_shared<std::string>("merganser");
  add_file(parser, options->file);
  parser.add_option("--backend", *backend, "duckdb (every process opens the file) or merganser [merganser]")
      ->check(CLI::IsMember({"duckdb", "merganser"}))
      ->type_name("NAME");
  parser.add_option("--rows", options->rows, "rows to begin with [5000]")->check(CLI::Range(1, 10'000'000));
  parser.add_option("--readers", options->readers, "reading processes [4]")->check(CLI::Range(0, 256));
  parser.add_option("--writers", options->writers, "writing processes [1]")->check(CLI::Range(0, 256));
  add_seconds(parser, "--duration", options->duration, "how long they work");
  add_seconds(parser, "--write-interval", options->write_interval, "pause between writes");
  add_seconds(parser, "--read-interval", options->read_interval, "pause between reads");
  parser.add_option("--dims", options->dims, "dimensions of an embedding [384]")->check(CLI::Range(1, 4096));
  parser.add_option("--limit", options->limit, "rows of a search [10]")->check(CLI::Range(1, 1000));
  parser.add_option("--provider", options->provider, "provider of the embeddings [probe]");
  parser.add_option("--model", options->model, "model of the embeddings [random]");
  parser.add_option("--seed", options->seed, "of the random numbers [1]");
  parser.add_flag("--json", options->json, "the result as one JSON object");
  parser.add_option("--config", options->config_flag, "settings file (TOML)")->type_name("F");
  parser.add_option("--conninfo", options->conninfo)->group("");
  return [options, backend] {
    options->backend = *backend == "duckdb" ? ProbeBackend::kDuckdb : ProbeBackend::kMerganser;
    return probe_command(*options);
  };
}

Action configure_probe_worker(CLI::App& parser, const std::vector<std::string>&) {
  const auto task = made<std::string>();
  parser.add_option("TASK", *task)->required();
  return [task] { return probe_worker_command(*task); };
}

constexpr Command kCommands[] = {
    {"serve", "own a file and answer its clients, in the foreground",
     "  merganser serve flights.duckdb\n"
     "  merganser serve flights.duckdb --listen 127.0.0.1:5432 --password-file passwords\n"
     "  MERGANSER_LOG_LEVEL=debug merganser serve flights.duckdb --socket-dir /run/flights\n",
     &configure_serve},
    {"url", "print the address of a file's owner; starts one when none runs",
     "  psql \"$(merganser url flights.duckdb)\"\n"
     "  DATABASE_URL=$(merganser url flights.duckdb) node server.js\n"
     "  merganser url flights.duckdb --tcp\n\n"
     "Any setting of serve may be given as a flag; it counts when this command starts the owner.\n",
     &configure_url},
    {"run", "run a program that finds the file through PGHOST, DATABASE_URL and the like",
     "  merganser run flights.duckdb -- psql -c 'select 42'\n"
     "  merganser run flights.duckdb -- python load.py\n",
     &configure_run},
    {"sql", "run SQL: one shot, a script, standard input or a prompt",
     "  merganser sql flights.duckdb\n"
     "  merganser sql flights.duckdb 'select carrier, count(*) from flights group by 1'\n"
     "  merganser sql flights.duckdb --format csv 'from flights' > flights.csv\n"
     "  merganser sql flights.duckdb --file load.sql\n"
     "  echo 'select 1; select 2' | merganser sql flights.duckdb --format ndjson\n\n"
     "Statements run one by one, each in its own transaction unless you write BEGIN and COMMIT.\n"
     "The exit code is 0 when all worked, 1 when one failed.\n",
     &configure_sql},
    {"status", "show one owner, or all of yours",
     "  merganser status\n"
     "  merganser status flights.duckdb\n"
     "  merganser status flights.duckdb --json | jq .pid\n"
     "  merganser status flights.duckdb --watch\n",
     &configure_status},
    {"stop", "ask a file's owner to finish its work and leave",
     "  merganser stop flights.duckdb\n"
     "  merganser stop flights.duckdb --timeout 5 --force\n",
     &configure_stop},
    {"doctor", "say who holds a file, what is wrong, and what to do",
     "  merganser doctor flights.duckdb\n"
     "  merganser doctor --explain 'IO Error: Could not set lock on file \"/x.db\": Conflicting lock is held in …'\n",
     &configure_doctor},
    {"password", "make a password line for clients over TCP",
     "  merganser password --file passwords\n"
     "  printf '%s\\n' \"$SECRET\" | merganser password --user ann --file passwords\n",
     &configure_password},
    {"config", "show every setting, its value and where it came from",
     "  merganser config\n"
     "  merganser config flights.duckdb --json\n\n"
     "Rising order: defaults; /etc/merganser.toml; ~/.config/merganser/config.toml; FILE.merganser.toml;\n"
     "environment variables MERGANSER_<NAME>; flags. --config or MERGANSER_CONFIG replaces the three files.\n",
     &configure_config},
    {"probe", "let several processes read and write one file, and count what happens",
     "  merganser probe probe.duckdb --backend duckdb\n"
     "  merganser probe probe.duckdb --rows 5000 --readers 4 --writers 2 --duration 10 --json\n",
     &configure_probe},
    {"probe-worker", "", "", &configure_probe_worker},
};

// Names and text are UTF-8 also where nobody set a locale, as in many containers.
void set_character_type() {
  setlocale(LC_CTYPE, "");
  const bool chosen =
      std::getenv("LC_ALL") != nullptr || std::getenv("LC_CTYPE") != nullptr || std::getenv("LANG") != nullptr;
  if (!chosen) setlocale(LC_CTYPE, "C.UTF-8");
}

// A name that is no command gets an answer of its own: the parser would speak of "subcommands".
int check_command_name(const std::string& name) {
  const bool known = std::ranges::find(kCommands, name, [](const Command& command) {
                       return std::string(command.name);
                     }) != std::end(kCommands);
  if (known || name == "help" || name.starts_with('-')) return kExitOk;
  if (name.empty()) {
    write_all(STDERR_FILENO, "merganser: which command? merganser help lists them\n");
  } else {
    write_all(STDERR_FILENO, fmt::format("merganser: there is no command \"{}\"; merganser help lists them\n", name));
  }
  return kExitUsage;
}

int parse_and_run(std::vector<std::string> arguments) {
  // What follows "--" is the program's (or SQL that begins with a dash): the parser never sees it.
  std::vector<std::string> after_dashes;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] != "--") continue;
    after_dashes.assign(arguments.begin() + static_cast<ptrdiff_t>(i) + 1, arguments.end());
    arguments.resize(i);
    break;
  }
  const std::string chosen = arguments.empty() ? "" : arguments[0];
  if (const int refused = check_command_name(chosen); refused != kExitOk) return refused;
  if (chosen == "help") arguments[0] = "--help";
  if (chosen == "help" && arguments.size() == 2) arguments = {arguments[1], "--help"};

  CLI::App app("Lets any number of processes read and write one DuckDB file, through PostgreSQL clients.", "merganser");
  app.set_version_flag("-V,--version", [] { return version_text(); });
  app.require_subcommand(1);
  app.footer(
      "Examples:\n  merganser sql flights.duckdb 'select 42'\n  psql \"$(merganser url flights.duckdb)\"\n\n"
      "Help on a command: merganser COMMAND --help\n");
  Action action;
  for (const Command& command : kCommands) {
    CLI::App* parser = app.add_subcommand(command.name, command.summary);
    if (command.summary[0] == '\0') parser->group("");
    if (arguments.empty() || arguments[0] != command.name) continue;
    parser->footer(fmt::format("Examples:\n{}", command.examples));
    action = command.configure(*parser, after_dashes);
  }
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    write_all(STDERR_FILENO, fmt::format("merganser: {}\nTry: merganser {}{}--help\n", error.what(),
                                         action ? chosen : "", action ? " " : ""));
    return kExitUsage;
  }
  return action();
}

}  // namespace

int run_app(int argc, char** argv) {
  set_character_type();
  try {
    return parse_and_run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    // Only a lack of memory comes here: everything else is a Result.
    write_all(STDERR_FILENO, fmt::format("merganser: {}\n", error.what()));
    return kExitFailed;
  }
}

}  // namespace merganser::cli
