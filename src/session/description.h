// What Parse and Describe need to know of a statement: its class, the types of its parameters, its columns.
//
// Threads: descriptions are immutable and shared; the cache is for the sessions' thread alone.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "coordinator/shape.h"
#include "engine/connection.h"
#include "engine/statement_class.h"

namespace merganser::session {

struct Description {
  std::shared_ptr<const std::string> sql;   // the client's
  std::shared_ptr<const std::string> text;  // what DuckDB sees; mostly the same
  std::shared_ptr<const engine::StatementClass> kind;
  std::vector<engine::TypePtr> parameters;  // null where DuckDB does not know the type
  engine::Columns columns;                  // null: no rows, or not known before execution
  bool rows_unknown = false;                // gives rows whose columns depend on parameters
  std::vector<bool> inferred;               // parameters whose types are ours, not DuckDB's; empty: none
  coordinator::ParsedShape shape;           // of a write
};
using DescriptionPtr = std::shared_ptr<const Description>;

// Least recently used first out. A key is a text and the settings that change its meaning; DDL empties the cache.
class DescriptionCache {
 public:
  explicit DescriptionCache(size_t capacity, size_t text_capacity = size_t{16} << 20)
      : capacity_(capacity), text_capacity_(text_capacity) {}
  DescriptionPtr find(std::string_view sql, const engine::SettingsPtr& settings, uint64_t ddl_generation);
  void keep(const engine::SettingsPtr& settings, uint64_t ddl_generation, DescriptionPtr description);
  size_t size() const { return order_.size(); }

 private:
  struct Entry {
    engine::SettingsPtr settings;
    DescriptionPtr description;
  };
  using Order = std::list<Entry>;
  void drop(Order::iterator entry);

  size_t capacity_;
  size_t text_capacity_;  // bytes of all texts
  size_t text_bytes_ = 0;
  uint64_t generation_ = 0;
  Order order_;
  std::unordered_map<std::string_view, Order::iterator> index_;
};

// How one parameter goes into the statement's text.
enum class ParameterForm : uint8_t {
  kBound,    // stays $n and is bound
  kCast,     // becomes CAST($n AS type) and is bound as text
  kLiteral,  // its text is spliced as an untyped quoted literal
  kText,     // becomes this text
  kNull,     // becomes NULL, of its type when that is known
};

struct ParameterRewrite {
  ParameterForm form = ParameterForm::kBound;
  std::string type_sql;       // kCast, kNull
  bool through_json = false;  // kCast: the text is JSON that stands for the type
  std::string literal;        // kLiteral, kText
};

// The statement with its parameters rewritten; literals and NULLs leave, and those that stay are numbered anew in
// order. `kept` gets the old indexes (from 0) of the parameters that stay.
std::string rewrite_parameters(std::string_view sql, const std::vector<ParameterRewrite>& rewrites,
                               std::vector<size_t>& kept);

// Columns without an alias are named by their text: the casts that rewrite_parameters() put in are ours, not the
// client's.
engine::Columns named_as_sent(const engine::Columns& columns, const std::vector<ParameterRewrite>& rewrites);

}  // namespace merganser::session
