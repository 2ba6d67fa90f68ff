// What a client asked for a write, besides its text: how urgent it is, until when it makes sense, what it must not
// overtake and what it may stand for.
//
// Threads: values. Filled by the session, read by the queue and the writer.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"

namespace merganser::coordinator {

enum class Priority : uint8_t { kControl, kInteractive, kBulk };

// What becomes of a write whose dedup_key is already waiting or executing.
enum class DedupMode : uint8_t {
  kNone,
  kJoin,    // waits for that one and is answered as skipped
  kSkip,    // is answered as skipped at once
  kLatest,  // takes the place of the one that waits, which is told so
};

struct WriteOptions {
  Priority priority = Priority::kInteractive;
  DedupMode dedup = DedupMode::kNone;
  Deadline deadline;                      // not begun by then: not executed
  std::string order_key;                  // writes with one key run in order of arrival; empty: none
  std::string dedup_key;                  // empty: none
  std::chrono::milliseconds debounce{0};  // with kLatest: wait this long for a newer one
  std::string idempotency_key;            // empty: none
  std::string version_column;             // empty: none
};

// What was said of a write, by SET or in a comment before its text; nothing where nothing was said.
struct WriteHints {
  std::optional<Priority> priority;
  std::optional<DedupMode> dedup;
  std::optional<std::chrono::milliseconds> deadline;  // from arrival; 0: none
  std::optional<std::chrono::milliseconds> debounce;
  std::optional<std::string> order_key;
  std::optional<std::string> dedup_key;
  std::optional<std::string> idempotency_key;
  std::optional<std::string> version_column;
};

}  // namespace merganser::coordinator
