// When the writer makes a checkpoint, and what it does about snapshots that stand in the way.
//
// DuckDB cannot checkpoint while a snapshot from before the last change is in use. Those that are idle are let go. When
// the log has grown far beyond its limit, the writer stands still for a moment, longer the larger the log is: reads
// that began before end, those that begin meanwhile see the last change and are in nobody's way. So reads that overlap
// all the time cannot put a checkpoint off for ever. Whoever holds a snapshot for longer than its age limit loses it.
#include "base/kill_point.h"
#include "base/log.h"
#include "coordinator/coordinator.h"

namespace merganser::coordinator {
namespace {

constexpr std::chrono::seconds kCheckpointBackoff{5};
constexpr std::chrono::milliseconds kSoon{100};
constexpr uint64_t kOverdue = 4;        // times checkpoint_wal_bytes: from here on others are made to give way
constexpr int kBackoffOfPatience = 10;  // so writes stand still for a tenth of the time at most

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
  const uint64_t excess = wal / (kOverdue * limits_.checkpoint_wal_bytes);
  const Duration patience = std::min<Duration>(
      kCheckpointPatience * static_cast<int64_t>(std::min<uint64_t>(excess, 1000)), kMaxCheckpointPatience);
  const TimePoint begun = SteadyClock::now();
  const Status status = checkpoint(excess > 0, patience);
  if (status.ok()) return;
  put_off_checkpoint(status.error(), large ? wal : 0, SteadyClock::now() - begun);
}

// `wal_bytes` is 0 when the log is small: then it does no harm.
void Coordinator::put_off_checkpoint(const Error& why, uint64_t wal_bytes, Duration waited) {
  const TimePoint now = SteadyClock::now();
  next_checkpoint_try_ = now + std::max<Duration>(kCheckpointBackoff, kBackoffOfPatience * waited);
  if (snapshots_end_soon_) next_checkpoint_try_ = now + kSoon;
  if (wal_bytes == 0) return;
  int64_t none = 0;
  counters_.checkpoint_due_since.compare_exchange_strong(none, now.time_since_epoch().count());
  if (hooks_.warn_holders) hooks_.warn_holders();
  log(LogLevel::kWarn, "checkpoint.postponed",
      {{"file", database_.file()}, {"wal_bytes", wal_bytes}, {"why", why.message}});
}

Status Coordinator::checkpoint(bool hard, Duration patience) {
  const WriterState before = counters_.writer.exchange(WriterState::kCheckpoint);
  snapshots_end_soon_ = hooks_.retire_snapshots && hooks_.retire_snapshots(hard) > 0;
  if (patience > Duration::zero() && hooks_.await_snapshots) hooks_.await_snapshots(patience);
  const TimePoint begun = SteadyClock::now();
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
  if (status.ok()) {
    counters_.checkpoint.record(SteadyClock::now() - begun);
    counters_.checkpoint_due_since = 0;
  }
  (status.ok() ? counters_.checkpoints : counters_.checkpoint_failures)++;
  return status;
}

}  // namespace merganser::coordinator
