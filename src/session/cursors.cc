// DECLARE, FETCH, MOVE, CLOSE. A cursor's query waits on its transaction's connection, as a portal does, and goes to
// temporary storage when that is needed for something else.
#include <algorithm>

#include "session/cursor.h"
#include "session/session.h"

namespace merganser::session {
namespace {

using engine::CommandKind;
using engine::StatementKind;

constexpr size_t kMaxCursors = 1000;  // of a session

Error no_such_cursor(const std::string& name) {
  return make_error(ErrorCode::kInvalidCursorName, "cursor \"" + name + "\" does not exist");
}

}  // namespace

const Cursor* Session::find_cursor(const std::string& name) const {
  const auto found = cursors_.find(name);
  return found == cursors_.end() ? nullptr : found->second.get();
}

void Session::run_cursor(RunRequest request, const engine::SessionCommand& command) {
  switch (command.kind) {
    case CommandKind::kDeclare:
      return declare_cursor(std::move(request), command);
    case CommandKind::kFetch:
      return fetch_cursor(std::move(request), command);
    default:
      break;
  }
  if (!command.name.empty() && !cursors_.contains(command.name)) {
    if (transaction_.active) fail_transaction(std::nullopt);
    return finish_error(request.done, no_such_cursor(command.name));
  }
  if (command.name.empty()) {
    drop_cursors([](Cursor&) { return true; });
  } else {
    drop_cursors([&](const Cursor& one) { return one.name == command.name; });
  }
  Completion completion;
  completion.tag = command.tag;
  finish(request.done, std::move(completion));
}

void Session::drop_cursors(const std::function<bool(Cursor&)>& which) {
  for (auto it = cursors_.begin(); it != cursors_.end();) {
    if (!which(*it->second)) {
      ++it;
      continue;
    }
    if (it->second->query) it->second->query->abandon();
    it = cursors_.erase(it);
  }
}

void Session::close_cursor(const std::string& name) {
  drop_cursors([&](const Cursor& one) { return one.name == name; });
}

// ---- DECLARE ---------------------------------------------------------------------------------------------------

void Session::declare_cursor(RunRequest request, const engine::SessionCommand& asked) {
  // The text may have been changed since it was parsed: parameters have types by now.
  const engine::StatementClass parsed = classify(*request.statement.sql);
  const engine::SessionCommand& command = parsed.command ? *parsed.command : asked;
  const auto fail = [&](Error error) {
    if (transaction_.active) fail_transaction(std::nullopt);
    finish_error(request.done, std::move(error));
  };
  if (!transaction_.active && !command.hold) {
    return fail(make_error(ErrorCode::kNoActiveTransaction, "DECLARE CURSOR can only be used in transaction blocks"));
  }
  if (cursors_.contains(command.name)) {
    return fail(make_error(ErrorCode::kDuplicateCursor, "cursor \"" + command.name + "\" already exists"));
  }
  if (cursors_.size() >= kMaxCursors) {
    return fail(make_error(ErrorCode::kProgramLimitExceeded, "the session has too many cursors open"));
  }
  auto kind = std::make_shared<const engine::StatementClass>(classify(command.query));
  if (kind->kind == StatementKind::kRefused) return fail(*kind->refusal);
  if (kind->kind != StatementKind::kRead || kind->tag != "SELECT") {
    return fail(make_error(ErrorCode::kFeatureNotSupported, "DECLARE CURSOR takes a query that only reads"));
  }
  auto cursor = std::make_shared<Cursor>();
  cursor->name = command.name;
  cursor->statement = *request.statement.sql;
  cursor->hold = command.hold;
  cursor->binary = command.binary;
  cursor->scroll = command.scroll.value_or(false);
  cursor->savepoints = transaction_.savepoints.size();
  cursor->created_at = std::chrono::system_clock::now();
  cursor->sink = std::make_shared<CursorSink>(request.sink, request.format);
  const bool own = !transaction_.active;
  if (own) begin_implicit();
  request.statement.sql = std::make_shared<const std::string>(command.query);
  request.statement.kind = kind;
  request.sink = cursor->sink;
  request.max_rows = RunRequest::kNoRows;
  request.done = [self = shared_from_this(), cursor, own, tag = command.tag,
                  done = std::move(request.done)](Completion completion) {
    if (!completion.error) {
      cursor->query = std::move(completion.query);
      self->cursors_[cursor->name] = cursor;
      completion = {};
      completion.tag = tag;
      if (cursor->scroll && cursor->query) return self->store_cursor(cursor, own, done, std::move(completion));
    }
    self->end_declare(own, done, std::move(completion));
  };
  run_in_transaction(std::move(request));
}

// One that goes both ways has all its rows in temporary storage.
void Session::store_cursor(const std::shared_ptr<Cursor>& cursor, bool own, const Done& done, Completion completion) {
  begin_operation();
  readers::Job job;
  job.run = [self = shared_from_this(), cursor, own, done, completion, cancelled = cancelled_](readers::Lease&,
                                                                                               const Status&) {
    const Status stored = cursor->query->move_to_spool(self->services_->spool, *cancelled);
    self->services_->post([self, cursor, own, done, completion, stored]() mutable {
      if (!stored.ok()) {
        self->cursors_.erase(cursor->name);
        completion.error = stored.error();
        self->explain(*completion.error);
        self->fail_transaction(std::nullopt);
      }
      self->end_operation();
      if (!self->closed_) self->end_declare(own, done, std::move(completion));
    });
  };
  services_->pool->submit(std::move(job));
}

// WITH HOLD outside of a transaction is a transaction of its own.
void Session::end_declare(bool own, const Done& done, Completion completion) {
  if (!own) return done(std::move(completion));
  auto kept = std::make_shared<Completion>(std::move(completion));
  end_implicit(!kept->error, [done, kept](Completion ended) {
    if (!kept->error && ended.error) kept->error = std::move(ended.error);
    done(std::move(*kept));
  });
}

// ---- FETCH and MOVE --------------------------------------------------------------------------------------------

void Session::fetch_cursor(RunRequest request, const engine::SessionCommand& command) {
  const auto found = cursors_.find(command.name);
  const auto fail = [&](Error error) {
    if (transaction_.active) fail_transaction(std::nullopt);
    finish_error(request.done, std::move(error));
  };
  if (found == cursors_.end()) return fail(no_such_cursor(command.name));
  const std::shared_ptr<Cursor> cursor = found->second;
  if (command.move) {
    // Passed over like rows that a client takes at once.
    request.bytes = [self = weak_from_this()](const std::string& bytes) {
      if (const auto session = self.lock()) session->consumed(bytes.size());
    };
  } else if (cursor->query) {
    const Status ready = cursor->sink->retarget(request.sink, request.format, cursor->query->stored());
    if (!ready.ok()) return fail(ready.error());
  }
  const auto answer = [tag = command.tag](uint64_t rows) {
    Completion completion;
    completion.tag = tag + " " + std::to_string(rows);
    completion.rows = rows;
    return completion;
  };
  if (cursor->scroll) {
    const FetchPlan plan = plan_fetch(command, cursor->position, cursor->query ? cursor->query->stored_rows() : 0);
    cursor->position = plan.position;
    if (plan.rows == 0) return finish(request.done, answer(0));
    cursor->query->seek(plan.first - 1, plan.backward);
    return fetch_rows(cursor, std::move(request), plan.rows, answer);
  }
  const auto plan = plan_forward(command, cursor->position);
  if (!plan.ok()) return fail(plan.error());
  if (!cursor->query || !cursor->query->is_open()) return finish(request.done, answer(0));
  if (plan->skip == 0) return fetch_rows(cursor, std::move(request), plan->rows, answer);
  RunRequest skipped;
  skipped.statement = request.statement;
  skipped.bytes = [self = weak_from_this()](const std::string& bytes) {
    if (const auto session = self.lock()) session->consumed(bytes.size());
  };
  auto rest = std::make_shared<RunRequest>(std::move(request));
  skipped.done = [self = shared_from_this(), cursor, rest, rows = plan->rows, answer](Completion completion) {
    if (completion.error) return rest->done(std::move(completion));
    if (!cursor->query->is_open()) return rest->done(answer(0));
    self->begin_operation({rest->statement.sql, rest->statement.kind, 0});
    self->fetch_rows(cursor, std::move(*rest), rows, answer);
  };
  fetch_rows(cursor, std::move(skipped), plan->skip, answer);
}

void Session::fetch_rows(const std::shared_ptr<Cursor>& cursor, RunRequest request, uint64_t rows,
                         const std::function<Completion(uint64_t)>& answer) {
  request.max_rows = rows == UINT64_MAX ? 0 : rows;
  request.resumed = true;
  request.done = [cursor, answer, done = std::move(request.done)](Completion completion) {
    if (completion.error) return done(std::move(completion));
    const uint64_t got = completion.rows - cursor->given;
    cursor->given = completion.rows;
    if (!cursor->scroll) cursor->position += got + (completion.suspended ? 0 : 1);
    done(answer(got));
  };
  const std::shared_ptr<Query> query = cursor->query;
  running_ = query;
  hear(query, std::make_shared<RunRequest>(std::move(request)));
  query->resume();
}

}  // namespace merganser::session
