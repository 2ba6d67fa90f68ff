// All that an owner counts and measures, gathered once for `merganser status` and for merganser.statistics.
//
// Threads: any, while the parts are there. Lifetime: the parts outlive the call.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/histogram.h"
#include "coordinator/coordinator.h"
#include "engine/live_table.h"
#include "readers/pool.h"
#include "session/services.h"

namespace merganser::cli {

struct OwnerParts {
  const engine::Database& database;
  const coordinator::Coordinator& coordinator;
  const readers::Pool& pool;
  const session::Services& services;
};

// The name says the unit: …_us, …_ms, …_s, …_bytes, or a plain number. A histogram has its whole distribution.
struct Statistic {
  std::string_view group;
  std::string name;
  std::variant<uint64_t, double, Histogram::Snapshot> value;
};

std::vector<Statistic> owner_statistics(const OwnerParts& parts);

// The table merganser.statistics.
std::vector<engine::LiveColumn> statistics_columns();
engine::LiveRows statistics_rows(const std::vector<Statistic>& statistics);

}  // namespace merganser::cli
