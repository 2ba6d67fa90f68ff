// A result as bytes, and back: the rows exactly as the engine gave them, whatever their types, so that an answer can be
// kept and sent again in any format.
//
// What is written is the engine's own values in DuckDB's layout, type by type; nothing passes through text. Threads:
// free functions; a decoded result owns its memory and may go anywhere.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/result_set.h"

namespace merganser::engine {

// Appends the result; false, with `out` as it was, when it would grow past `limit` bytes or has a type that cannot be
// kept. The result can be read afterwards as if nothing had happened.
Result<bool> encode_result(ResultSet& result, size_t limit, std::string& out);

// Takes one result from the front of `in`. The bytes come from a file: what does not add up is an error (XX001).
Result<ResultSet> decode_result(std::string_view& in);

// The types alone.
bool encode_type(const LogicalType& type, std::string& out, int depth = 0);
Result<TypePtr> decode_type(std::string_view& in, int depth = 0);

// Bytes of one value in a vector of this type; 0 for those with a layout of their own.
size_t fixed_width(TypeId storage);
inline bool is_string_layout(TypeId id) {
  return id == TypeId::kVarchar || id == TypeId::kBlob || id == TypeId::kBit || id == TypeId::kBignum ||
         id == TypeId::kGeometry;
}

inline constexpr int kMaxTypeDepth = 100;  // of nesting; each level is a call

}  // namespace merganser::engine
