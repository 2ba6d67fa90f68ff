// The bodies of messages with a type byte. The framing is in frontend.cc.
#include <fmt/format.h>

#include "pgwire/frontend.h"
#include "pgwire/message_reader.h"

namespace merganser::pgwire {

namespace {

// Vectors are reused so that messages do not allocate, but one huge Bind must not hold memory for the whole session.
constexpr size_t kKeptCapacity = 4096;

template <typename T>
void start_over(std::vector<T>& items, size_t count) {
  items.clear();
  if (items.capacity() > kKeptCapacity && count <= kKeptCapacity) items.shrink_to_fit();
}

// Format codes of parameters or results: a count, then 0 (text) or 1 (binary) each.
void read_formats(MessageReader& in, std::vector<int16_t>& formats) {
  const size_t count = in.count();
  start_over(formats, count);
  for (size_t i = 0; i < count && in.ok(); i++) {
    const int16_t format = in.i16();
    if (format != 0 && format != 1) {
      in.fail(ErrorCode::kInvalidParameterValue, fmt::format("unsupported format code: {}", format));
    }
    formats.push_back(format);
  }
}

void read_values(MessageReader& in, std::vector<std::optional<std::string_view>>& values) {
  const size_t count = in.count();
  start_over(values, count);
  for (size_t i = 0; i < count && in.ok(); i++) values.push_back(in.value());
}

Query read_query(MessageReader& in) {
  return {in.text()};
}

Parse read_parse(MessageReader& in, std::vector<int32_t>& oids) {
  Parse out;
  out.name = in.text();
  out.sql = in.text();
  const size_t count = in.count();
  start_over(oids, count);
  for (size_t i = 0; i < count && in.ok(); i++) oids.push_back(in.i32());
  out.oids = oids;
  return out;
}

// 'S' or 'P', then a name: Describe and Close.
template <typename Message>
Message read_target(MessageReader& in, std::string_view verb) {
  Message out;
  out.kind = in.byte();
  out.name = in.text();
  if (in.ok() && in.remaining() == 0 && out.kind != 'S' && out.kind != 'P') {
    in.fail(ErrorCode::kProtocolViolation,
            fmt::format("invalid {} message subtype {}", verb, static_cast<int>(static_cast<uint8_t>(out.kind))));
  }
  return out;
}

Execute read_execute(MessageReader& in) {
  Execute out;
  out.portal = in.text();
  out.max_rows = in.i32();
  if (out.max_rows < 0) out.max_rows = 0;
  return out;
}

}  // namespace

Parsed FrontendParser::parse_body(char type, std::string_view body) {
  MessageReader in(body);
  FrontendMessage out;
  switch (type) {
    case 'Q':
      out = read_query(in);
      break;
    case 'P':
      out = read_parse(in, oids_);
      break;
    case 'B': {
      Bind bind;
      bind.portal = in.text();
      bind.statement = in.text();
      read_formats(in, formats_);
      read_values(in, values_);
      if (formats_.size() > 1 && formats_.size() != values_.size()) {
        in.fail(ErrorCode::kProtocolViolation, fmt::format("bind message has {} parameter formats but {} parameters",
                                                           formats_.size(), values_.size()));
      }
      read_formats(in, result_formats_);
      bind.formats = formats_;
      bind.params = values_;
      bind.result_formats = result_formats_;
      out = bind;
      break;
    }
    case 'D':
      out = read_target<Describe>(in, "DESCRIBE");
      break;
    case 'C':
      out = read_target<Close>(in, "CLOSE");
      break;
    case 'E':
      out = read_execute(in);
      break;
    case 'S':
      out = Sync{};
      break;
    case 'H':
      out = Flush{};
      break;
    case 'X':
      return FrontendMessage(Terminate{});  // whatever it carries, the client is leaving
    case 'p':
      out = PasswordMessage{in.bytes(body.size())};
      break;
    case 'd':
      out = CopyData{in.bytes(body.size())};
      break;
    case 'c':
      out = CopyDone{};
      break;
    case 'f':
      out = CopyFail{in.text()};
      break;
    default: {  // 'F': next() lets no other type through
      FunctionCall call;
      call.function_oid = in.i32();
      read_formats(in, formats_);
      read_values(in, values_);
      if (formats_.size() > 1 && formats_.size() != values_.size()) {
        in.fail(ErrorCode::kProtocolViolation,
                fmt::format("function call message contains {} argument formats but {} arguments", formats_.size(),
                            values_.size()));
      }
      call.result_format = in.i16();
      call.formats = formats_;
      call.args = values_;
      out = call;
      break;
    }
  }
  in.end();
  if (!in.ok()) return ProtocolError{in.take_error(), false, type};
  return out;
}

}  // namespace merganser::pgwire
