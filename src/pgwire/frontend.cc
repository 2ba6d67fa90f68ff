#include "pgwire/frontend.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "pgwire/message_reader.h"

namespace merganser::pgwire {

namespace {

// Requests that stand where StartupMessage has its version (PG_PROTOCOL(1234, n), src/include/libpq/pqcomm.h).
constexpr int32_t kCancelRequestCode = (1234 << 16) | 5678;
constexpr int32_t kSslRequestCode = (1234 << 16) | 5679;
constexpr int32_t kGssEncRequestCode = (1234 << 16) | 5680;

constexpr size_t kStartupHeader = 8;  // length and version
constexpr size_t kCancelHeader = 12;  // length, code and pid
constexpr size_t kMinCancelKey = 4;
constexpr size_t kMaxCancelKey = 256;
constexpr size_t kTypedHeader = 5;  // type and length

ProtocolError fatal_violation(char type, std::string message, std::string detail = {}) {
  return {make_error(ErrorCode::kProtocolViolation, std::move(message), std::move(detail)), true, type};
}

int32_t int32_at(std::string_view in, size_t offset) {
  return *ByteReader(in.substr(offset)).get<int32_t>();
}

bool is_frontend_type(char type) {
  return std::string_view("QPBDECSHXpdcfF").find(type) != std::string_view::npos;
}

// These carry statements, values or data; all others carry at most a name.
bool is_long_message(char type) {
  return std::string_view("QPBdF").find(type) != std::string_view::npos;
}

ProtocolError too_large(char type, size_t bytes, size_t limit) {
  ProtocolError out{make_error(ErrorCode::kProgramLimitExceeded,
                               fmt::format("message of {} bytes is larger than the limit of {} bytes", bytes, limit),
                               {}, "Send the data in several statements, or raise the server's message limit."),
                    true, type};
  return out;
}

}  // namespace

std::optional<std::string_view> StartupMessage::find(std::string_view name) const {
  std::optional<std::string_view> found;
  for (const auto& [key, value] : parameters) {
    if (key == name) found = value;
  }
  return found;
}

bool is_extended_query_message(char type) {
  return std::string_view("PBDECH").find(type) != std::string_view::npos;
}

Parsed FrontendParser::next(std::string_view in, size_t& consumed) {
  consumed = 0;
  if (phase_ == Phase::kStartup) return next_startup(in, consumed);
  if (in.empty()) return NeedMore{kTypedHeader};

  const char type = in[0];
  const int type_number = static_cast<uint8_t>(type);
  if (!is_frontend_type(type))
    return fatal_violation(type, fmt::format("invalid frontend message type {}", type_number));
  // A client that gives up while it is asked for a password may say so.
  if (phase_ == Phase::kAuthentication && type != 'p' && type != 'X') {
    return fatal_violation(type, fmt::format("expected password response, got message type {}", type_number));
  }
  if (phase_ == Phase::kReady && type == 'p') {
    return fatal_violation(type, fmt::format("invalid frontend message type {}", type_number));
  }
  if (in.size() < kTypedHeader) return NeedMore{kTypedHeader};

  const int32_t length = int32_at(in, 1);  // counts itself, not the type
  if (length < 4) return fatal_violation(type, "invalid message length");
  const size_t body_size = static_cast<size_t>(length) - 4;
  if (phase_ == Phase::kAuthentication) {
    if (body_size > limits_.authentication_bytes) return fatal_violation(type, "invalid message length");
  } else if (!is_long_message(type)) {
    if (body_size > limits_.short_message_bytes) return fatal_violation(type, "invalid message length");
  } else if (body_size > limits_.message_bytes) {
    return too_large(type, body_size, limits_.message_bytes);
  }
  const size_t total = kTypedHeader + body_size;
  if (in.size() < total) return NeedMore{total};
  consumed = total;
  return parse_body(type, in.substr(kTypedHeader, body_size));
}

Parsed FrontendParser::next_startup(std::string_view in, size_t& consumed) {
  if (in.size() < 4) return NeedMore{kStartupHeader};
  const int32_t length = int32_at(in, 0);
  if (length < static_cast<int32_t>(kStartupHeader) || static_cast<size_t>(length) - 4 > limits_.startup_bytes) {
    return fatal_violation(0, "invalid length of startup packet");
  }
  const auto total = static_cast<size_t>(length);
  // Not `total`: what a request may be long is known only once its code is.
  if (in.size() < kStartupHeader) return NeedMore{kStartupHeader};

  const int32_t code = int32_at(in, 4);
  if (code == kCancelRequestCode) {
    if (total < kCancelHeader + kMinCancelKey || total > kCancelHeader + kMaxCancelKey) {
      return fatal_violation(0, "invalid length of startup packet");
    }
    if (in.size() < total) return NeedMore{total};
    consumed = total;
    return FrontendMessage(CancelRequest{int32_at(in, 8), in.substr(kCancelHeader, total - kCancelHeader)});
  }
  // Each may be asked once; a second time it counts as a version, which does not exist (as in PostgreSQL).
  const bool ssl = code == kSslRequestCode && !ssl_asked_;
  const bool gss = code == kGssEncRequestCode && !gss_asked_;
  if (ssl || gss) {
    if (total != kStartupHeader) return fatal_violation(0, "invalid length of startup packet");
    // A client waits for the answer. What came with the request came in clear text and must not be read as if it
    // had been encrypted (CVE-2021-23214).
    if (in.size() > total) {
      return fatal_violation(
          0, fmt::format("received unencrypted data after {} request", ssl ? "SSL" : "GSSAPI encryption"),
          "This could be either a client-software bug or evidence of an attempted man-in-the-middle "
          "attack.");
    }
    consumed = total;
    (ssl ? ssl_asked_ : gss_asked_) = true;
    return ssl ? FrontendMessage(SslRequest{}) : FrontendMessage(GssEncRequest{});
  }
  const auto version = static_cast<uint32_t>(code);
  if (version >> 16 != 3) {
    return ProtocolError{make_error(ErrorCode::kFeatureNotSupported,
                                    fmt::format("unsupported frontend protocol {}.{}: server supports 3.0 to 3.2",
                                                version >> 16, version & 0xFFFF)),
                         true, 0};
  }
  if (in.size() < total) return NeedMore{total};
  Parsed out = parse_startup_parameters(code, in.substr(kStartupHeader, total - kStartupHeader));
  if (std::holds_alternative<FrontendMessage>(out)) {
    consumed = total;
    phase_ = Phase::kAuthentication;
  }
  return out;
}

Parsed FrontendParser::parse_startup_parameters(int32_t version, std::string_view body) {
  static constexpr const char* kLayout = "invalid startup packet layout: expected terminator as last byte";
  if (body.empty() || body.back() != '\0') return fatal_violation(0, kLayout);
  parameters_.clear();
  MessageReader in(body);
  while (in.ok()) {
    if (in.remaining() == 0) return fatal_violation(0, kLayout);
    const std::string_view name = in.text();
    if (name.empty()) break;
    if (in.remaining() == 0) return fatal_violation(0, kLayout);
    const std::string_view value = in.text();
    parameters_.emplace_back(name, value);
  }
  if (!in.ok()) return ProtocolError{in.take_error(), true, 0};
  if (in.remaining() != 0) return fatal_violation(0, kLayout);
  return FrontendMessage(StartupMessage{version, parameters_});
}

Result<SaslInitialResponse> parse_sasl_initial_response(std::string_view body) {
  MessageReader in(body);
  SaslInitialResponse out;
  out.mechanism = in.text();
  out.data = in.value();
  in.end();
  if (!in.ok()) return in.take_error();
  return out;
}

Result<std::string_view> parse_password(std::string_view body) {
  if (body.empty() || body.find('\0') != body.size() - 1) {
    return make_error(ErrorCode::kProtocolViolation, "invalid password packet size");
  }
  if (body.size() == 1) return make_error(ErrorCode::kInvalidPassword, "empty password returned by client");
  return body.substr(0, body.size() - 1);
}

}  // namespace merganser::pgwire
