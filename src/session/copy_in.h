// One COPY FROM STDIN: bytes from the client become chunks on one worker and rows of the table on another, piece by
// piece.
//
// It is one transaction. What is small waits in memory until all of it is there: only then are connection and write
// lane taken. What is larger goes into a transaction of its own while it comes. That takes the lane for its commit
// only, so a client that sends slowly holds nobody up (docs/adr/0012-copy-streams.md); within a client's transaction,
// and for tables with foreign keys, it takes the lane before its first row.
//
// Threads: the sessions' thread; jobs work on what they are handed. Lifetime: shared; the session forgets it when it
// has ended, its jobs keep it until then.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/batch_source.h"
#include "session/row_source.h"
#include "session/session.h"

namespace merganser::session {

class CopyIn;

struct CopyInRequest {
  coordinator::Statement statement;
  std::shared_ptr<RowSource> source;
  std::function<void(std::shared_ptr<CopyIn>, size_t columns)> ready;  // the client may send now
  std::function<void()> room;                                          // after full(): there is room again
  std::function<void(Completion)> done;
};

class CopyIn : public std::enable_shared_from_this<CopyIn> {
 public:
  CopyIn(std::shared_ptr<Session> session, CopyInRequest request);
  ~CopyIn();
  CopyIn(const CopyIn&) = delete;
  CopyIn& operator=(const CopyIn&) = delete;

  // What the client sends; after finish() or fail() it is dropped.
  void data(std::string_view bytes);
  void finish();
  // CopyFail, a cancel, a client that has gone: nothing is stored.
  void fail(Error why);
  // The same, and the transaction is lost: its lane was taken away.
  void lose(Error why);
  // The client is faster than the engine: it has to wait.
  bool full();
  // Nothing runs, the client is awaited.
  bool idle() const { return ready_ && !jobs_running() && !waiting_for_lane_ && !error_; }

 private:
  friend class Session;
  // What lives on the transaction's connection; only workers touch it.
  struct Target;
  struct Described {
    std::vector<engine::Column> columns;
    SourceLayout layout;
    bool exclusive = false;  // the lane is needed before the first row
  };

  void begin(coordinator::WriteOptions options);
  static Result<Described> describe(Session& session, readers::Lease& lease, const engine::CopyStatement& copy,
                                    RowSource& source);
  void described(Result<Described> description);
  void pump();
  bool over_limit() const;
  bool jobs_running() const { return parsing_ || opening_ || appending_; }
  void start_parse();
  void start_open();
  void open();
  void start_append();
  void complete();
  void conclude();
  void take_lane(std::function<void()> then);
  std::string insert_text(const std::string& batch) const;
  void release_bytes(size_t bytes);

  std::shared_ptr<Session> session_;
  CopyInRequest request_;
  const engine::CopyStatementPtr copy_;
  bool own_ = false;  // the transaction is this statement's alone
  coordinator::WriteOptions options_;
  Described described_;
  std::shared_ptr<Target> target_;

  std::string piece_;              // being filled
  std::deque<std::string> input_;  // full pieces
  bool input_ended_ = false;
  std::vector<RowBlock> blocks_;  // parsed, not appended yet
  size_t parsed_bytes_ = 0;       // of the client's data in blocks_
  size_t held_bytes_ = 0;         // of the client's data in memory
  bool told_full_ = false;
  bool pump_posted_ = false;
  uint64_t rows_ = 0;

  bool ready_ = false;
  bool parsing_ = false;
  bool parse_ended_ = false;
  bool opening_ = false;
  bool opened_ = false;
  bool appending_ = false;
  bool waiting_for_lane_ = false;
  bool ending_ = false;
  bool lost_ = false;
  std::optional<Error> error_;
};

}  // namespace merganser::session
