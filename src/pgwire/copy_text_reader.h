// COPY FROM STDIN in text and CSV format.
//
// Threads and lifetime: see CopyReader.
#pragma once

#include "pgwire/copy_fields.h"
#include "pgwire/copy_lines.h"
#include "pgwire/copy_reader.h"

namespace merganser::pgwire {

class CopyTextReader final : public CopyReader {
 public:
  CopyTextReader(engine::CopyStatementPtr copy, TimeZone::Ptr zone);

 private:
  Status begin_rows() override;
  Status read_rows(std::string& data, bool last, size_t& used, std::vector<session::RowBlock>& out) override;
  Status split(std::string_view line);
  Status read_line(std::string_view line);
  Status check_header();
  Status choose(const std::vector<std::string>& names, const char* option, std::vector<bool>& out) const;
  void apply_forces();

  const bool csv_;
  CopyLineScanner scanner_;
  std::vector<CopyField> fields_;
  std::vector<bool> force_not_null_;
  std::vector<bool> force_null_;
  bool forces_ = false;
  bool header_due_ = false;
  std::string line_start_;  // of the line as it came, for messages
};

}  // namespace merganser::pgwire
