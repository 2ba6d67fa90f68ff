// What the codec costs a message: parsing what clients send in a prepared execution, writing rows.
#include <atomic>
#include <benchmark/benchmark.h>
#include <cstdlib>
#include <new>
#include <string>

#include "base/bytes.h"
#include "pgwire/backend.h"
#include "pgwire/frontend.h"

namespace {

std::atomic<size_t> allocations{0};

}  // namespace

// Counted, so that the table says how many allocations a message costs: it must be none.
// noinline: g++ would otherwise see malloc behind one and not the other, and warn.
[[gnu::noinline]] void* operator new(size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* const memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace {

using namespace merganser;
using namespace merganser::pgwire;

void append(std::string& out, char type, const std::string& body) {
  ByteWriter writer(out);
  writer.put_u8(static_cast<uint8_t>(type));
  writer.put_i32(static_cast<int32_t>(body.size()) + 4);
  writer.put_bytes(body);
}

std::string bind_body(int parameters) {
  std::string body;
  ByteWriter writer(body);
  writer.put_cstring("");
  writer.put_cstring("P0_1");
  writer.put_i16(0);
  writer.put_i16(static_cast<int16_t>(parameters));
  for (int i = 0; i < parameters; i++) {
    writer.put_i32(8);
    writer.put_bytes("12345678");
  }
  writer.put_i16(0);
  return body;
}

FrontendParser ready_parser() {
  static constexpr std::string_view kStartup("\0\0\0\x0F\0\3\0\0user\0\0\0", 15);
  FrontendParser parser;
  size_t consumed = 0;
  (void)parser.next(kStartup, consumed);
  parser.set_authenticated();
  return parser;
}

void run(benchmark::State& state, const std::string& stream, int64_t messages) {
  FrontendParser parser = ready_parser();
  const auto parse_all = [&] {
    std::string_view rest = stream;
    while (!rest.empty()) {
      size_t consumed = 0;
      const Parsed parsed = parser.next(rest, consumed);
      benchmark::DoNotOptimize(&parsed);
      rest.remove_prefix(consumed);
    }
  };
  parse_all();  // its vectors grow once
  const size_t before = allocations.load();
  size_t measured = 0;
  for (auto _ : state) parse_all();
  measured = allocations.load() - before;
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * messages);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(stream.size()));
  state.counters["allocations"] = static_cast<double>(measured);
}

// Bind, Describe, Execute, Sync: what libpq sends for one prepared execution.
void BM_PreparedExecution(benchmark::State& state) {
  std::string stream;
  append(stream, 'B', bind_body(static_cast<int>(state.range(0))));
  append(stream, 'D', std::string("P\0", 2));
  append(stream, 'E', std::string("\0\0\0\0\0", 5));
  append(stream, 'S', "");
  run(state, stream, 4);
}
BENCHMARK(BM_PreparedExecution)->Arg(1)->Arg(10)->Arg(1000);

void BM_SimpleQuery(benchmark::State& state) {
  std::string stream;
  append(stream, 'Q', std::string(static_cast<size_t>(state.range(0)), 'x') + '\0');
  run(state, stream, 1);
}
BENCHMARK(BM_SimpleQuery)->Arg(64)->Arg(65536);

void BM_DataRows(benchmark::State& state) {
  const auto fields = static_cast<uint16_t>(state.range(0));
  std::string out;
  BackendWriter writer(out);
  for (auto _ : state) {
    out.clear();
    for (int row = 0; row < 1000; row++) {
      writer.data_row_begin(fields);
      for (uint16_t i = 0; i < fields; i++) writer.data_field("12345678");
      benchmark::DoNotOptimize(writer.data_row_end().ok());
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * 1000);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(out.size()));
}
BENCHMARK(BM_DataRows)->Arg(1)->Arg(10);

}  // namespace

BENCHMARK_MAIN();
