// Examines a database file and what stands beside it: who holds it, what is wrong, what to do.
//
// Threads: main's. Changes nothing. Reading the header opens and closes the file: never call it in a process that has
// the database open.
#pragma once

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "cli/settings.h"

namespace merganser::cli {

enum class Severity { kOk, kNote, kWarning, kProblem };

struct Finding {
  Severity severity = Severity::kOk;
  std::string check;   // a stable word: "holder", "header", "wal", "disk" …
  std::string what;    // what was found
  std::string advice;  // what to do; empty when nothing
};

struct Holder {
  pid_t pid = 0;  // 0 when it cannot be seen
  std::string name;
  bool merganser = false;
  bool answers = false;  // an owner that answers on its control socket
};

struct Diagnosis {
  std::string file;
  std::optional<Holder> holder;
  std::vector<Finding> findings;

  Severity worst() const;
};

Diagnosis examine(const std::string& file, const Settings& settings);

std::string diagnosis_text(const Diagnosis& diagnosis);
std::string diagnosis_json(const Diagnosis& diagnosis);

// Exit code 1 when there is a problem.
int doctor_command(const std::string& file, const Settings& settings, bool json);
// `doctor --explain TEXT`; exit code 1 when the text is none that is known.
int explain_command(const std::string& text);

}  // namespace merganser::cli
