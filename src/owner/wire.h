// The JSON texts of this room: the endpoint file, the control socket's lines, the stored start error.
//
// Kept in one place so that the JSON library is compiled once. Threads: free functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "owner/endpoint.h"

namespace merganser::owner::wire {

std::string endpoint_text(const Endpoint& endpoint);
Result<Endpoint> parse_endpoint(const std::string& text);

// What a caller wants of an owner: to use it (which keeps an idle owner from leaving) or just to look.
enum class Intent { kUse, kLook };

struct Request {
  std::string op;
  int protocol = 0;
  Intent intent = Intent::kLook;  // of "hello"
};
std::string hello_line(Intent intent);
// {"op":op} with the members of an arguments object (a JSON text, may be empty) beside it; no newline.
Result<std::string> request_line(std::string_view op, const std::string& arguments);
Result<Request> parse_request(const std::string& line);

struct Hello {
  std::string nonce;
  os::FileId file;
  pid_t pid = 0;
  uint64_t generation = 0;
  int protocol_min = 0;
  int protocol_max = 0;
  std::string version;
  bool leaving = false;  // the owner has begun to shut down: do not connect, wait until it is gone
};
std::string hello_reply(const Hello& hello);

// {"ok":true,"result":…} and {"ok":false,"error":{…}}. The result is a JSON text; one that does not parse makes an
// error reply instead. Neither holds a newline.
std::string result_reply(const std::string& result);
std::string error_reply(const Error& error);
// The result's JSON text, or the error that the other side reports.
Result<std::string> parse_reply(const std::string& line);
Result<Hello> parse_hello(const std::string& line);

std::string error_text(const Error& error);
// nullopt when the text is none.
std::optional<Error> parse_error(const std::string& text);

struct StoredError {
  Error error;
  int64_t at_unix_s = 0;
  std::string boot_id;
};
std::string stored_error_text(const StoredError& stored);
Result<StoredError> parse_stored_error(const std::string& text);

}  // namespace merganser::owner::wire
