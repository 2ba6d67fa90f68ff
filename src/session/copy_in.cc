#include "session/copy_in.h"

#include <algorithm>
#include <iterator>

#include "engine/copy_target.h"
#include "engine/sql_tokens.h"
#include "session/copy_errors.h"

namespace merganser::session {
namespace {

constexpr size_t kPiece = size_t{1} << 20;      // bytes parsed by one job
constexpr size_t kOpenAt = size_t{8} << 20;     // bytes that come before a transaction is begun
constexpr size_t kAppendAt = size_t{2} << 20;   // bytes appended by one job
constexpr size_t kMostHeld = size_t{16} << 20;  // bytes of one client in memory
constexpr size_t kLeastHeld = size_t{2} << 20;  // even when all together hold too many

}  // namespace

struct CopyIn::Target {
  std::shared_ptr<readers::Lease> lease;
  std::unique_ptr<engine::BatchSource> batch;
  std::unique_ptr<engine::Prepared> insert;  // reads the batch: goes first
};

CopyIn::CopyIn(std::shared_ptr<Session> session, CopyInRequest request)
    : session_(std::move(session)), request_(std::move(request)), copy_(request_.statement.kind->copy) {}

CopyIn::~CopyIn() {
  release_bytes(held_bytes_);
}

// ---- what the protocol calls -------------------------------------------------------------------------------------

void CopyIn::data(std::string_view bytes) {
  if (input_ended_ || error_ || ending_) return;
  held_bytes_ += bytes.size();
  session_->services_->copy_bytes += bytes.size();
  session_->services_->counters.copied_in_bytes += bytes.size();
  if (piece_.capacity() == 0) piece_.reserve(std::min(kPiece, std::max<size_t>(2 * bytes.size(), 4096)));
  piece_ += bytes;
  if (piece_.size() < kPiece) return;
  input_.push_back(std::exchange(piece_, {}));
  pump();
}

void CopyIn::finish() {
  if (std::exchange(input_ended_, true)) return;
  if (!piece_.empty()) input_.push_back(std::exchange(piece_, {}));
  pump();
}

void CopyIn::fail(Error why) {
  if (ending_) return;
  if (!error_) error_ = std::move(why);
  input_.clear();
  // An interrupt that comes too early is lost; whoever cancels repeats it.
  if (appending_) target_->lease->connection().interrupt();
  if (waiting_for_lane_) session_->services_->coordinator->cancel(session_->id(), *error_);
  pump();
}

void CopyIn::lose(Error why) {
  lost_ = true;
  fail(std::move(why));
}

bool CopyIn::over_limit() const {
  const bool crowded = session_->services_->copy_bytes > session_->services_->copy_limit;
  return held_bytes_ >= (crowded ? kLeastHeld : kMostHeld);
}

bool CopyIn::full() {
  if (!over_limit()) return false;
  told_full_ = true;
  // Others may have used up the room since: then nothing of this one is under way that would make some.
  if (!jobs_running() && !std::exchange(pump_posted_, true)) {
    session_->services_->post([self = shared_from_this()] {
      self->pump_posted_ = false;
      self->pump();
    });
  }
  return true;
}

void CopyIn::release_bytes(size_t bytes) {
  session_->services_->copy_bytes -= bytes;
  held_bytes_ -= bytes;
}

// ---- describing the table ------------------------------------------------------------------------------------------

void CopyIn::begin(coordinator::WriteOptions options) {
  options_ = std::move(options);
  own_ = !session_->transaction_.active;
  if (own_) session_->begin_implicit();
  const auto own_lease = session_->transaction_.lease ? session_->transaction_.lease : session_->pinned_;
  auto portals = own_lease ? std::exchange(session_->transaction_.portals, {}) : std::vector<std::shared_ptr<Query>>();
  session_->stage_->set(Stage::kWorker);
  opening_ = true;
  readers::Job job;
  job.needs = own_lease ? readers::Needs::kNothing : readers::Needs::kSnapshot;
  job.settings = session_->variables_.engine_settings();
  job.min_sequence = session_->services_->coordinator->committed();
  job.cancelled = session_->cancelled_;
  job.run = [self = shared_from_this(), own_lease, portals = std::move(portals), settings = job.settings,
             cancelled = job.cancelled](readers::Lease& lease, Status status) {
    readers::Lease& on = own_lease ? *own_lease : lease;
    if (own_lease) {
      const Status room = Session::make_room(*self->session_->services_, portals, *cancelled);
      if (status.ok()) status = room;
      if (status.ok()) status = on.apply(settings);
    }
    auto result = std::make_shared<Result<Described>>(
        status.ok() ? describe(*self->session_, on, *self->copy_, *self->request_.source) : status.error());
    if (!result->ok() && on) on.pooled().armed = false;
    if (lease) lease.give_back();
    self->session_->services_->post([self, result] { self->described(std::move(*result)); });
  };
  session_->services_->pool->submit(std::move(job));
}

Result<CopyIn::Described> CopyIn::describe(Session& session, readers::Lease& lease, const engine::CopyStatement& copy,
                                           RowSource& source) {
  Described out;
  MERGANSER_ASSIGN(const auto target,
                   engine::read_copy_target(lease.connection(), session.services_->database->name(), copy.table));
  MERGANSER_ASSIGN(out.columns, engine::choose_copy_columns(target, copy));
  out.exclusive = target.foreign_keys;
  MERGANSER_ASSIGN(out.layout, source.begin(out.columns));
  return out;
}

void CopyIn::described(Result<Described> description) {
  opening_ = false;
  if (!description.ok() && !error_) error_ = std::move(description).error();
  if (error_) {
    error_->position = 0;
    return pump();
  }
  described_ = std::move(description).value();
  ready_ = true;
  session_->stage_->set(Stage::kClient);
  if (!session_->closed_) request_.ready(shared_from_this(), described_.columns.size());
  pump();
}

// ---- the stages
// ------------------------------------------------------------------------------------------------------

// Whatever has happened: starts what can be started now.
void CopyIn::pump() {
  if (ending_ || waiting_for_lane_) return;
  if (error_) {
    if (!jobs_running()) conclude();
    return;
  }
  if (!ready_) return;
  // Full, nothing more comes: what is there has to go on.
  const bool pressed = over_limit();
  if (pressed && !piece_.empty()) input_.push_back(std::exchange(piece_, {}));
  if (!parsing_ && !parse_ended_ && (!input_.empty() || input_ended_)) start_parse();
  if (!opening_ && !appending_) {
    if (!opened_) {
      if (!blocks_.empty() && (parse_ended_ || pressed || parsed_bytes_ >= kOpenAt)) return start_open();
    } else if (!blocks_.empty() && (parse_ended_ || pressed || parsed_bytes_ >= kAppendAt)) {
      start_append();
    }
    if (parse_ended_ && blocks_.empty() && !appending_) return complete();
  }
  const bool working = jobs_running();
  if (!working) session_->stage_->set(Stage::kClient);
  if (session_->transaction_.lane) {
    working ? session_->transaction_.lane->set_busy() : session_->transaction_.lane->set_idle();
  }
  if (!working && session_->transaction_.revoke_wanted) return session_->revoked();
  if (told_full_ && !over_limit()) {
    told_full_ = false;
    request_.room();
  }
}

void CopyIn::start_parse() {
  parsing_ = true;
  session_->stage_->set(Stage::kExecuting);
  auto bytes = std::make_shared<std::string>();
  if (!input_.empty()) {
    *bytes = std::move(input_.front());
    input_.pop_front();
  }
  const bool last = input_ended_ && input_.empty();
  readers::Job job;
  job.cancelled = session_->cancelled_;
  job.run = [self = shared_from_this(), bytes, last](readers::Lease&, Status status) {
    auto blocks = std::make_shared<std::vector<RowBlock>>();
    const size_t size = bytes->size();
    if (status.ok()) status = self->request_.source->read(std::move(*bytes), last, *blocks);
    self->session_->services_->post([self, blocks, status, size, last] {
      self->parsing_ = false;
      self->parse_ended_ = last || !status.ok();
      self->parsed_bytes_ += size;
      std::move(blocks->begin(), blocks->end(), std::back_inserter(self->blocks_));
      // Of a row longer than a piece only the reader knows yet; it has a limit of its own.
      if (self->blocks_.empty()) self->release_bytes(std::exchange(self->parsed_bytes_, 0));
      if (!status.ok() && !self->error_) self->error_ = status.error();
      self->pump();
    });
  };
  session_->services_->pool->submit(std::move(job));
}

void CopyIn::take_lane(std::function<void()> then) {
  if (session_->transaction_.lane) return then();
  waiting_for_lane_ = true;
  session_->with_lane(options_, [self = shared_from_this(), then = std::move(then)](std::optional<Error> error) {
    self->waiting_for_lane_ = false;
    if (error && !self->error_) {
      self->session_->explain(*error);
      self->error_ = std::move(error);
    }
    if (self->error_) return self->pump();
    then();
  });
}

void CopyIn::start_open() {
  const bool streams = own_ && !described_.exclusive && !parse_ended_ && session_->pinned_ == nullptr &&
                       !session_->transaction_.serializable;
  if (streams) return open();
  take_lane([self = shared_from_this()] { self->open(); });
}

void CopyIn::open() {
  opening_ = true;
  Session& session = *session_;
  auto& transaction = session.transaction_;
  if (!transaction.lease && session.pinned_) transaction.lease = session.pinned_;
  const bool new_lease = transaction.lease == nullptr;
  if (new_lease) transaction.lease = std::make_shared<readers::Lease>();
  const bool begin = !std::exchange(transaction.begun, true);
  if (begin) transaction.snapshot = session.services_->coordinator->committed();
  transaction.wrote = true;
  transaction.in_doubt = true;
  target_ = std::make_shared<Target>();
  target_->lease = transaction.lease;
  readers::Job job;
  job.cancelled = session.cancelled_;
  job.needs = new_lease ? readers::Needs::kConnection : readers::Needs::kNothing;
  job.settings = session.variables_.engine_settings();
  const auto expired = [post = session.services_->post, weak = session.weak_from_this(),
                        lease = std::weak_ptr(transaction.lease)] {
    post([weak, lease] {
      if (const auto locked = weak.lock()) locked->snapshot_expired(lease);
    });
  };
  job.run = [self = shared_from_this(), target = target_, new_lease, begin, settings = job.settings, expired,
             warn = session.warn_of_snapshot()](readers::Lease& given, Status status) {
    if (new_lease && status.ok()) *target->lease = std::move(given);
    readers::Lease& lease = *target->lease;
    if (status.ok() && begin) {
      lease.watch(expired, warn);
      status = lease.begin_transaction(false);
    }
    if (status.ok()) status = lease.apply(settings);
    if (status.ok()) {
      target->batch = self->session_->services_->database->batch_function().make_source(lease.connection(),
                                                                                        self->described_.layout.cells);
      auto prepared = lease.connection().prepare(self->insert_text(target->batch->sql()), engine::Origin::kClient);
      if (prepared.ok()) {
        target->insert = std::move(prepared).value();
      } else {
        status = explain_copy_target(prepared.error(), self->copy_->table_name);
      }
    }
    self->session_->services_->post([self, status] {
      self->opening_ = false;
      self->opened_ = status.ok();
      if (!status.ok() && !self->error_) {
        self->error_ = status.error();
        self->error_->position = 0;
      }
      self->pump();
    });
  };
  session.services_->pool->submit(std::move(job));
}

std::string CopyIn::insert_text(const std::string& batch) const {
  std::string names;
  std::string cells;
  for (size_t i = 0; i < described_.columns.size(); i++) {
    const std::string name = engine::quote_name(described_.columns[i].name);
    names += (i > 0 ? ", " : "") + name;
    cells += (i > 0 ? ", " : "") + described_.layout.expressions[i] + " AS " + name;
  }
  const std::string rows = "SELECT " + cells + " FROM " + batch;
  std::string text = "INSERT INTO " + copy_->table + " (" + names + ") ";
  if (copy_->where.empty()) return text + rows;
  return text + "SELECT * FROM (" + rows + ") AS " + engine::quote_name(copy_->table_name) + " WHERE (" + copy_->where +
         "\n)";
}

void CopyIn::start_append() {
  appending_ = true;
  session_->stage_->set(Stage::kExecuting);
  auto blocks = std::make_shared<std::vector<RowBlock>>(std::exchange(blocks_, {}));
  const size_t bytes = std::exchange(parsed_bytes_, 0);
  readers::Job job;
  job.cancelled = session_->cancelled_;
  job.run = [self = shared_from_this(), target = target_, blocks, bytes](readers::Lease&, Status status) {
    uint64_t rows = 0;
    if (status.ok() && target->lease->expired()) status = copy_too_old();
    if (status.ok()) {
      std::vector<const engine::Chunk*> chunks;
      for (const RowBlock& block : *blocks) chunks.push_back(&block.chunk);
      target->batch->set_chunks(chunks.data(), chunks.size());
      auto result = target->insert->execute({}, false);
      if (result.ok()) {
        rows = result->changed_rows();
      } else {
        status =
            locate_copy_error(std::move(result).error(), self->described_.columns, *blocks, *self->request_.source);
      }
    }
    // Here, not on the sessions' thread: it is much memory.
    blocks->clear();
    self->session_->services_->post([self, status, rows, bytes] {
      self->appending_ = false;
      self->rows_ += rows;
      self->release_bytes(bytes);
      if (!status.ok() && !self->error_) {
        self->error_ = status.error();
        self->session_->explain(*self->error_);
      }
      self->pump();
    });
  };
  session_->services_->pool->submit(std::move(job));
}

// ---- the end
// ---------------------------------------------------------------------------------------------------------

// All rows are in the transaction. Its own is committed now; a client's goes on.
void CopyIn::complete() {
  ending_ = true;
  session_->services_->counters.copied_in_rows += rows_;
  readers::Job job;
  job.run = [self = shared_from_this(), target = std::exchange(target_, nullptr)](readers::Lease&,
                                                                                  const Status&) mutable {
    if (target) target->insert.reset();
    target.reset();
    self->session_->services_->post([self] {
      self->ending_ = false;
      const std::string tag = "COPY " + std::to_string(self->rows_);
      if (!self->own_ || self->error_) {
        if (self->error_) return self->conclude();
        self->ending_ = true;
        self->session_->transaction_.in_doubt = false;
        if (self->rows_ > 0) self->session_->transaction_.log.give_up("it has a COPY FROM, whose data are not kept");
        Completion completion;
        completion.tag = tag;
        completion.rows = self->rows_;
        return self->session_->finish(self->request_.done, std::move(completion));
      }
      const auto commit = [self, tag] {
        self->ending_ = true;
        self->session_->commit(self->request_.done, tag);
      };
      self->session_->transaction_.begun ? self->take_lane(commit) : commit();
    });
  };
  session_->services_->pool->submit(std::move(job));
}

void CopyIn::conclude() {
  ending_ = true;
  readers::Job job;
  job.run = [self = shared_from_this(), target = std::exchange(target_, nullptr)](readers::Lease&,
                                                                                  const Status&) mutable {
    if (target) target->insert.reset();
    target.reset();
    self->session_->services_->post([self] {
      Session& session = *self->session_;
      Error error = *std::move(self->error_);
      if (self->own_) {
        return session.rollback(self->request_.done, "ROLLBACK", std::move(error));
      }
      self->lost_ ? session.lose_transaction(std::nullopt) : session.fail_transaction(std::nullopt);
      session.finish_error(self->request_.done, std::move(error));
    });
  };
  session_->services_->pool->submit(std::move(job));
}

// ---- the session
// -------------------------------------------------------------------------------------------------------

std::shared_ptr<CopyIn> Session::copy_in(CopyInRequest request) {
  services_->counters.statements++;
  statements_++;
  begin_operation({request.statement.sql, request.statement.kind, 0});
  const auto refuse = [&](Error error) {
    finish_error(request.done, std::move(error));
    return std::shared_ptr<CopyIn>();
  };
  if (transaction_.failed) return refuse(failure());
  const bool read_only = transaction_.active ? transaction_.read_only : variables_.default_read_only();
  if (read_only) {
    if (transaction_.active) fail_transaction(std::nullopt);
    return refuse(make_error(ErrorCode::kReadOnlyTransaction, "cannot execute COPY FROM in a read-only transaction"));
  }
  auto options = take_write_options({&request.statement, 1});
  if (!options.ok()) {
    if (transaction_.active) fail_transaction(std::nullopt);
    return refuse(std::move(options).error());
  }
  if (auto refused = refuse_copy_keys(*options)) {
    if (transaction_.active) fail_transaction(std::nullopt);
    return refuse(*std::move(refused));
  }
  copy_ = std::make_shared<CopyIn>(shared_from_this(), std::move(request));
  copy_->begin(std::move(options).value());
  return copy_;
}

}  // namespace merganser::session
