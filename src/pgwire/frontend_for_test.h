// Client messages by hand and their canonical text, for the parser's tests. Used by *_test.cc only.
//
// Threads: pure functions.
#pragma once

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "pgwire/frontend.h"

namespace merganser::pgwire::frontend_for_test {

using namespace std::string_literals;

inline std::string i16(int value) {
  std::string out;
  ByteWriter(out).put_i16(static_cast<int16_t>(value));
  return out;
}
inline std::string i32(int64_t value) {
  std::string out;
  ByteWriter(out).put_i32(static_cast<int32_t>(value));
  return out;
}
inline std::string value(std::string_view bytes) {
  return i32(static_cast<int64_t>(bytes.size())).append(bytes);
}
inline std::string typed(char type, const std::string& body) {
  return std::string(1, type) + i32(static_cast<int64_t>(body.size()) + 4) + body;
}
inline std::string untyped(const std::string& body) {
  return i32(static_cast<int64_t>(body.size()) + 4) + body;
}

inline constexpr int32_t kVersion3 = 3 << 16;
inline const std::string kStartup = untyped(i32(kVersion3) + "user\0ada\0database\0flights\0\0"s);

// A canonical text of a message: two parses are the same when their texts are.
struct Describer {
  std::string operator()(const StartupMessage& m) const {
    std::string out = "startup " + std::to_string(m.version);
    for (const auto& [name, text] : m.parameters) out.append(" ").append(name).append("=").append(text);
    return out;
  }
  std::string operator()(const SslRequest&) const { return "ssl"; }
  std::string operator()(const GssEncRequest&) const { return "gss"; }
  std::string operator()(const CancelRequest& m) const {
    return "cancel " + std::to_string(m.pid) + " " + std::string(m.key);
  }
  std::string operator()(const Query& m) const { return "query " + std::string(m.sql); }
  std::string operator()(const Parse& m) const {
    return "parse " + std::string(m.name) + "|" + std::string(m.sql) + list(m.oids);
  }
  std::string operator()(const Bind& m) const {
    return "bind " + std::string(m.portal) + "|" + std::string(m.statement) + list(m.formats) + values(m.params) +
           list(m.result_formats);
  }
  std::string operator()(const Describe& m) const { return "describe "s + m.kind + std::string(m.name); }
  std::string operator()(const Execute& m) const {
    return "execute " + std::string(m.portal) + " " + std::to_string(m.max_rows);
  }
  std::string operator()(const Close& m) const { return "close "s + m.kind + std::string(m.name); }
  std::string operator()(const Sync&) const { return "sync"; }
  std::string operator()(const Flush&) const { return "flush"; }
  std::string operator()(const Terminate&) const { return "terminate"; }
  std::string operator()(const PasswordMessage& m) const { return "password " + std::string(m.body); }
  std::string operator()(const CopyData& m) const { return "copydata " + std::string(m.bytes); }
  std::string operator()(const CopyDone&) const { return "copydone"; }
  std::string operator()(const CopyFail& m) const { return "copyfail " + std::string(m.reason); }
  std::string operator()(const FunctionCall& m) const {
    return "call " + std::to_string(m.function_oid) + list(m.formats) + values(m.args) +
           std::to_string(m.result_format);
  }

  template <typename T>
  static std::string list(std::span<const T> numbers) {
    std::string out = " [";
    for (const T number : numbers) out += std::to_string(number) + ",";
    return out + "]";
  }
  static std::string values(std::span<const std::optional<std::string_view>> items) {
    std::string out = " {";
    for (const auto& item : items) out += (item ? "'" + std::string(*item) + "'" : "NULL"s) + ",";
    return out + "}";
  }
};
inline std::string describe(const Parsed& parsed) {
  if (const auto* need = std::get_if<NeedMore>(&parsed)) return "need " + std::to_string(need->total);
  if (const auto* problem = std::get_if<ProtocolError>(&parsed)) {
    return std::string(problem->fatal ? "FATAL " : "ERROR ") + std::string(sqlstate(problem->error.code)) + " " +
           problem->error.message;
  }
  return std::visit(Describer{}, std::get<FrontendMessage>(parsed));
}

inline FrontendParser ready_parser(FrontendLimits limits = {}) {
  FrontendParser parser(limits);
  size_t consumed = 0;
  (void)parser.next(kStartup, consumed);
  parser.set_authenticated();
  return parser;
}
inline FrontendParser authenticating_parser(FrontendLimits limits = {}) {
  FrontendParser parser(limits);
  size_t consumed = 0;
  (void)parser.next(kStartup, consumed);
  return parser;
}

enum class Phase { kStartup, kAuthentication, kReady };
inline FrontendParser parser_in(Phase phase) {
  if (phase == Phase::kStartup) return FrontendParser();
  return phase == Phase::kReady ? ready_parser() : authenticating_parser();
}

struct Case {
  const char* name;
  Phase phase;
  std::string bytes;
  std::string expected;
};
inline void PrintTo(const Case& c, std::ostream* os) {
  *os << c.name;
}

}  // namespace merganser::pgwire::frontend_for_test
