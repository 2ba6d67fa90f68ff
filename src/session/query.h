// One execution that gives rows (or a count): runs on workers, hands encoded bytes to its session piece by piece, waits
// when the client does not read, can stop after a number of rows and go on later, and can be moved to a spool.
//
// Threads: produce_* run on a worker, one at a time; consumed(), cancel() and the Deliver callback on the session's
// thread. Lifetime: shared; a Query that borrows its transaction's lease ends before the transaction does.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "coordinator/unit.h"
#include "readers/pool.h"
#include "session/row_sink.h"
#include "session/spool.h"

namespace merganser::session {

struct Progress {
  enum class State : uint8_t { kMore, kSuspended, kFinished, kFailed };
  State state = State::kMore;
  std::string bytes;          // of the protocol
  uint64_t count = 0;         // rows so far, or changed rows when finished
  uint64_t digest = 0;        // of the rows so far, when asked for
  std::string kept;           // rows of RETURNING, encoded by the engine, when asked for and few
  bool has_rows = false;      // the statement has columns
  bool needs_writer = false;  // kFailed: it turned out to write; run it there
  std::optional<Error> error;
};

class Query : public std::enable_shared_from_this<Query> {
 public:
  using Post = std::function<void(std::function<void()>)>;
  using Deliver = std::function<void(Progress)>;
  // Called on the worker when all rows fit into one piece, before the session hears of the end.
  using Keep =
      std::function<void(readers::Lease& lease, const engine::Columns& columns, std::string_view rows, uint64_t count)>;

  struct Setup {
    readers::Pool* pool = nullptr;
    Post post;  // to the session's thread
    std::shared_ptr<RowSink> sink;
    size_t output_limit = size_t{1} << 20;  // bytes that may wait for the client
    StageMarkPtr stage;                     // of the session; may be null
    bool digest = false;                    // whether Progress has one
  };
  explicit Query(Setup setup) : setup_(std::move(setup)) {}

  // On a worker: execute and produce. `owned` is given back at the end; `borrowed` belongs to a transaction.
  void run_owned(readers::Lease lease, const coordinator::Statement& statement, bool prepare_only);
  void run_borrowed(readers::Lease& lease, const coordinator::Statement& statement);
  // Instead of running: the job could not be done.
  void refuse(Error error) { emit(Progress::State::kFailed, {}, std::move(error)); }
  // On the session's thread or a worker: rows that are already there.
  void run_materialised(engine::ResultSet result);

  static constexpr uint64_t kNoRows = UINT64_MAX - 1;
  // Before each run or resume, on the session's thread: how many rows (0: all; kNoRows: only begin), and who hears of
  // them.
  void expect(uint64_t max_rows, Deliver deliver);
  // Before it is run.
  void keep_with(Keep keep) { keep_ = std::move(keep); }
  // On the session's thread: goes on after kSuspended.
  void resume();
  // On the session's thread: the client has taken this many bytes.
  void consumed(size_t bytes);
  // Any thread. The caller repeats it until the query has ended.
  void cancel(Error why);
  // On a worker, while suspended: the rest goes to a spool, the connection is free.
  Status move_to_spool(SpoolSpace& space, const std::atomic<bool>& cancelled);
  // On the session's thread, while suspended: whether its rows are in temporary storage, how many, and which is next.
  bool stored() const { return spool_ != nullptr; }
  size_t stored_rows() const { return spool_ ? spool_->rows() : 0; }
  void seek(size_t row, bool backward) {
    if (spool_) spool_->seek(row, backward);
  }
  // Percent done of what executes; negative: not known. Any thread.
  double progress();
  // On a worker, while suspended: whether its result is open on a connection.
  bool holds_connection() const { return open_ && !spool_ && lease_ != nullptr; }
  // On the session's thread: nobody will ask for the rest. The next job on the connection drops or spools it.
  void abandon() { abandoned_ = true; }
  bool abandoned() const { return abandoned_; }
  // On a worker, while suspended: closes the result.
  void drop() { end(); }
  bool is_open() const { return open_; }

 private:
  void execute_and_produce(readers::Lease& lease, const coordinator::Statement& statement, bool streaming,
                           bool prepare_only);
  void produce();
  Result<bool> fill(std::string& out);
  Result<bool> next_chunk();
  void emit(Progress::State state, std::string bytes, std::optional<Error> error = std::nullopt);
  void hand_over(Progress progress);
  void end();

  Setup setup_;
  Keep keep_;
  std::shared_ptr<const Deliver> deliver_;
  readers::Lease owned_;
  readers::Lease* lease_ = nullptr;
  engine::ResultSet result_;
  std::unique_ptr<Spool> spool_;
  std::optional<engine::Chunk> chunk_;
  size_t row_ = 0;
  uint64_t rows_left_ = UINT64_MAX;
  uint64_t count_ = 0;
  uint64_t digest_ = 0;
  std::string kept_;
  bool has_rows_ = false;
  std::string pending_;  // bytes that go out before the next rows
  std::atomic<bool> abandoned_ = false;
  std::atomic<bool> open_ = false;  // more rows may come

  std::mutex mutex_;
  size_t outstanding_ = 0;
  bool parked_ = false;
  bool suspended_ = false;  // at its row limit
  std::atomic<bool> cancelled_ = false;
  Error cancel_reason_;
};

}  // namespace merganser::session
