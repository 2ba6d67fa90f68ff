// The shape of a write: what units must have in common to run as one vectorised statement.
//
// A small grammar of our own: INSERT … VALUES (with ON CONFLICT, OR REPLACE, OR IGNORE), UPDATE … WHERE column = value
// and DELETE … WHERE column = value, each with RETURNING. Whole VALUES cells, whole right-hand sides of SET and key
// comparisons are lifted out as values; all other text stays and is part of the key. A statement that the grammar does
// not know has no shape and runs by itself. Threads: parse_shape() is pure; a Shape is immutable and shared.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/value.h"

namespace merganser::coordinator {

// Why a write ran by itself. `kNone` means that it has a shape.
enum class NotCoalesced : uint8_t {
  kNone,
  kGrammar,      // not a statement that the grammar knows
  kExpression,   // a cell or condition that is neither a literal nor a parameter
  kLarge,        // text or rows beyond the limits below
  kTable,        // a view, a table of another schema by search path, or not there
  kConstraints,  // foreign keys, or more than one unique key where that matters
  kKey,          // the condition does not name a whole unique key, or SET changes a key
  kType,         // values whose cast is not provably the same
  kDuplicate,    // another unit of the batch has the same key
  kFailing,      // batches of this shape failed lately
  kFirst,        // the first of its shape: nothing was prepared yet
  kOption,       // switched off, or the unit carries a key of its own
  kCount
};
inline constexpr std::array<std::string_view, static_cast<size_t>(NotCoalesced::kCount)> kNotCoalescedNames{
    "none", "grammar", "expression", "large",   "table", "constraints",
    "key",  "type",    "duplicate",  "failing", "first", "option"};

enum class ShapeKind : uint8_t { kInsert, kUpsert, kUpdate, kDelete };

// A value that was lifted: a parameter of the statement, or a literal of its text.
struct Cell {
  enum class From : uint8_t { kParameter, kLiteral, kDefault };
  From from = From::kLiteral;
  uint32_t index = 0;  // of Statement::values or Shape::literals
};

// One column of the batch.
struct BatchSlot {
  std::string column;  // as written: what it is stored in or compared with; empty: by position (INSERT without list)
  std::string cast;    // "::INTEGER" as written behind the value, or empty
  bool is_default = false;  // DEFAULT in each row
};

struct Shape {
  ShapeKind kind = ShapeKind::kInsert;
  std::string key;                 // equal for all that may run together
  std::vector<std::string> table;  // parts of its name as written, quotes kept
  std::vector<BatchSlot>
      slots;              // INSERT: the cells of a row; UPDATE: lifted SET values, then conditions; DELETE: conditions
  size_t conditions = 0;  // how many slots at the end are conditions
  std::string head;  // INSERT: "INSERT OR REPLACE INTO"; UPDATE: "SET a = \x01, b = b + 1" with \x01 for each value
  std::vector<std::string> set_columns;  // folded names that UPDATE changes
  std::string tail;                      // ON CONFLICT clause as written
  std::string returning;                 // list behind RETURNING, or empty
  bool has_column_list = false;          // INSERT
  std::vector<Cell> cells;               // rows × slots
  std::vector<engine::Value> literals;
  size_t rows = 1;
};
using ShapePtr = std::shared_ptr<const Shape>;

struct ParsedShape {
  ShapePtr shape;  // null: see why
  NotCoalesced why = NotCoalesced::kGrammar;
};

constexpr size_t kShapeTextLimit = size_t{64} << 10;
constexpr size_t kShapeRowsLimit = 1000;

ParsedShape parse_shape(std::string_view sql);

}  // namespace merganser::coordinator
