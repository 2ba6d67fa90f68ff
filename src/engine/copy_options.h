// The options of COPY while its statement is read, and what they mean together.
//
// Threads: a value of one thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/copy_statement.h"

namespace merganser::engine {

// Options as they were written, before they are looked at together.
class CopyOptionList {
 public:
  Status boolean(std::string_view name, bool value);
  Status text(std::string_view name, std::string value);
  Status header(CopyHeader header);
  Status format(CopyFormat format);
  Status names(std::string_view name, std::vector<std::string> columns, bool all);
  // What they mean together.
  Result<CopyOptions> finish(bool from) const;

 private:
  struct Given {
    bool format = false, header = false, freeze = false, delimiter = false, null = false, quote = false;
    bool escape = false, force_quote = false, force_not_null = false, force_null = false, encoding = false;
  };
  Status check_separators(const CopyOptions& out) const;
  Status check_csv_only(const CopyOptions& out, bool from) const;

  Given given_;
  CopyOptions options_;
  std::string delimiter_, null_, quote_, escape_;
};

}  // namespace merganser::engine
