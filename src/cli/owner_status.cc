#include "cli/owner_status.h"

#include <fstream>
#include <unistd.h>

namespace merganser::cli {
namespace {

using engine::LiveType;
using engine::LiveValue;

uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

void add_sessions(std::vector<Statistic>& out, const session::SessionCounters& sessions) {
  const auto add = [&](const char* name, uint64_t value) { out.push_back({"sessions", name, value}); };
  add("open", sessions.open);
  add("active", sessions.active);
  add("idle_in_transaction", sessions.idle_in_transaction);
  add("total", sessions.total);
  add("statements", sessions.statements);
  add("errors", sessions.errors);
  add("conflicts", sessions.conflicts);
  add("cancelled", sessions.cancels);
  add("timed_out", sessions.timeouts);
  add("portals_suspended", sessions.portals_suspended);
  add("portals_spooled", sessions.portals_spooled);
  add("savepoint_replays", sessions.savepoint_replays);
  add("copied_in_rows", sessions.copied_in_rows);
  add("copied_in_bytes", sessions.copied_in_bytes);
  for (size_t i = 0; i < session::kLatencyNames.size(); i++) {
    const std::string name = std::string(session::kLatencyNames[i]) + "_latency_us";
    out.push_back({"sessions", name, sessions.latency[i].snapshot()});
  }
}

void add_queue(std::vector<Statistic>& out, const coordinator::Coordinator& coordinator) {
  const auto& writes = coordinator.counters();
  const auto state = coordinator.queue_state();
  const auto add = [&](const char* name, uint64_t value) { out.push_back({"queue", name, value}); };
  add("waiting", state.waiting);
  add("debounced", state.debounced);
  add("bytes", state.bytes);
  add("lane_taken", state.lane_taken ? 1 : 0);
  add("entered", writes.entered);
  add("units", writes.units);
  add("grouped_units", writes.grouped_units);
  add("rows", writes.rows);
  add("solo_reruns", writes.solo_reruns);
  add("conflicts_retried", writes.conflicts_retried);
  add("refused_full", writes.refused_full);
  add("expired", writes.expired);
  add("cancelled", writes.cancelled);
  add("skipped", writes.skipped);
  add("superseded", writes.superseded);
  add("outcome_unknown", writes.outcome_unknown);
  add("lanes_granted", writes.lanes_granted);
  add("lanes_revoked", writes.lanes_revoked);
  out.push_back({"queue", "wait_us", writes.queue_wait.snapshot()});
  out.push_back({"queue", "lane_wait_us", writes.lane_wait.snapshot()});
}

void add_idempotency(std::vector<Statistic>& out, const coordinator::Counters& writes) {
  const auto add = [&](const char* name, uint64_t value) { out.push_back({"idempotency", name, value}); };
  add("keys", writes.idempotency_keys);
  add("replays", writes.idempotent_replays);
  add("mismatches", writes.idempotency_mismatches);
  add("answers_too_large", writes.idempotent_answers_too_large);
  add("keys_expired", writes.idempotency_keys_expired);
}

void add_batches(std::vector<Statistic>& out, const coordinator::Counters& writes) {
  const auto add = [&](const char* name, uint64_t value) { out.push_back({"batches", name, value}); };
  add("commits", writes.commits);
  add("ddl", writes.ddl);
  out.push_back({"batches", "units_each", writes.batch_units.snapshot()});
  out.push_back({"batches", "rows_each", writes.batch_rows.snapshot()});
  out.push_back({"batches", "execute_us", writes.execute.snapshot()});
  out.push_back({"batches", "commit_us", writes.commit.snapshot()});
  out.push_back({"batches", "fsync_us", writes.sync.snapshot()});
}

void add_coalescing(std::vector<Statistic>& out, const coordinator::Counters& writes) {
  const uint64_t units = writes.units;
  const uint64_t coalesced = writes.coalesced_units;
  out.push_back({"coalescing", "units", coalesced});
  out.push_back({"coalescing", "statements", writes.coalesced_statements.load()});
  out.push_back(
      {"coalescing", "share", units == 0 ? 0.0 : static_cast<double>(coalesced) / static_cast<double>(units)});
  out.push_back({"coalescing", "split", writes.split_batches.load()});
  for (size_t i = 1; i < coordinator::kNotCoalescedNames.size(); i++) {
    const std::string name = "not_" + std::string(coordinator::kNotCoalescedNames[i]);
    out.push_back({"coalescing", name, writes.not_coalesced[i].load()});
  }
}

void add_reads(std::vector<Statistic>& out, const readers::Pool& pool) {
  const auto& reads = pool.counters();
  const auto state = pool.state();
  const auto add = [&](const char* name, uint64_t value) { out.push_back({"reads", name, value}); };
  add("waiting", state.waiting);
  add("running", state.running);
  add("connections", state.snapshot_connections);
  add("pinned_connections", state.pinned_connections);
  add("oldest_snapshot_ms", static_cast<uint64_t>(state.oldest_snapshot.count()));
  add("total", reads.reads);
  add("on_armed_snapshot", reads.reads_on_armed);
  add("snapshots_armed", reads.snapshots_armed);
  add("snapshots_expired", reads.snapshots_expired);
  add("refused_full", reads.refused_full);
  out.push_back({"reads", "wait_us", reads.wait.snapshot()});
  out.push_back({"reads", "run_us", reads.run.snapshot()});
}

void add_result_cache(std::vector<Statistic>& out, const readers::ResultCache& results) {
  const auto& counters = results.counters();
  const auto add = [&](const char* name, uint64_t value) { out.push_back({"result_cache", name, value}); };
  add("hits", counters.hits);
  add("misses", counters.misses);
  add("expired", counters.expired);
  add("kept", counters.kept);
  add("evicted", counters.evicted);
  add("entries", counters.entries);
  add("bytes", counters.bytes);
}

void add_wal(std::vector<Statistic>& out, const engine::Database& database, const coordinator::Counters& writes) {
  const auto files = database.wal_files();
  const auto add = [&](const char* name, uint64_t value) { out.push_back({"wal", name, value}); };
  add("bytes", files.wal_bytes);
  add("checkpoint_bytes", files.checkpoint_bytes);
  add("recovery_bytes", files.recovery_bytes);
  add("checkpoints", writes.checkpoints);
  add("checkpoint_failures", writes.checkpoint_failures);
  const int64_t since = writes.checkpoint_due_since;
  const Duration overdue = since == 0 ? Duration::zero() : SteadyClock::now() - TimePoint(Duration(since));
  add("checkpoint_overdue_ms",
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(overdue).count()));
  out.push_back({"wal", "checkpoint_us", writes.checkpoint.snapshot()});
}

std::string unit_of(const std::string& name) {
  if (name.ends_with("bytes")) return "bytes";
  for (const char* unit : {"us", "ms", "s"}) {
    if (name.ends_with(std::string("_") + unit)) return unit;
  }
  return name == "share" ? "ratio" : "";
}

}  // namespace

std::vector<Statistic> owner_statistics(const OwnerParts& parts) {
  std::vector<Statistic> out;
  const auto& writes = parts.coordinator.counters();
  add_sessions(out, parts.services.counters);
  add_queue(out, parts.coordinator);
  add_batches(out, writes);
  add_idempotency(out, writes);
  add_coalescing(out, writes);
  add_reads(out, parts.pool);
  if (parts.services.results != nullptr) add_result_cache(out, *parts.services.results);
  add_wal(out, parts.database, writes);
  out.push_back({"memory", "rss_bytes", resident_bytes()});
  out.push_back({"memory", "spool_bytes", parts.services.spool.used.load()});
  return out;
}

std::vector<engine::LiveColumn> statistics_columns() {
  return {{"name", LiveType::kText},     {"value", LiveType::kReal}, {"unit", LiveType::kText},
          {"count", LiveType::kInteger}, {"mean", LiveType::kReal},  {"p50", LiveType::kReal},
          {"p90", LiveType::kReal},      {"p99", LiveType::kReal},   {"max", LiveType::kReal}};
}

engine::LiveRows statistics_rows(const std::vector<Statistic>& statistics) {
  engine::LiveRows rows;
  for (const Statistic& one : statistics) {
    std::vector<LiveValue> row{std::string(one.group) + "." + one.name, LiveValue(), unit_of(one.name)};
    if (const auto* histogram = std::get_if<Histogram::Snapshot>(&one.value)) {
      row[1] = static_cast<double>(histogram->sum);
      row.insert(row.end(), {static_cast<int64_t>(histogram->count), histogram->mean(), histogram->quantile(0.5),
                             histogram->quantile(0.9), histogram->quantile(0.99), static_cast<double>(histogram->max)});
    } else {
      const auto* number = std::get_if<double>(&one.value);
      row[1] = number != nullptr ? *number : static_cast<double>(std::get<uint64_t>(one.value));
      row.resize(9);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace merganser::cli
