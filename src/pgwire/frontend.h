// Parses what PostgreSQL clients send (protocol 3.0 and 3.2): bytes in, one message out, no I/O and no buffer of its
// own.
//
// Threads: one thread at a time. Lifetime: the views and spans of a message point into the input and into the parser;
// they are valid until the next call of next(), and only while the caller keeps the input bytes in place.
// Every count and length is checked before it is used; nothing from outside is asserted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace merganser::pgwire {

using Parameter = std::pair<std::string_view, std::string_view>;

// Of protocol 3, as StartupMessage writes it. 3.1 was never used.
inline constexpr int32_t kProtocol30 = 3 << 16;
inline constexpr int32_t kProtocol32 = (3 << 16) | 2;  // the newest that is spoken: long keys for CancelRequest

// ---- packets without a type byte: only before StartupMessage was seen ------------------------------------------

struct StartupMessage {
  int32_t version;                                                    // 3.x as 0x0003000x; other majors never get here
  std::span<const Parameter> parameters;                              // in the client's order, may repeat
  std::optional<std::string_view> find(std::string_view name) const;  // the last one of this name, as PostgreSQL
};
struct SslRequest {};
struct GssEncRequest {};
struct CancelRequest {
  int32_t pid;
  std::string_view key;  // of BackendKeyData: 4 bytes, since protocol 3.2 up to 256
};

// ---- messages with a type byte ---------------------------------------------------------------------------------

struct Query {
  std::string_view sql;
};
struct Parse {
  std::string_view name;  // empty: the unnamed statement
  std::string_view sql;
  std::span<const int32_t> oids;  // 0: not said
};
struct Bind {
  std::string_view portal;
  std::string_view statement;
  std::span<const int16_t> formats;  // none: all text; one: for all; else one a parameter. Each 0 or 1.
  std::span<const std::optional<std::string_view>> params;  // nullopt is NULL
  std::span<const int16_t> result_formats;  // likewise; how many columns there are, only the caller knows
};
struct Describe {
  char kind;  // 'S' statement, 'P' portal
  std::string_view name;
};
struct Execute {
  std::string_view portal;
  int32_t max_rows;  // 0: no limit; negative numbers become 0, as in PostgreSQL
};
struct Close {
  char kind;  // 'S' statement, 'P' portal
  std::string_view name;
};
struct Sync {};
struct Flush {};
struct Terminate {};
// Password, SASLInitialResponse and SASLResponse share the byte 'p'; only who asked knows which one it is. It exists
// only until set_authenticated().
struct PasswordMessage {
  std::string_view body;
};
struct CopyData {
  std::string_view bytes;
};
struct CopyDone {};
struct CopyFail {
  std::string_view reason;
};
struct FunctionCall {
  int32_t function_oid;
  std::span<const int16_t> formats;
  std::span<const std::optional<std::string_view>> args;
  int16_t result_format;
};

using FrontendMessage =
    std::variant<StartupMessage, SslRequest, GssEncRequest, CancelRequest, Query, Parse, Bind, Describe, Execute, Close,
                 Sync, Flush, Terminate, PasswordMessage, CopyData, CopyDone, CopyFail, FunctionCall>;

// ---- what next() answers ---------------------------------------------------------------------------------------

// Call again when the input holds at least `total` bytes, counted from the start of this message. It is the exact
// size once the header is there; before that, the size of the header.
struct NeedMore {
  size_t total;
};

struct ProtocolError {
  Error error;
  bool fatal;  // the stream is lost: send FATAL and close. Else the message was consumed, send ERROR and go on.
  char type;   // of the message, 0 for startup packets: after an extended query message, skip to Sync
};
// Whether an error in a message of this type makes the server discard messages until Sync.
bool is_extended_query_message(char type);

using Parsed = std::variant<NeedMore, FrontendMessage, ProtocolError>;

struct FrontendLimits {
  size_t startup_bytes = 10'000;             // PostgreSQL's MAX_STARTUP_PACKET_LENGTH
  size_t authentication_bytes = 64 * 1024;   // before the client proved who it is: PostgreSQL's token limit, rounded
  size_t short_message_bytes = 10'000;       // messages that hold a name or nothing: PostgreSQL's small limit
  size_t message_bytes = 256 * 1024 * 1024;  // Query, Parse, Bind, CopyData, FunctionCall: what one client may buffer
};

class FrontendParser {
 public:
  explicit FrontendParser(FrontendLimits limits = {}) : limits_(limits) {}

  // Parses the message at the start of `in`. `consumed` becomes its size, 0 for NeedMore and for fatal errors.
  Parsed next(std::string_view in, size_t& consumed);
  // StartupMessage moves the parser to authentication, where only PasswordMessage is taken; this ends it.
  void set_authenticated() { phase_ = Phase::kReady; }

 private:
  enum class Phase : uint8_t { kStartup, kAuthentication, kReady };

  Parsed next_startup(std::string_view in, size_t& consumed);
  Parsed parse_startup_parameters(int32_t version, std::string_view body);
  Parsed parse_body(char type, std::string_view body);

  FrontendLimits limits_;
  Phase phase_ = Phase::kStartup;
  bool ssl_asked_ = false;
  bool gss_asked_ = false;
  // Kept between messages, so that the hot path does not allocate.
  std::vector<Parameter> parameters_;
  std::vector<int32_t> oids_;
  std::vector<int16_t> formats_;
  std::vector<int16_t> result_formats_;
  std::vector<std::optional<std::string_view>> values_;
};

// ---- bodies of PasswordMessage ---------------------------------------------------------------------------------

struct SaslInitialResponse {
  std::string_view mechanism;
  std::optional<std::string_view> data;  // nullopt: the client wants an empty challenge first, then sends its data
};
// The rest of a SASL exchange (SASLResponse) is the body itself.
Result<SaslInitialResponse> parse_sasl_initial_response(std::string_view body);
// A cleartext password: the body without its terminating zero.
Result<std::string_view> parse_password(std::string_view body);

}  // namespace merganser::pgwire
