#include "engine/text_rows.h"

#include "engine/connection.h"

namespace merganser::engine {

Result<std::vector<std::vector<std::string>>> text_rows(Connection& connection, std::string_view sql) {
  MERGANSER_ASSIGN(auto prepared, connection.prepare(sql));
  MERGANSER_ASSIGN(auto result, prepared->execute({}, false));
  std::vector<std::vector<std::string>> rows;
  while (true) {
    MERGANSER_ASSIGN(const auto chunk, result.next());
    if (!chunk) return rows;
    for (size_t row = 0; row < chunk->rows(); row++) {
      std::vector<std::string> cells;
      for (size_t i = 0; i < chunk->columns(); i++) {
        cells.emplace_back(chunk->column(i).valid(row) ? chunk->column(i).string_at(row) : std::string_view());
      }
      rows.push_back(std::move(cells));
    }
  }
}

}  // namespace merganser::engine
