// How fast rows become DataRow messages: values a second by kind of column. DuckDB's part is done before the clock
// runs.
#include <benchmark/benchmark.h>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/database.h"
#include "pgwire/encode.h"

namespace {

using namespace merganser;

struct Rows {
  std::vector<engine::TypePtr> types;
  std::vector<engine::Chunk> chunks;
  size_t values = 0;
};

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", result.error().to_string().c_str());
    std::exit(1);
  }
  return std::move(result).value();
}

class Engine {
 public:
  Engine() {
    std::string pattern = std::filesystem::temp_directory_path() / "mrg-bench-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    engine::DatabaseOptions options;
    options.file = folder_ + "/bench.duckdb";
    options.name = "bench";
    database_ = must(engine::Database::open(options));
    connection_ = must(database_->connect());
  }
  ~Engine() {
    connection_.reset();
    database_.reset();
    std::filesystem::remove_all(folder_);
  }
  Rows rows(const std::string& sql) {
    auto prepared = must(connection_->prepare(sql));
    auto result = must(prepared->execute({}, false));
    Rows rows;
    for (const auto& column : *result.columns()) rows.types.push_back(column.type);
    while (auto chunk = must(result.next())) {
      rows.values += chunk->rows() * rows.types.size();
      rows.chunks.push_back(std::move(*chunk));
    }
    return rows;
  }

 private:
  std::string folder_;
  std::unique_ptr<engine::Database> database_;
  std::unique_ptr<engine::Connection> connection_;
};

void encode(benchmark::State& state, const std::string& columns, int16_t format) {
  Engine engine;
  const Rows rows = engine.rows("SELECT " + columns + " FROM range(200000) r(i)");
  const std::vector<int16_t> formats{format};
  const auto encoder = must(pgwire::RowEncoder::make(rows.types, formats, {}));
  std::string out;
  size_t bytes = 0;
  for (auto _ : state) {
    for (const engine::Chunk& chunk : rows.chunks) {
      out.clear();
      if (!encoder.encode(chunk, 0, chunk.rows(), out).ok()) state.SkipWithError("cannot encode");
      bytes += out.size();
    }
  }
  state.counters["values"] = benchmark::Counter(
      static_cast<double>(rows.values) * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}

constexpr struct {
  const char* name;
  const char* columns;
} kShapes[] = {
    {"int_and_text", "i::INTEGER, i * 1000003, 'name of ' || i, 'a text that is longer than twelve bytes'"},
    {"integers", "i::INTEGER, i * 1000003, i % 7, -i"},
    {"doubles", "i / 7, i * 1e10 / 3, i::DOUBLE, random()"},
    {"decimals", "(i / 7)::DECIMAL(18,4), i::DECIMAL(9,2)"},
    {"times", "DATE '2000-01-01' + i::INTEGER, TIMESTAMP '2000-01-01' + to_microseconds(i * 1234567)"},
    {"zones", "'2000-01-01 00:00:00+00'::TIMESTAMPTZ + to_microseconds(i * 1234567)"},
    {"lists", "[i, i + 1, i + 2], ['a', 'b c']"},
    {"structs", "{'a': i, 'b': 'text', 'c': [1, 2]}"},
    {"nulls", "NULL::INTEGER, CASE WHEN i % 2 = 0 THEN i END"},
};

}  // namespace

int main(int argc, char** argv) {
  for (const auto& shape : kShapes) {
    for (const int16_t format : {int16_t{0}, int16_t{1}}) {
      benchmark::RegisterBenchmark((std::string(shape.name) + (format == 0 ? "/text" : "/binary")).c_str(),
                                   [shape, format](benchmark::State& state) { encode(state, shape.columns, format); })
          ->Unit(benchmark::kMillisecond);
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
