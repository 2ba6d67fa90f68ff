// COPY FROM STDIN in binary format.
//
// Threads and lifetime: see CopyReader.
#pragma once

#include "pgwire/copy_reader.h"

namespace merganser::pgwire {

class CopyBinaryReader final : public CopyReader {
 public:
  CopyBinaryReader(engine::CopyStatementPtr copy, TimeZone::Ptr zone) : CopyReader(std::move(copy), std::move(zone)) {}

 private:
  enum class Part : uint8_t { kHeader, kRows, kEnded };
  Status read_rows(std::string& data, bool last, size_t& used, std::vector<session::RowBlock>& out) override;
  Result<bool> read_header(std::string_view data, bool last, size_t& at);
  // Whether the whole row was there.
  Result<bool> read_row(std::string_view data, bool last, size_t& at);
  Error broken(std::string message) const;

  Part part_ = Part::kHeader;
};

}  // namespace merganser::pgwire
