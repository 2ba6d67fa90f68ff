// Turns a lifted value into what the batch carries, or says that the result might differ from running it alone.
//
// DuckDB does the casts; here values are only brought to few forms, where that is exact: integers that fit become the
// column's type, decimals take its scale. Everything else keeps its own type, or leaves the batch. Threads: pure.
#pragma once

#include <optional>
#include <string>

#include "engine/batch_source.h"
#include "engine/types.h"
#include "engine/value.h"

namespace merganser::coordinator {

// What the batch carries for a value: its type, and the value itself when it had to be changed.
struct LiftedValue {
  engine::BatchColumn column;
  std::optional<engine::Value> changed;
  bool is_null = false;  // fits any column
};

// `target` is the type of the table's column, `cast` what is written behind the value ("::INTEGER" or empty).
std::optional<LiftedValue> lift_value(const engine::Value& value, const engine::LogicalType& target,
                                      const std::string& cast);

// For comparing with a column: only values whose equality is that of their bytes. Never NULL.
std::optional<LiftedValue> lift_key(const engine::Value& value, const engine::LogicalType& target,
                                    const std::string& cast);
// Whether two values of the type are equal exactly when their bytes are.
bool has_bytewise_equality(const engine::LogicalType& type);

// The column that a value of the table column's own type would have; for batches that hold nothing but NULLs.
engine::BatchColumn natural_column(const engine::LogicalType& type);

// Appends the bytes of a lifted key, so that equal keys give equal bytes and different ones different.
void append_key(std::string& out, const engine::Value& value);

}  // namespace merganser::coordinator
