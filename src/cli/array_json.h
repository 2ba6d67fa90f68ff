// PostgreSQL's text of an array, {1,NULL,"a \"b\""}, as a JSON array.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace merganser::cli {

// The element's type of an array type; 0 when the type is none that we know.
uint32_t element_type(uint32_t array_type);

// Elements are written by `element`, which gets no value for NULL. Nothing when the text is not an array.
std::optional<std::string> array_json(std::string_view text,
                                      const std::function<std::string(std::optional<std::string_view>)>& element);

}  // namespace merganser::cli
