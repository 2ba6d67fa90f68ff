// Which of the clients' statements DuckDB is working on right now, remembered where the death of the process does not
// reach it (<file>.flight): so that a statement that takes its owner down is known to the next one, and refused once it
// has done so twice.
//
// Two pages of memory backed by a file, like the mark of the log: an execution costs two digests of a few dozen
// nanoseconds and no system call. Statements count one by one, with their values; one that came through is cleared.
// After another boot of the machine nothing is held against anybody.
// Threads: any, except open(). Lifetime: as long as the database; entries end before it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/value.h"

namespace merganser::engine {

class Flight {
 public:
  using Digest = std::array<uint64_t, 2>;
  // Of a text, while it is planned; of a text's digest and the values that it runs with.
  static Digest of_text(std::string_view text);
  static Digest of(const Digest& text, const std::vector<Value>& values);

  // Takes over what the last owner left. Only the holder of the file's lock may call it.
  static Result<std::unique_ptr<Flight>> open(const std::string& database_file);
  ~Flight();
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;

  // While it lives, the statement is in flight.
  class Entry {
   public:
    Entry() = default;
    Entry(Entry&& other) noexcept : flight_(std::exchange(other.flight_, nullptr)), slot_(other.slot_) {}
    Entry& operator=(Entry&& other) noexcept {
      std::swap(flight_, other.flight_);
      std::swap(slot_, other.slot_);
      return *this;
    }
    ~Entry() { land(false); }
    // It ended by itself; `whole` when nothing more of it will come, which clears its name.
    void land(bool whole);
    // It took the database down without ending the process.
    void blame();

   private:
    friend class Flight;
    Entry(Flight* flight, size_t slot) : flight_(flight), slot_(slot) {}
    Flight* flight_ = nullptr;
    size_t slot_ = 0;
  };
  // An error (XXM01) when two owners died of it.
  Result<Entry> take_off(const Digest& digest);

  // Whether an owner died of it, even once.
  bool suspected(const Digest& digest) const;
  // Statements that would be refused now.
  size_t refused() const;

 private:
  struct Pages;
  explicit Flight(Pages* pages) : pages_(pages) {}
  void recover();
  void add_death(const Digest& digest);
  void clear(const Digest& digest);
  bool is_refused(const Digest& digest) const;

  Pages* pages_;
  std::atomic<size_t> suspects_ = 0;  // in the pages: mostly 0, and then nobody has to look
  mutable std::mutex mutex_;          // guards the suspects
};

}  // namespace merganser::engine
