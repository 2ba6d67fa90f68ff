// When the writer makes a checkpoint, and what it does about snapshots that stand in the way.
#include "base/kill_point.h"
#include "base/log.h"
#include "coordinator/coordinator.h"

namespace merganser::coordinator {
namespace {

constexpr std::chrono::seconds kCheckpointBackoff{5};

}  // namespace

bool Coordinator::checkpoint_due() const {
  return database_.acknowledged_wal_bytes() >= limits_.checkpoint_wal_bytes &&
         SteadyClock::now() >= next_checkpoint_try_;
}

void Coordinator::chores() {
  if (ledger_.clean_up_due()) clean_up_ledger();
  if (database_.invalidated() || SteadyClock::now() < next_checkpoint_try_) return;
  const uint64_t wal = database_.wal_files().wal_bytes;
  if (wal == 0) return;
  const bool large = wal >= limits_.checkpoint_wal_bytes;
  bool idle = false;
  if (limits_.checkpoint_interval.count() > 0) {
    idle = SteadyClock::now() - last_write_.load() >= limits_.checkpoint_interval;
  }
  if (!large && !idle) return;
  const Status status = checkpoint(wal >= 4 * limits_.checkpoint_wal_bytes);
  if (status.ok()) return;
  next_checkpoint_try_ = SteadyClock::now() + kCheckpointBackoff;
  if (large) {
    log(LogLevel::kWarn, "checkpoint.postponed",
        {{"file", database_.file()}, {"wal_bytes", wal}, {"why", status.error().message}});
  }
}

Status Coordinator::checkpoint(bool hard) {
  const TimePoint begun = SteadyClock::now();
  const WriterState before = counters_.writer.exchange(WriterState::kCheckpoint);
  if (hooks_.retire_snapshots) hooks_.retire_snapshots(hard);
  kill_point("checkpoint_before");
  Status status = writer_->execute("CHECKPOINT");
  kill_point("checkpoint_after");
  counters_.writer = before;
  if (!status.ok() && status.error().message.find("other") != std::string::npos) {
    // DuckDB's own advice here, FORCE CHECKPOINT, would stop everybody.
    status = make_error(ErrorCode::kObjectInUse, "cannot checkpoint while older snapshots are in use", {},
                        "It happens by itself once the transactions and reads that began earlier have ended.");
  }
  if (status.ok()) status = database_.after_checkpoint();
  if (status.ok()) counters_.checkpoint.record(SteadyClock::now() - begun);
  (status.ok() ? counters_.checkpoints : counters_.checkpoint_failures)++;
  return status;
}

}  // namespace merganser::coordinator
