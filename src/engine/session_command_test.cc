#include "engine/session_command.h"

#include <gtest/gtest.h>

namespace merganser::engine {
namespace {

SessionCommand parse(std::string_view sql) {
  const auto tokens = tokenize(sql);
  const auto parsed = parse_session_command(sql, tokens);
  EXPECT_TRUE(parsed.ok()) << sql << ": " << parsed.error().message;
  if (!parsed.ok()) return {};
  EXPECT_TRUE(parsed->has_value()) << sql;
  return parsed->value_or(SessionCommand{});
}

Error failure(std::string_view sql) {
  const auto tokens = tokenize(sql);
  const auto parsed = parse_session_command(sql, tokens);
  EXPECT_FALSE(parsed.ok()) << sql;
  return parsed.ok() ? Error{} : parsed.error();
}

TEST(SessionCommand, Transactions) {
  EXPECT_EQ(parse("begin").tag, "BEGIN");
  EXPECT_EQ(parse("Start Transaction").tag, "START TRANSACTION");
  const auto modes = parse("begin work isolation level repeatable read, read only deferrable").modes;
  EXPECT_EQ(modes.isolation, "repeatable read");
  EXPECT_EQ(modes.read_only, true);
  EXPECT_EQ(modes.deferrable, true);
  EXPECT_EQ(parse("set transaction read write").modes.read_only, false);
  EXPECT_EQ(parse("set local transaction isolation level serializable").modes.isolation, "serializable");
  EXPECT_EQ(parse("set session characteristics as transaction read only").kind, CommandKind::kSetDefaults);
  EXPECT_EQ(parse("set constraints all deferred").mode, "DEFERRED");
  EXPECT_TRUE(parse("commit and chain").chain);
  EXPECT_FALSE(parse("end transaction and no chain").chain);
  EXPECT_EQ(parse("abort").tag, "ROLLBACK");
}

TEST(SessionCommand, Savepoints) {
  EXPECT_EQ(parse("savepoint A").name, "a");
  EXPECT_EQ(parse("savepoint \"A\"\"b\"").name, "A\"b");
  EXPECT_EQ(parse("release savepoint s").name, "s");
  EXPECT_EQ(parse("release savepoint").name, "savepoint");
  const auto to = parse("rollback work to savepoint x");
  EXPECT_EQ(to.kind, CommandKind::kRollbackTo);
  EXPECT_EQ(to.tag, "ROLLBACK");
  EXPECT_EQ(to.name, "x");
}

TEST(SessionCommand, Cursors) {
  const auto cursor = parse("declare \"C\" binary no scroll cursor with hold for select 1, 'a'");
  EXPECT_EQ(cursor.name, "C");
  EXPECT_TRUE(cursor.binary);
  EXPECT_TRUE(cursor.hold);
  EXPECT_EQ(cursor.scroll, false);
  EXPECT_EQ(cursor.query, "select 1, 'a'");
  struct Case {
    const char* sql;
    FetchDirection direction;
    int64_t count;
  };
  for (const Case& one : std::initializer_list<Case>{{"fetch c", FetchDirection::kForward, 1},
                                                     {"fetch next", FetchDirection::kForward, 1},
                                                     {"fetch from c", FetchDirection::kForward, 1},
                                                     {"fetch 10 in c", FetchDirection::kForward, 10},
                                                     {"fetch -3 c", FetchDirection::kForward, -3},
                                                     {"fetch all c", FetchDirection::kForward, kFetchAll},
                                                     {"fetch forward all from c", FetchDirection::kForward, kFetchAll},
                                                     {"fetch prior from c", FetchDirection::kBackward, 1},
                                                     {"fetch backward 2 c", FetchDirection::kBackward, 2},
                                                     {"fetch last c", FetchDirection::kAbsolute, -1},
                                                     {"fetch absolute -2 c", FetchDirection::kAbsolute, -2},
                                                     {"fetch relative 0 c", FetchDirection::kRelative, 0}}) {
    const auto fetch = parse(one.sql);
    EXPECT_EQ(fetch.direction, one.direction) << one.sql;
    EXPECT_EQ(fetch.count, one.count) << one.sql;
  }
  EXPECT_TRUE(parse("move 5 from c").move);
  EXPECT_EQ(parse("close all").name, "");
  EXPECT_EQ(parse("close c").name, "c");
}

TEST(SessionCommand, NotificationsAndLocks) {
  EXPECT_EQ(parse("listen Events").name, "events");
  EXPECT_EQ(parse("unlisten *").name, "");
  const auto notify = parse("notify ch, 'it''s'");
  EXPECT_EQ(notify.name, "ch");
  EXPECT_EQ(notify.payload, "it's");
  const auto lock = parse("lock table a, b.c in share row exclusive mode nowait");
  EXPECT_EQ(lock.mode, "SHARE ROW EXCLUSIVE");
  EXPECT_TRUE(lock.nowait);
  EXPECT_EQ(lock.query, "a, b.c ");
}

TEST(SessionCommand, WhatDoesNotFitIsASyntaxErrorWithItsPlace) {
  EXPECT_EQ(failure("begin nonsense").message, "syntax error at or near \"nonsense\"");
  EXPECT_EQ(failure("begin nonsense").position, 7);
  for (const char* sql : {"savepoint", "savepoint 1", "release", "rollback to", "commit and", "commit now", "fetch",
                          "fetch 1.5 c", "declare c cursor", "declare c for select 1", "listen", "notify c,",
                          "lock table t in odd mode", "discard", "discard some", "set transaction", "unlisten",
                          "set session characteristics as transaction", "begin isolation level snapshot"}) {
    EXPECT_EQ(failure(sql).code, ErrorCode::kSyntaxError) << sql;
  }
  EXPECT_EQ(failure("prepare transaction 'a'").code, ErrorCode::kObjectNotInState);
  EXPECT_EQ(failure("commit prepared 'a'").code, ErrorCode::kUndefinedObject);
}

TEST(SessionCommand, LeavesOtherStatementsAlone) {
  for (const char* sql : {"select 1", "set timezone = 'UTC'", "set transaction_read_only = on", "prepare a as select 1",
                          "", "(select 1)", "set local x = 1"}) {
    const auto tokens = tokenize(sql);
    const auto parsed = parse_session_command(sql, tokens);
    EXPECT_TRUE(parsed.ok() && !parsed->has_value()) << sql;
  }
}

}  // namespace
}  // namespace merganser::engine
