// Writes what a PostgreSQL server sends (protocol 3.0): each call appends one whole message to a caller's buffer.
//
// Threads: one thread at a time. Lifetime: the buffer must outlive the writer; nothing is kept between calls.
// A text that the protocol ends with a zero byte cannot smuggle one: zeros inside become U+FFFD.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "base/result.h"

namespace merganser::pgwire {

struct FieldDescription {
  std::string_view name;
  int32_t table_oid = 0;      // 0: not a column of a table
  int16_t column_number = 0;  // 0: likewise
  int32_t type_oid = 0;
  int16_t type_length = -1;  // bytes, -1 variable
  int32_t type_modifier = -1;
  int16_t format = 0;  // 0 text, 1 binary
};

enum class Severity : uint8_t { kError, kFatal, kPanic };
enum class NoticeSeverity : uint8_t { kWarning, kNotice, kInfo, kDebug, kLog };

class BackendWriter {
 public:
  explicit BackendWriter(std::string& out) : out_(out) {}

  // Answers to SSLRequest and GSSENCRequest: one byte without a header. 'S' or 'G' yes, 'N' no.
  void encryption_answer(char answer) { out_.put_u8(static_cast<uint8_t>(answer)); }

  void authentication_ok();
  void authentication_cleartext_password();
  void authentication_sasl(std::initializer_list<std::string_view> mechanisms);
  void authentication_sasl_continue(std::string_view data);
  void authentication_sasl_final(std::string_view data);
  void negotiate_protocol_version(int32_t newest, std::span<const std::string_view> unknown_options);
  void parameter_status(std::string_view name, std::string_view value);
  void backend_key_data(int32_t pid, std::string_view key);
  void ready_for_query(char status);  // 'I' idle, 'T' in a transaction, 'E' in a failed one

  // At most 65535 columns go into these messages; the rest would not fit the count. Callers refuse more before.
  void row_description(std::span<const FieldDescription> fields);
  void parameter_description(std::span<const int32_t> oids);

  // One row: begin, then exactly `fields` times data_field or data_null, then end. An error from end means that the
  // row is larger than a message can be; the row was taken out of the buffer again.
  void data_row_begin(uint16_t fields);
  void data_field(std::string_view bytes) {
    out_.put_i32(static_cast<int32_t>(bytes.size()));
    out_.put_bytes(bytes);
  }
  void data_null() { out_.put_i32(-1); }
  Status data_row_end();

  void command_complete(std::string_view tag);
  void empty_query_response() { empty('I'); }
  void parse_complete() { empty('1'); }
  void bind_complete() { empty('2'); }
  void close_complete() { empty('3'); }
  void no_data() { empty('n'); }
  void portal_suspended() { empty('s'); }

  void error_response(const Error& error, Severity severity = Severity::kError);
  void notice_response(const Error& notice, NoticeSeverity severity);
  void notification_response(int32_t pid, std::string_view channel, std::string_view payload);

  // format: 0 text, 1 binary; for the whole copy and for each column alike.
  void copy_in_response(int8_t format, uint16_t columns) { copy_response('G', format, columns); }
  void copy_out_response(int8_t format, uint16_t columns) { copy_response('H', format, columns); }
  void copy_data(std::string_view bytes);
  void copy_done() { empty('c'); }

  std::string& buffer() { return out_.buffer(); }

 private:
  size_t begin(char type);
  void end(size_t start);
  void empty(char type);
  void put_text(std::string_view text);
  void authentication(int32_t kind, std::string_view data);
  void report(char type, std::string_view severity, const Error& error);
  void copy_response(char type, int8_t format, uint16_t columns);

  ByteWriter out_;
  size_t row_start_ = 0;
};

}  // namespace merganser::pgwire
