// A line of COPY data as its fields: PostgreSQL's rules for text (CopyReadAttributesText) and CSV (…CSV).
//
// Threads: one at a time. Escapes are resolved in the line's own memory, where the fields stay.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/copy_statement.h"

namespace merganser::pgwire {

struct CopyField {
  std::string_view text;
  bool null = false;    // equal to the NULL text as it was written
  bool quoted = false;  // CSV: some of it stood in quotes
};

// The line is changed: its escapes are resolved. `most`: more fields than that are counted, not kept.
Status split_text_line(char* line, size_t length, const engine::CopyOptions& options, std::vector<CopyField>& out);
Status split_csv_line(char* line, size_t length, const engine::CopyOptions& options, std::vector<CopyField>& out);

}  // namespace merganser::pgwire
