#include "owner/wire.h"

#include <nlohmann/json.hpp>

namespace merganser::owner::wire {
namespace {

using nlohmann::json;

// Bytes that are not UTF-8 (file names may hold any) must not make dump() throw.
std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Runs a reader of JSON and turns the library's exceptions (syntax, missing member, wrong type) into one error.
template <typename Read>
auto read_json(const std::string& text, const char* what, Read read) -> Result<decltype(read(json()))> {
  try {
    return read(json::parse(text));
  } catch (const json::exception& problem) {
    return make_error(ErrorCode::kProtocolViolation, std::string("cannot read ") + what, problem.what());
  }
}

ErrorCode code_of_sqlstate(const std::string& state) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::kStatementEndedOwner); i++) {
    const auto code = static_cast<ErrorCode>(i);
    if (sqlstate(code) == state) return code;
  }
  return ErrorCode::kInternalError;
}

json error_json(const Error& error) {
  return {{"code", std::string(sqlstate(error.code))},
          {"message", error.message},
          {"detail", error.detail},
          {"hint", error.hint}};
}

Error error_of(const json& value) {
  return make_error(code_of_sqlstate(value.at("code").get<std::string>()), value.at("message").get<std::string>(),
                    value.value("detail", ""), value.value("hint", ""));
}

}  // namespace

std::string endpoint_text(const Endpoint& endpoint) {
  const json value = {{"database", endpoint.database},
                      {"socket_dir", endpoint.socket_dir},
                      {"control", endpoint.control},
                      {"port", endpoint.port},
                      {"tcp", endpoint.tcp},
                      {"pid", endpoint.process.pid},
                      {"start_ticks", endpoint.process.start_ticks},
                      {"boot_id", endpoint.process.boot_id},
                      {"nonce", endpoint.nonce},
                      {"device", endpoint.file.device},
                      {"inode", endpoint.file.inode},
                      {"generation", endpoint.generation},
                      {"protocol_min", endpoint.protocol_min},
                      {"protocol_max", endpoint.protocol_max},
                      {"version", endpoint.version}};
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<Endpoint> parse_endpoint(const std::string& text) {
  return read_json(text, "the endpoint file", [](const json& value) {
    Endpoint endpoint;
    endpoint.database = value.at("database").get<std::string>();
    endpoint.socket_dir = value.at("socket_dir").get<std::string>();
    endpoint.control = value.at("control").get<std::string>();
    endpoint.port = value.at("port").get<int>();
    endpoint.tcp = value.at("tcp").get<std::string>();
    endpoint.process.pid = value.at("pid").get<pid_t>();
    endpoint.process.start_ticks = value.at("start_ticks").get<uint64_t>();
    endpoint.process.boot_id = value.at("boot_id").get<std::string>();
    endpoint.nonce = value.at("nonce").get<std::string>();
    endpoint.file.device = value.at("device").get<uint64_t>();
    endpoint.file.inode = value.at("inode").get<uint64_t>();
    endpoint.generation = value.at("generation").get<uint64_t>();
    endpoint.protocol_min = value.at("protocol_min").get<int>();
    endpoint.protocol_max = value.at("protocol_max").get<int>();
    endpoint.version = value.at("version").get<std::string>();
    return endpoint;
  });
}

std::string hello_line(Intent intent) {
  return dump({{"op", "hello"}, {"protocol", kProtocolMax}, {"intent", intent == Intent::kUse ? "use" : "look"}});
}

Result<std::string> request_line(std::string_view op, const std::string& arguments) {
  return read_json(arguments.empty() ? "{}" : arguments, "the arguments", [&](json value) {
    value["op"] = op;
    value["protocol"] = kProtocolMax;
    return dump(value);
  });
}

Result<Request> parse_request(const std::string& line) {
  return read_json(line, "the request", [](const json& value) {
    Request request;
    request.op = value.at("op").get<std::string>();
    request.protocol = value.value("protocol", 0);
    request.intent = value.value("intent", "look") == "use" ? Intent::kUse : Intent::kLook;
    return request;
  });
}

std::string hello_reply(const Hello& hello) {
  const json result = {{"nonce", hello.nonce},
                       {"device", hello.file.device},
                       {"inode", hello.file.inode},
                       {"pid", hello.pid},
                       {"generation", hello.generation},
                       {"protocol_min", hello.protocol_min},
                       {"protocol_max", hello.protocol_max},
                       {"version", hello.version},
                       {"leaving", hello.leaving}};
  return dump({{"ok", true}, {"result", result}});
}

std::string result_reply(const std::string& result) {
  const json value = json::parse(result.empty() ? "null" : result, nullptr, false);
  if (value.is_discarded()) {
    return error_reply(make_error(ErrorCode::kInternalError, "the owner made an answer that is not JSON"));
  }
  return dump({{"ok", true}, {"result", value}});
}

std::string error_reply(const Error& error) {
  return dump({{"ok", false}, {"error", error_json(error)}});
}

Result<std::string> parse_reply(const std::string& line) {
  Result<Result<std::string>> reply = read_json(line, "the owner's answer", [](const json& value) {
    if (value.at("ok").get<bool>()) return Result<std::string>(dump(value.at("result")));
    return Result<std::string>(error_of(value.at("error")));
  });
  if (!reply.ok()) return std::move(reply).error();
  return std::move(reply).value();
}

Result<Hello> parse_hello(const std::string& line) {
  MERGANSER_ASSIGN(const std::string result, parse_reply(line));
  return read_json(result, "the owner's hello", [](const json& value) {
    Hello hello;
    hello.nonce = value.at("nonce").get<std::string>();
    hello.file.device = value.at("device").get<uint64_t>();
    hello.file.inode = value.at("inode").get<uint64_t>();
    hello.pid = value.at("pid").get<pid_t>();
    hello.generation = value.at("generation").get<uint64_t>();
    hello.protocol_min = value.at("protocol_min").get<int>();
    hello.protocol_max = value.at("protocol_max").get<int>();
    hello.version = value.at("version").get<std::string>();
    hello.leaving = value.at("leaving").get<bool>();
    return hello;
  });
}

std::string error_text(const Error& error) {
  return dump(error_json(error));
}

std::optional<Error> parse_error(const std::string& text) {
  Result<std::optional<Error>> error =
      read_json(text, "the reported error", [](const json& value) { return std::optional<Error>(error_of(value)); });
  return error.ok() ? std::move(error).value() : std::nullopt;
}

std::string stored_error_text(const StoredError& stored) {
  return dump({{"error", error_json(stored.error)}, {"at_unix_s", stored.at_unix_s}, {"boot_id", stored.boot_id}}) +
         "\n";
}

Result<StoredError> parse_stored_error(const std::string& text) {
  return read_json(text, "the stored start error", [](const json& value) {
    StoredError stored;
    stored.error = error_of(value.at("error"));
    stored.at_unix_s = value.at("at_unix_s").get<int64_t>();
    stored.boot_id = value.at("boot_id").get<std::string>();
    return stored;
  });
}

}  // namespace merganser::owner::wire
