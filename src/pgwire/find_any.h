// The first of a few characters in a stretch of bytes, sixteen bytes at a time where the machine can.
//
// Threads: pure functions.
#pragma once

#include <array>
#include <cstddef>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace merganser::pgwire {

// From `at` on; `end` when there is none.
template <size_t N>
inline const char* find_any(const char* at, const char* end, const std::array<char, N>& wanted) {
#ifdef __SSE2__
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    __m128i hits = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(wanted[0]));
    for (size_t i = 1; i < N; i++) hits = _mm_or_si128(hits, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(wanted[i])));
    const int mask = _mm_movemask_epi8(hits);
    if (mask != 0) return at + __builtin_ctz(static_cast<unsigned>(mask));
    at += 16;
  }
#endif
  for (; at < end; at++) {
    for (const char c : wanted) {
      if (*at == c) return at;
    }
  }
  return end;
}

// The first byte that text format has to escape: a control character from backspace to carriage return, a backslash, or
// the delimiter.
inline const char* find_escapable(const char* at, const char* end, char delimiter) {
#ifdef __SSE2__
  const __m128i first = _mm_set1_epi8('\b');
  const __m128i span = _mm_set1_epi8('\r' - '\b');
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i above = _mm_sub_epi8(bytes, first);
    __m128i hits = _mm_cmpeq_epi8(_mm_min_epu8(above, span), above);
    hits = _mm_or_si128(hits, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    hits = _mm_or_si128(hits, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(delimiter)));
    const int mask = _mm_movemask_epi8(hits);
    if (mask != 0) return at + __builtin_ctz(static_cast<unsigned>(mask));
    at += 16;
  }
#endif
  while (at < end && !(*at >= '\b' && *at <= '\r') && *at != '\\' && *at != delimiter) at++;
  return at;
}

}  // namespace merganser::pgwire
