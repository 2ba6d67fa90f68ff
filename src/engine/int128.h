// 128-bit integers of the compiler, and DuckDB's two halves.
#pragma once

#include "engine/types.h"

namespace merganser::engine {

__extension__ typedef __int128 int128_t;
__extension__ typedef unsigned __int128 uint128_t;

constexpr uint128_t to_uint128(UHugeint value) {
  return (static_cast<uint128_t>(value.upper) << 64) | value.lower;
}
constexpr int128_t to_int128(Hugeint value) {
  return static_cast<int128_t>(to_uint128({value.lower, static_cast<uint64_t>(value.upper)}));
}
constexpr UHugeint from_uint128(uint128_t value) {
  return {static_cast<uint64_t>(value), static_cast<uint64_t>(value >> 64)};
}
constexpr Hugeint from_int128(int128_t value) {
  return {static_cast<uint64_t>(value),
          static_cast<int64_t>(static_cast<uint64_t>(static_cast<uint128_t>(value) >> 64))};
}
// Without overflow for the smallest number.
constexpr uint128_t magnitude(int128_t value) {
  return value < 0 ? uint128_t{0} - static_cast<uint128_t>(value) : static_cast<uint128_t>(value);
}

// Text of at most 39 digits, written at `at`; answers its end.
char* write_uint128(char* at, uint128_t value);

}  // namespace merganser::engine
