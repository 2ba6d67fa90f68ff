// Answers of reads, kept until a commit changes a table that they read: so none is ever stale.
//
// Every commit of the file passes through the owner. Before its number is visible, changed() is told which tables it
// changed, or that nobody knows. An answer remembers the number of its snapshot and all names of its statement, among
// which its tables must be: a name too many costs a hit, nothing else. It holds while no commit after that number
// changed a table of one of these names. What may answer otherwise without a commit is never kept: functions that are
// not constant, views, macros, catalogs, settings.
//
// Threads: any. Lifetime: the owner's; changes of the catalog empty it.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/connection.h"
#include "engine/result_set.h"

namespace merganser::readers {

class ResultCache {
 public:
  // `capacity` in bytes of memory; 0 keeps nothing.
  explicit ResultCache(size_t capacity) : capacity_(capacity) {}

  struct Answer {
    engine::Columns columns;
    std::string rows;  // as the protocol encoded them
    uint64_t count = 0;
  };
  using AnswerPtr = std::shared_ptr<const Answer>;

  bool enabled() const { return capacity_ > 0; }
  // The answer, if it holds now; null otherwise. The key has everything in it that the answer depends on besides the
  // data: text, parameters, settings, format.
  AnswerPtr find(const std::string& key);
  // Keeps what a snapshot gave that saw all commits up to `sequence`. On the snapshot's connection, which may be asked
  // for the catalog's functions; false when that failed, which ends the snapshot.
  bool keep(std::string key, std::string_view sql, uint64_t sequence, uint64_t ddl_generation, Answer answer,
            engine::Connection& connection);

  // The commit `sequence` changed these tables (lower case, without a schema), or `all`. Before anybody can see it.
  void changed(uint64_t sequence, std::span<const std::string> tables, bool all);

  static constexpr size_t kMaxAnswer = size_t{64} << 10;  // bytes of one

  struct Counters {
    std::atomic<uint64_t> hits = 0;
    std::atomic<uint64_t> misses = 0;   // nothing was kept
    std::atomic<uint64_t> expired = 0;  // something was, and a commit had come
    std::atomic<uint64_t> kept = 0;
    std::atomic<uint64_t> evicted = 0;  // for want of room
    std::atomic<uint64_t> bytes = 0;
    std::atomic<uint64_t> entries = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  using NameId = uint32_t;
  struct Entry {
    std::string key;
    AnswerPtr answer;
    std::vector<NameId> names;
    uint64_t sequence = 0;
    size_t footprint = 0;
  };
  using Entries = std::list<Entry>;  // the latest used first

  bool holds(const Entry& entry) const;
  void drop(Entries::iterator at);
  void clear();
  using Names = std::set<std::string, std::less<>>;
  using NamesPtr = std::shared_ptr<const Names>;
  // Names that keep a statement out, as of the snapshot's catalog; null when it cannot be asked.
  NamesPtr unsteady_names(engine::Connection& connection, uint64_t ddl_generation);
  // The names of a statement whose answer may be kept; false for others.
  static bool names_of(std::string_view sql, const Names& unsteady, std::vector<std::string>& names);
  NameId name_id(const std::string& name);

  const size_t capacity_;
  Counters counters_;

  std::mutex functions_mutex_;  // guards the next two
  uint64_t functions_generation_ = 0;
  NamesPtr unsteady_;  // of the latest catalog that was asked

  std::mutex mutex_;  // guards what follows
  Entries entries_;
  std::unordered_map<std::string_view, Entries::iterator> by_key_;  // views into the entries
  std::unordered_map<std::string, NameId> ids_;
  std::vector<uint64_t> changed_;  // by name: the last commit that changed a table of it
  uint64_t all_changed_ = 0;
  uint64_t generation_ = 0;
  size_t bytes_ = 0;
};

}  // namespace merganser::readers
