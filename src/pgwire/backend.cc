#include "pgwire/backend.h"

#include <algorithm>
#include <limits>

namespace merganser::pgwire {

namespace {

constexpr size_t kMaxColumns = 65535;  // counts are 16 bits

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::kFatal:
      return "FATAL";
    case Severity::kPanic:
      return "PANIC";
    default:
      return "ERROR";
  }
}

std::string_view name_of(NoticeSeverity severity) {
  switch (severity) {
    case NoticeSeverity::kWarning:
      return "WARNING";
    case NoticeSeverity::kInfo:
      return "INFO";
    case NoticeSeverity::kDebug:
      return "DEBUG";
    case NoticeSeverity::kLog:
      return "LOG";
    default:
      return "NOTICE";
  }
}

}  // namespace

size_t BackendWriter::begin(char type) {
  out_.put_u8(static_cast<uint8_t>(type));
  const size_t start = out_.size();
  out_.put_i32(0);
  return start;
}

void BackendWriter::end(size_t start) {
  out_.patch_i32(start, static_cast<int32_t>(out_.size() - start));
}

void BackendWriter::empty(char type) {
  out_.put_u8(static_cast<uint8_t>(type));
  out_.put_i32(4);
}

void BackendWriter::put_text(std::string_view text) {
  for (size_t zero = text.find('\0'); zero != std::string_view::npos; zero = text.find('\0')) {
    out_.put_bytes(text.substr(0, zero));
    out_.put_bytes("\xEF\xBF\xBD");
    text.remove_prefix(zero + 1);
  }
  out_.put_cstring(text);
}

void BackendWriter::authentication(int32_t kind, std::string_view data) {
  const size_t start = begin('R');
  out_.put_i32(kind);
  out_.put_bytes(data);
  end(start);
}

void BackendWriter::authentication_ok() {
  authentication(0, {});
}
void BackendWriter::authentication_cleartext_password() {
  authentication(3, {});
}
void BackendWriter::authentication_sasl_continue(std::string_view data) {
  authentication(11, data);
}
void BackendWriter::authentication_sasl_final(std::string_view data) {
  authentication(12, data);
}

void BackendWriter::authentication_sasl(std::initializer_list<std::string_view> mechanisms) {
  const size_t start = begin('R');
  out_.put_i32(10);
  for (const std::string_view mechanism : mechanisms) put_text(mechanism);
  out_.put_u8(0);
  end(start);
}

void BackendWriter::negotiate_protocol_version(int32_t newest, std::span<const std::string_view> unknown_options) {
  const size_t start = begin('v');
  out_.put_i32(newest);
  out_.put_i32(static_cast<int32_t>(unknown_options.size()));
  for (const std::string_view option : unknown_options) put_text(option);
  end(start);
}

void BackendWriter::parameter_status(std::string_view name, std::string_view value) {
  const size_t start = begin('S');
  put_text(name);
  put_text(value);
  end(start);
}

void BackendWriter::backend_key_data(int32_t pid, std::string_view key) {
  const size_t start = begin('K');
  out_.put_i32(pid);
  out_.put_bytes(key);
  end(start);
}

void BackendWriter::ready_for_query(char status) {
  out_.put_u8('Z');
  out_.put_i32(5);
  out_.put_u8(static_cast<uint8_t>(status));
}

void BackendWriter::row_description(std::span<const FieldDescription> fields) {
  fields = fields.first(std::min(fields.size(), kMaxColumns));
  const size_t start = begin('T');
  out_.put(static_cast<uint16_t>(fields.size()));
  for (const FieldDescription& field : fields) {
    put_text(field.name);
    out_.put_i32(field.table_oid);
    out_.put_i16(field.column_number);
    out_.put_i32(field.type_oid);
    out_.put_i16(field.type_length);
    out_.put_i32(field.type_modifier);
    out_.put_i16(field.format);
  }
  end(start);
}

void BackendWriter::parameter_description(std::span<const int32_t> oids) {
  oids = oids.first(std::min(oids.size(), kMaxColumns));
  const size_t start = begin('t');
  out_.put(static_cast<uint16_t>(oids.size()));
  for (const int32_t oid : oids) out_.put_i32(oid);
  end(start);
}

void BackendWriter::data_row_begin(uint16_t fields) {
  row_start_ = begin('D');
  out_.put(fields);
}

Status BackendWriter::data_row_end() {
  const size_t length = out_.size() - row_start_;
  if (length > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    out_.buffer().resize(row_start_ - 1);
    return make_error(ErrorCode::kProgramLimitExceeded, "row is larger than 2 GiB, which no message can hold", {},
                      "Select fewer or shorter columns.");
  }
  out_.patch_i32(row_start_, static_cast<int32_t>(length));
  return {};
}

void BackendWriter::command_complete(std::string_view tag) {
  const size_t start = begin('C');
  put_text(tag);
  end(start);
}

void BackendWriter::error_response(const Error& error, Severity severity) {
  report('E', name_of(severity), error);
}

void BackendWriter::notice_response(const Error& notice, NoticeSeverity severity) {
  report('N', name_of(severity), notice);
}

// Fields as PostgreSQL orders them; S is what people see, V the same word in English for programs.
void BackendWriter::report(char type, std::string_view severity, const Error& error) {
  const auto field = [this](char code, std::string_view text) {
    out_.put_u8(static_cast<uint8_t>(code));
    put_text(text);
  };
  const size_t start = begin(type);
  field('S', severity);
  field('V', severity);
  field('C', sqlstate(error.code));
  field('M', error.message);
  if (!error.detail.empty()) field('D', error.detail);
  if (!error.hint.empty()) field('H', error.hint);
  if (error.position > 0) field('P', std::to_string(error.position));
  if (!error.context.empty()) field('W', error.context);
  out_.put_u8(0);
  end(start);
}

void BackendWriter::notification_response(int32_t pid, std::string_view channel, std::string_view payload) {
  const size_t start = begin('A');
  out_.put_i32(pid);
  put_text(channel);
  put_text(payload);
  end(start);
}

void BackendWriter::copy_response(char type, int8_t format, uint16_t columns) {
  const size_t start = begin(type);
  out_.put_u8(static_cast<uint8_t>(format));
  out_.put(columns);
  for (uint16_t i = 0; i < columns; i++) out_.put_i16(format);
  end(start);
}

void BackendWriter::copy_data(std::string_view bytes) {
  const size_t start = begin('d');
  out_.put_bytes(bytes);
  end(start);
}

}  // namespace merganser::pgwire
