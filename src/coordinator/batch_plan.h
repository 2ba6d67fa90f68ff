// A shape of writes, compiled: which table it changes, what its values are stored in, and the kept plans that run it.
//
// One plan for each layout of value types. A plan that scans the table is made without the table's statistics, since
// what it knew would be wrong later and answers with it (docs/ARCHITECTURE.md, "Kept plans"). Threads: the writer's.
// Lifetime: void after a change of the catalog.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/lifted_value.h"
#include "coordinator/shape.h"
#include "engine/batch_source.h"
#include "engine/connection.h"
#include "engine/flight.h"
#include "engine/table_facts.h"

namespace merganser::coordinator {

// What a batch's columns carry; nullopt where only NULLs were seen so far.
using Layout = std::vector<std::optional<engine::BatchColumn>>;

class BatchPlan {
 public:
  struct Compiled {
    std::unique_ptr<BatchPlan> plan;  // null: see why
    NotCoalesced why = NotCoalesced::kNone;
  };
  // Reads the catalog. Outside a transaction.
  static Result<Compiled> compile(engine::Connection& connection, engine::BatchFunction& function,
                                  const std::string& database, const Shape& shape, bool search_path_set);

  // Slots of a shape's cells that carry values, in the order of the batch's columns: DEFAULT has none.
  const std::vector<size_t>& carried() const { return carried_; }
  const engine::LogicalType& type_of(size_t carried_index) const { return *types_[carried_index]; }
  // The batch columns that make a row's key; empty when the units of a plain INSERT need none.
  const std::vector<size_t>& key() const { return key_; }
  // The same as columns of the table: what two plans must share for their keys to be comparable.
  const std::vector<size_t>& key_columns() const { return key_columns_; }
  // Whether a unit without its key is still welcome: a plain INSERT may leave it to DuckDB.
  bool key_is_optional() const { return kind_ == ShapeKind::kInsert; }
  bool is_condition(size_t carried_index) const { return carried_index >= first_condition_; }
  ShapeKind kind() const { return kind_; }
  bool gives_rows() const { return gives_rows_; }
  // Key columns stand behind what the client asked for in each returned row.
  size_t returned_keys() const { return kind_ == ShapeKind::kInsert || by_count_ ? 0 : key_.size(); }
  // Nothing is returned but the number of rows, which says enough when it is that of all rows asked for. RETURNING
  // makes DuckDB fetch and write whole rows, those of an UPDATE as DELETE and INSERT.
  bool by_count() const { return by_count_; }
  // It was another number: from now on the keys come back and tell which.
  void return_keys();
  // Whether an upsert's rows were all there lately.
  bool expects_rows_there();
  void met_rows(bool all);

  struct Prepared {
    Layout layout;
    std::unique_ptr<engine::BatchSource> source;
    std::unique_ptr<engine::Prepared> statement;
    // Of an upsert, where it can be said so: UPDATE of the rows that are there, and INSERT of the others. When all are
    // there, the first alone costs a third of DuckDB's MERGE.
    std::unique_ptr<engine::Prepared> update;
    std::unique_ptr<engine::Prepared> insert_rest;
    uint64_t used = 0;
  };
  // The plan for a layout; prepares it when there is none. Outside a transaction: it may need one of its own.
  Result<Prepared*> prepare(const Layout& layout);
  // The same without making one; null when it is gone.
  Prepared* find(const Layout& layout);

  // Of the table when its plans were made.
  uint64_t rows_then() const { return rows_then_; }
  // Names the statement beyond this owner's life.
  const engine::Flight::Digest& digest() const { return digest_; }
  bool scans_table() const { return kind_ != ShapeKind::kInsert; }
  const engine::TableFacts& facts() const { return facts_; }
  // Forgets the plans, because the table has another size now.
  void make_again(uint64_t rows_now);

 private:
  BatchPlan(engine::Connection& connection, engine::BatchFunction& function, std::string database)
      : connection_(connection), function_(function), database_(std::move(database)) {}
  NotCoalesced bind(const Shape& shape);
  void bind_returning(const Shape& shape);
  void bind_update_first(const Shape& shape);
  void prepare_update_first(Prepared& made);
  Status touch();
  NotCoalesced bind_insert(const Shape& shape);
  NotCoalesced bind_conditions(const Shape& shape);
  Result<std::unique_ptr<Prepared>> make(const Layout& layout);
  std::string sql_over(const std::string& source) const;

  engine::Connection& connection_;
  engine::BatchFunction& function_;
  const std::string database_;
  engine::TableFacts facts_;
  ShapeKind kind_ = ShapeKind::kInsert;
  bool gives_rows_ = false;
  bool by_count_ = false;
  std::string returned_keys_;  // as RETURNING names them
  std::vector<size_t> carried_;
  std::vector<engine::TypePtr> types_;
  std::vector<size_t> key_;
  std::vector<size_t> key_columns_;
  size_t first_condition_ = SIZE_MAX;
  engine::Flight::Digest digest_{};
  // Text around the source.
  std::string before_;
  std::string after_;
  std::string update_before_;
  std::string update_after_;
  std::string rest_before_;
  size_t expects_new_ = 0;  // for so many batches more
  size_t patience_ = 1;
  std::vector<std::unique_ptr<Prepared>> prepared_;
  std::vector<Layout> failed_;  // not tried again
  uint64_t clock_ = 0;
  uint64_t rows_then_ = 0;
};

}  // namespace merganser::coordinator
