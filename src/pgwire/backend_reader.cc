#include "pgwire/backend_reader.h"

#include "pgwire/message_reader.h"

namespace merganser::pgwire {

Result<std::optional<BackendMessage>> next_backend_message(std::string_view& in, size_t max_body) {
  ByteReader reader(in);
  const auto type = reader.get<uint8_t>();
  const auto length = reader.get<int32_t>();
  if (!length) return std::optional<BackendMessage>();
  if (*length < 4 || static_cast<size_t>(*length) - 4 > max_body) {
    return make_error(ErrorCode::kProtocolViolation, "invalid message length");
  }
  const auto body = reader.get_bytes(static_cast<size_t>(*length) - 4);
  if (!body) return std::optional<BackendMessage>();
  in = reader.rest();
  return std::optional(BackendMessage{static_cast<char>(*type), *body});
}

Result<RowValues> read_data_row(std::string_view body) {
  MessageReader in(body);
  RowValues out;
  const size_t count = in.count();
  for (size_t i = 0; i < count && in.ok(); i++) out.push_back(in.value());
  in.end();
  if (!in.ok()) return in.take_error();
  return out;
}

Result<std::vector<FieldDescription>> read_row_description(std::string_view body) {
  MessageReader in(body);
  std::vector<FieldDescription> out;
  const size_t count = in.count();
  for (size_t i = 0; i < count && in.ok(); i++) {
    FieldDescription field;
    field.name = in.text();
    field.table_oid = in.i32();
    field.column_number = in.i16();
    field.type_oid = in.i32();
    field.type_length = in.i16();
    field.type_modifier = in.i32();
    field.format = in.i16();
    out.push_back(field);
  }
  in.end();
  if (!in.ok()) return in.take_error();
  return out;
}

Result<std::vector<int32_t>> read_parameter_description(std::string_view body) {
  MessageReader in(body);
  std::vector<int32_t> out;
  const size_t count = in.count();
  for (size_t i = 0; i < count && in.ok(); i++) out.push_back(in.i32());
  in.end();
  if (!in.ok()) return in.take_error();
  return out;
}

Result<std::map<char, std::string_view>> read_report(std::string_view body) {
  MessageReader in(body);
  std::map<char, std::string_view> out;
  for (char code = in.byte(); in.ok() && code != '\0'; code = in.byte()) out[code] = in.text();
  in.end();
  if (!in.ok()) return in.take_error();
  return out;
}

}  // namespace merganser::pgwire
