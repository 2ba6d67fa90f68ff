// Reads what a PostgreSQL server sends: the counterpart of BackendWriter, for tests and for our own small clients.
//
// Threads: pure functions. Lifetime: views point into the input.
#pragma once

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pgwire/backend.h"

namespace merganser::pgwire {

struct BackendMessage {
  char type;
  std::string_view body;
};

// The message at the start of `in`, which is moved past it; nullopt when more bytes are needed. A length below 4 or
// above `max_body` is a protocol violation.
Result<std::optional<BackendMessage>> next_backend_message(std::string_view& in, size_t max_body = size_t{1} << 30);

using RowValues = std::vector<std::optional<std::string_view>>;
Result<RowValues> read_data_row(std::string_view body);
Result<std::vector<FieldDescription>> read_row_description(std::string_view body);
Result<std::vector<int32_t>> read_parameter_description(std::string_view body);
// ErrorResponse and NoticeResponse: the fields by their letter.
Result<std::map<char, std::string_view>> read_report(std::string_view body);

}  // namespace merganser::pgwire
