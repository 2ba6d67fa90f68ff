// PostgreSQL's statements as DuckDB takes them: the same statement in other words, a script of several steps, or a
// refusal that says why.
//
// DuckDB's own SQL passes untouched: only what DuckDB would refuse or take for something else is changed. What stands
// here and what does not is documented in docs/DIALECT.md. Threads: pure functions over texts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/script.h"

namespace merganser::dialect {

struct Translation {
  std::string sql;           // what DuckDB is to see instead; empty when there is a script or a refusal
  engine::ScriptPtr script;  // the steps; none at all for what there is nothing to do for
  std::string class_as;      // of a script: a text that says what kind of statement it is; empty: DDL
  std::string tag;           // the command tag, when the new text has another
  std::optional<Error> refusal;
  std::vector<std::string> notices;
  bool takes_lane = false;  // FOR UPDATE: see StatementClass
};

// Nothing when DuckDB is to see the client's own text.
std::optional<Translation> translate(std::string_view sql);

}  // namespace merganser::dialect
