// Small pieces that the text and the binary encoders share: big-endian stores and a field's length in front.
//
// Threads: pure functions on the caller's sink.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/bytes.h"
#include "engine/text_sink.h"

namespace merganser::pgwire {

template <std::integral T>
inline void store_big_endian(char* at, T value) {
  const T swapped = bytes_detail::swap_to_big_endian(value);
  std::memcpy(at, &swapped, sizeof swapped);
}

template <std::integral T>
inline void append_big_endian(engine::TextSink& sink, T value) {
  char* at = sink.room();
  store_big_endian(at, value);
  sink.wrote_to(at + sizeof value);
}

inline void write_null(engine::TextSink& sink) {
  append_big_endian(sink, int32_t{-1});
}

// A field of fixed size.
template <std::integral T>
inline void write_field(engine::TextSink& sink, T value) {
  char* at = sink.room();
  store_big_endian(at, static_cast<uint32_t>(sizeof value));
  store_big_endian(at + 4, value);
  sink.wrote_to(at + 4 + sizeof value);
}

// A field whose bytes exist already.
inline void write_field(engine::TextSink& sink, std::string_view bytes) {
  char* at = sink.room();
  store_big_endian(at, static_cast<uint32_t>(bytes.size()));
  sink.wrote_to(at + 4);
  sink.append(bytes);
}

// A field of at most TextSink::kRoom - 4 bytes: `write` gets where to write and answers the end.
template <typename Write>
inline void write_short_field(engine::TextSink& sink, Write write) {
  char* at = sink.room();
  char* const end = write(at + 4);
  store_big_endian(at, static_cast<uint32_t>(end - at - 4));
  sink.wrote_to(end);
}

// A field of any length, which is put in front when it is known.
template <typename Append>
inline void write_long_field(engine::TextSink& sink, Append append) {
  const size_t start = sink.size();
  append_big_endian(sink, uint32_t{0});
  append();
  if (!sink.failed()) store_big_endian(sink.at(start), static_cast<uint32_t>(sink.size() - start - 4));
}

}  // namespace merganser::pgwire
