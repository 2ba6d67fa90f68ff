// The two ways of a probe to its table: DuckDB in the own process, or a PostgreSQL connection to the owner.
//
// Threads: one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/probe.h"

namespace merganser::cli {

class ProbeDatabase {
 public:
  using Row = std::vector<std::optional<std::string>>;
  virtual ~ProbeDatabase() = default;
  virtual Result<std::vector<Row>> run(const std::string& sql) = 0;
  virtual bool alive() const = 0;  // false: open again

  static Result<std::unique_ptr<ProbeDatabase>> open(const ProbeOptions& options, const std::string& who);
};

}  // namespace merganser::cli
