#include "session/query.h"

#include <algorithm>

#include "engine/error_map.h"
#include "engine/result_codec.h"

namespace merganser::session {
namespace {

constexpr size_t kKeptRows = size_t{64} << 10;  // bytes of what RETURNING gave, for ROLLBACK TO SAVEPOINT
constexpr size_t kPiece = 64 * 1024;            // bytes handed over at once

}  // namespace

void Query::expect(uint64_t max_rows, Deliver deliver) {
  rows_left_ = max_rows == 0 ? UINT64_MAX : max_rows == kNoRows ? 0 : max_rows;
  deliver_ = std::make_shared<const Deliver>(std::move(deliver));
}

void Query::run_owned(readers::Lease lease, const coordinator::Statement& statement, bool prepare_only) {
  owned_ = std::move(lease);
  const std::weak_ptr<Query> weak = weak_from_this();
  {
    const std::lock_guard lock(owned_.pooled().mutex);
    owned_.pooled().on_expire = [weak] {
      if (const auto self = weak.lock()) {
        self->cancel(make_error(ErrorCode::kObjectNotInState, "the snapshot of this statement is too old",
                                "It kept a checkpoint from running for longer than snapshot_max_age.",
                                "Read faster, or raise snapshot_max_age."));
      }
    };
  }
  execute_and_produce(owned_, statement, true, prepare_only);
}

void Query::run_borrowed(readers::Lease& lease, const coordinator::Statement& statement) {
  execute_and_produce(lease, statement, statement.kind->kind == engine::StatementKind::kRead, false);
}

void Query::run_materialised(engine::ResultSet result) {
  result_ = std::move(result);
  open_ = true;
  has_rows_ = result_.kind() == engine::ReturnKind::kRows;
  std::string bytes;
  if (has_rows_) {
    const Status status = setup_.sink->begin(result_.columns(), bytes);
    if (!status.ok()) return emit(Progress::State::kFailed, {}, status.error());
  }
  pending_ = std::move(bytes);
  produce();
}

void Query::execute_and_produce(readers::Lease& lease, const coordinator::Statement& statement, bool streaming,
                                bool prepare_only) {
  {
    const std::lock_guard lock(mutex_);
    lease_ = &lease;
  }
  open_ = true;
  const auto run = [&]() -> Result<engine::ResultSet> {
    if (cancelled_) return cancel_reason_;
    MERGANSER_ASSIGN(engine::Prepared * prepared, lease.prepare(*statement.sql, *statement.kind));
    if (prepare_only) {
      return make_error(ErrorCode::kFeatureNotSupported, "this kind of statement is not served",
                        "Its first word is not on the list of statements that clients may run.");
    }
    return prepared->execute(statement.values, streaming);
  };
  auto result = run();
  if (!result.ok()) {
    Error error = cancelled_ ? cancel_reason_ : std::move(result).error();
    return emit(Progress::State::kFailed, {}, std::move(error));
  }
  result_ = std::move(result).value();
  has_rows_ = result_.kind() == engine::ReturnKind::kRows;
  if (has_rows_ && setup_.digest && statement.kind->kind == engine::StatementKind::kWrite) {
    const auto kept = engine::encode_result(result_, kKeptRows, kept_);
    if (!kept.ok()) return emit(Progress::State::kFailed, {}, kept.error());
  }
  std::string bytes;
  if (has_rows_) {
    const Status status = setup_.sink->begin(result_.columns(), bytes);
    if (!status.ok()) return emit(Progress::State::kFailed, {}, status.error());
  }
  pending_ = std::move(bytes);
  produce();
}

Result<bool> Query::next_chunk() {
  MERGANSER_ASSIGN(chunk_, result_.next());
  row_ = 0;
  return chunk_.has_value();
}

// Appends rows up to a piece; false when the result is at its end.
Result<bool> Query::fill(std::string& out) {
  while (rows_left_ > 0 && out.size() < kPiece) {
    if (cancelled_) return cancel_reason_;
    if (spool_) {
      uint64_t rows = 0;
      MERGANSER_TRY(spool_->read(rows_left_, kPiece, out, rows));
      count_ += rows;
      rows_left_ -= std::min(rows, rows_left_);
      if (rows == 0) return false;
      continue;
    }
    if (!chunk_ || row_ >= chunk_->rows()) {
      MERGANSER_ASSIGN(const bool more, next_chunk());
      if (!more) return false;
      continue;
    }
    // A chunk of wide rows can be large: encode it in parts, so that the piece stays near its size.
    const size_t part = std::min<size_t>({chunk_->rows() - row_, rows_left_, size_t{256}});
    const size_t before = out.size();
    MERGANSER_TRY(setup_.sink->rows(*chunk_, row_, part, out));
    if (setup_.digest) digest_ += setup_.sink->digest(std::string_view(out).substr(before));
    row_ += part;
    count_ += part;
    rows_left_ -= part;
  }
  return true;
}

void Query::produce() {
  if (!has_rows_) {
    count_ = result_.changed_rows();
    return emit(Progress::State::kFinished, {});
  }
  const bool whole = keep_ && owned_ && count_ == 0 && rows_left_ == UINT64_MAX;
  for (bool first = true;; first = false) {
    std::string out = std::exchange(pending_, {});
    const size_t head = out.size();
    const auto more = fill(out);
    if (!more.ok()) return emit(Progress::State::kFailed, std::move(out), cancelled_ ? cancel_reason_ : more.error());
    if (!*more) {
      if (first && whole) keep_(owned_, result_.columns(), std::string_view(out).substr(head), count_);
      return emit(Progress::State::kFinished, std::move(out));
    }
    if (rows_left_ == 0) {
      if (owned_) owned_.wait_for_client();
      {
        const std::lock_guard lock(mutex_);
        suspended_ = true;
      }
      return emit(Progress::State::kSuspended, std::move(out));
    }
    bool park = false;
    {
      const std::lock_guard lock(mutex_);
      outstanding_ += out.size();
      park = outstanding_ > setup_.output_limit && !cancelled_;
    }
    emit(Progress::State::kMore, std::move(out));
    if (!park) continue;
    if (owned_) owned_.wait_for_client();
    const std::lock_guard lock(mutex_);
    if (outstanding_ <= setup_.output_limit / 2 || cancelled_) continue;  // the client was quicker
    if (setup_.stage) setup_.stage->set(Stage::kClient);
    // From here on the session's thread may resume on another worker at once: nothing may be touched any more.
    parked_ = true;
    return;
  }
}

void Query::emit(Progress::State state, std::string bytes, std::optional<Error> error) {
  Progress progress;
  progress.state = state;
  progress.bytes = std::move(bytes);
  progress.count = count_;
  progress.digest = digest_;
  if (state != Progress::State::kMore) progress.kept = std::exchange(kept_, {});
  progress.has_rows = has_rows_;
  if (error) {
    progress.needs_writer = engine::is_write_in_read_only(*error);
    progress.error = std::move(error);
    if (lease_ != nullptr) lease_->pooled().armed = false;  // the error ended its transaction
  }
  if (state == Progress::State::kFinished || state == Progress::State::kFailed) end();
  setup_.post([self = shared_from_this(), progress = std::make_shared<Progress>(std::move(progress))] {
    self->hand_over(std::move(*progress));
  });
}

// What hears of it may ask for more rows at once, and so be replaced while it is still running.
void Query::hand_over(Progress progress) {
  if (const auto deliver = deliver_) (*deliver)(std::move(progress));
}

void Query::end() {
  open_ = false;
  chunk_.reset();
  result_ = {};
  spool_.reset();
  {
    const std::lock_guard lock(mutex_);
    lease_ = nullptr;
  }
  owned_.give_back();
}

double Query::progress() {
  const std::lock_guard lock(mutex_);
  return lease_ == nullptr || suspended_ ? -1 : lease_->connection().progress();
}

void Query::resume() {
  {
    const std::lock_guard lock(mutex_);
    suspended_ = false;
    if (!open_) {
      // Somebody ended it meanwhile: what it had is gone, or goes with the job that cancel() made.
      Progress progress;
      progress.state = Progress::State::kFailed;
      progress.error = cancel_reason_;
      return setup_.post([self = shared_from_this(), kept = std::make_shared<Progress>(std::move(progress))] {
        self->hand_over(std::move(*kept));
      });
    }
  }
  readers::Job job;
  job.run = [self = shared_from_this()](readers::Lease&, const Status& status) {
    if (!status.ok()) return self->emit(Progress::State::kFailed, {}, status.error());
    if (self->setup_.stage) self->setup_.stage->set(Stage::kExecuting);
    self->produce();
  };
  setup_.pool->submit(std::move(job));
}

void Query::consumed(size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    outstanding_ -= std::min(outstanding_, bytes);
    if (!parked_ || outstanding_ > setup_.output_limit / 2) return;
    parked_ = false;
  }
  resume();
}

void Query::cancel(Error why) {
  bool was_parked = false;
  bool was_suspended = false;
  {
    const std::lock_guard lock(mutex_);
    if (!cancelled_) cancel_reason_ = std::move(why);
    cancelled_ = true;
    was_parked = std::exchange(parked_, false);
    if (suspended_ && owned_) {
      // Nobody works on it, and its client may never come back: its snapshot goes now.
      suspended_ = false;
      open_ = false;
      was_suspended = true;
    }
    // Under the lock, so that the connection cannot meanwhile go back and serve somebody else.
    if (!was_parked && lease_ != nullptr) lease_->connection().interrupt();
  }
  if (was_parked) resume();
  if (!was_suspended) return;
  readers::Job job;
  job.run = [self = shared_from_this()](readers::Lease&, const Status&) { self->end(); };
  setup_.pool->submit(std::move(job));
}

Status Query::move_to_spool(SpoolSpace& space, const std::atomic<bool>& cancelled) {
  if (!holds_connection()) return {};
  MERGANSER_ASSIGN(auto spool, Spool::create(space));
  std::string row;
  while (true) {
    // Whoever waits for this may have given up; the rest can be long.
    if (cancelled) return make_error(ErrorCode::kQueryCanceled, "canceling statement due to user request");
    if (!chunk_ || row_ >= chunk_->rows()) {
      MERGANSER_ASSIGN(const bool more, next_chunk());
      if (!more) break;
    }
    for (; row_ < chunk_->rows(); row_++) {
      row.clear();
      MERGANSER_TRY(setup_.sink->rows(*chunk_, row_, 1, row));
      MERGANSER_TRY(spool->append(row));
    }
  }
  chunk_.reset();
  result_ = {};
  {
    const std::lock_guard lock(mutex_);
    lease_ = nullptr;
  }
  spool_ = std::move(spool);
  return {};
}

}  // namespace merganser::session
