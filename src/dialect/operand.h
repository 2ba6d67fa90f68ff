// The operands of an operator, found in a statement's tokens by PostgreSQL's precedences.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <string_view>

#include "dialect/sql_view.h"

namespace merganser::dialect {

// Higher binds tighter: ^ 8, * / % 7, + - 6, others 5, comparisons 3.
int precedence(std::string_view op);

// The first token of the operand that ends before token `end`, for an operator of this precedence; kNone when what
// stands there is no operand.
size_t left_operand(const SqlView& sql, size_t end, int min_precedence);
// The token behind the operand that begins at token `begin`.
size_t right_operand(const SqlView& sql, size_t begin, int min_precedence);

}  // namespace merganser::dialect
