// A statement that names PostgreSQL's catalog, its functions or its types of names, in words that DuckDB understands.
//
// Every change is one of tokens; what the rules do not know stays as it is, and DuckDB says what it thinks of it. The
// definitions of views and macros, which are kept in the file, never name what is outside of it. Threads: pure
// functions.
#pragma once

#include <optional>
#include <string_view>

#include "engine/live_names.h"

namespace merganser::engine {

struct PgRewriteOptions {
  bool kept = false;            // read copies (see pg_catalog.h)
  bool main_is_public = false;  // the file has no schema public: the name stands for main
};

struct PgRewrite {
  LiveRewrite text;
  bool names_catalog = false;  // it needs the catalog to be there
};

// Nothing when there is nothing to change.
std::optional<PgRewrite> rewrite_pg(std::string_view sql, const PgRewriteOptions& options);

}  // namespace merganser::engine
