// The text of single values exactly as PostgreSQL prints them; what PostgreSQL does not have is written by analogy.
//
// Threads: pure functions. write_… puts at most kMaxScalarText bytes at `at` and answers the end of what it wrote.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/time_zone.h"
#include "engine/text_sink.h"
#include "engine/types.h"

namespace merganser::engine {

inline constexpr size_t kMaxScalarText = 128;
static_assert(kMaxScalarText <= TextSink::kRoom);

// What a timestamp counts.
enum class TimeUnit : uint8_t { kSeconds, kMillis, kMicros, kNanos };

char* write_int(char* at, int64_t value);
char* write_uint(char* at, uint64_t value);
char* write_hugeint(char* at, Hugeint value);
char* write_uhugeint(char* at, UHugeint value);
char* write_decimal(char* at, Hugeint value, uint8_t scale);

// The shortest digits that read back as the same number, as PostgreSQL 12 and newer choose them: 0.1, 1e+20, NaN.
char* write_double(char* at, double value);
char* write_float(char* at, float value);

char* write_date(char* at, int32_t days);
char* write_time(char* at, int64_t micros);
char* write_time_ns(char* at, int64_t nanos);
char* write_timetz(char* at, uint64_t bits);
// `separator` stands between day and time: a space, or T in JSON.
char* write_timestamp(char* at, int64_t count, TimeUnit unit, char separator = ' ');
char* write_timestamptz(char* at, int64_t micros, const TimeZone& zone, char separator = ' ', bool minutes = false);
char* write_interval(char* at, Interval value);
char* write_uuid(char* at, Hugeint value);

// \x and two digits a byte.
void append_blob(TextSink& sink, std::string_view bytes);
// DuckDB's BIT: the number of unused bits in front, then the bits.
void append_bit(TextSink& sink, std::string_view stored);
// DuckDB's BIGNUM as decimal digits; numbers of more than kMaxBignumBytes take too long and are an error (54000).
inline constexpr size_t kMaxBignumBytes = 64 * 1024;
void append_bignum(TextSink& sink, std::string_view stored);
// Well-known binary as well-known text. Bytes that are none become the text of a blob.
void append_geometry(TextSink& sink, std::string_view wkb);

// The stored number of a DECIMAL in whatever width it has.
Hugeint decimal_at(const VectorView& column, uint64_t row);
// The label of an ENUM; empty when the index is not one of the type's.
std::string_view enum_label_at(const VectorView& column, uint64_t row);

// The elements of a LIST or ARRAY in its child vector.
ListEntry list_entry_at(const VectorView& column, uint64_t row);

// Any type: scalars as above, nested ones and VARIANT as JSON (value_json.h). The row must not be NULL.
void append_text(TextSink& sink, const VectorView& column, uint64_t row, const TimeZone& zone);

}  // namespace merganser::engine
