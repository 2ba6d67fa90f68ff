// What PostgreSQL would take a parameter of unknown type for, where DuckDB cannot tell: from the operator, function or
// place that it stands in.
//
// PostgreSQL's rules (manual, chapter 10): beside an operator an unknown operand is assumed to have the type of the
// other one. The other operand's own type only the binder knows; a hint says what to ask it. Threads: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/types.h"

namespace merganser::dialect {

struct ParameterHint {
  enum class Kind : uint8_t {
    kNone,
    kType,     // `text` is a type of DuckDB's
    kSameAs,   // of the type of the expression `text`, as `op` has it
    kArrayOf,  // a list of that type
    kColumn,   // of the type of the column that the query `text` gives
  };
  Kind kind = Kind::kNone;
  std::string text;
  std::string op;              // kSameAs: the operator between them; empty for none
  bool rests_on_open = false;  // `text` holds parameters that are open themselves
  bool replaces_text = false;  // also where DuckDB takes the parameter for a text: INSERT … SELECT $1
};

// One for each parameter $1, $2, …; kNone for those that are not open and those that nothing is known of.
struct OpenParameter {
  bool open = false;
  std::string type;  // of DuckDB's, as far as it is known from an earlier look; else empty
};
std::vector<ParameterHint> parameter_hints(std::string_view sql, const std::vector<OpenParameter>& parameters);

// The type that a parameter has beside an operand of type `other`: ts + $1 takes an interval, x || $1 a text.
engine::TypePtr type_beside(const ParameterHint& hint, const engine::TypePtr& other);

}  // namespace merganser::dialect
