#include "coordinator/batch_plan.h"

#include <algorithm>

#include "engine/sql_tokens.h"

namespace merganser::coordinator {
namespace {

constexpr size_t kLayouts = 8;
constexpr size_t kMaxBatchesWithNewRows = 64;

std::string batch_cell(size_t index, const std::string& cast) {
  return engine::BatchSource::column_name(index) + cast;
}

// UPDATE by its key alone, an upsert that leaves no row as it is.
bool mostly_meets_every_row(const Shape& shape, size_t key_columns) {
  if (shape.kind == ShapeKind::kUpdate) return shape.conditions == key_columns;
  if (shape.kind != ShapeKind::kUpsert) return false;
  const std::string text = shape.head + " " + shape.tail;
  const std::vector<engine::Token> tokens = engine::tokenize(text);
  return std::none_of(tokens.begin(), tokens.end(), [](const engine::Token& token) {
    return token.is_word("ignore") || token.is_word("nothing") || token.is_word("where");
  });
}

}  // namespace

Result<BatchPlan::Compiled> BatchPlan::compile(engine::Connection& connection, engine::BatchFunction& function,
                                               const std::string& database, const Shape& shape, bool search_path_set) {
  std::string schema = "main";
  const size_t parts = shape.table.size();
  if (parts == 1 && search_path_set) return Compiled{nullptr, NotCoalesced::kTable};
  if (parts == 3 && engine::folded_name(shape.table[0]) != engine::folded_name(engine::quote_name(database))) {
    return Compiled{nullptr, NotCoalesced::kTable};
  }
  if (parts > 1) schema = engine::folded_name(shape.table[parts - 2]);
  // Two parts may be file.table as well: a schema of that name would make them mean something else.
  if (parts == 2 && schema == engine::folded_name(engine::quote_name(database)))
    return Compiled{nullptr, NotCoalesced::kTable};
  MERGANSER_ASSIGN(auto facts,
                   engine::read_table_facts(connection, database, schema, engine::folded_name(shape.table[parts - 1])));
  if (!facts) return Compiled{nullptr, NotCoalesced::kTable};
  std::unique_ptr<BatchPlan> plan(new BatchPlan(connection, function, database));
  plan->facts_ = *std::move(facts);
  plan->rows_then_ = plan->facts_.estimated_rows;
  const NotCoalesced why = plan->bind(shape);
  if (why != NotCoalesced::kNone) return Compiled{nullptr, why};
  return Compiled{std::move(plan), NotCoalesced::kNone};
}

NotCoalesced BatchPlan::bind(const Shape& shape) {
  kind_ = shape.kind;
  gives_rows_ = !shape.returning.empty();
  if (facts_.foreign_keys) return NotCoalesced::kConstraints;
  if (engine::folded_name(engine::quote_name(facts_.name)).starts_with("merganser_")) return NotCoalesced::kTable;
  // Equal by collation is not equal by bytes.
  if (kind_ != ShapeKind::kInsert && facts_.collations) return NotCoalesced::kConstraints;
  // In which order an upsert draws numbers is DuckDB's own affair.
  if (kind_ == ShapeKind::kUpsert && facts_.sequences) return NotCoalesced::kConstraints;
  if (kind_ != ShapeKind::kInsert && facts_.unclear_index) return NotCoalesced::kConstraints;
  const NotCoalesced why =
      kind_ == ShapeKind::kInsert || kind_ == ShapeKind::kUpsert ? bind_insert(shape) : bind_conditions(shape);
  if (why != NotCoalesced::kNone) return why;
  bind_returning(shape);
  if (by_count_ && kind_ == ShapeKind::kUpsert) bind_update_first(shape);
  digest_ = engine::Flight::of_text(sql_over("a batch"));
  return NotCoalesced::kNone;
}

void BatchPlan::bind_returning(const Shape& shape) {
  for (size_t i = 0; i < returned_keys(); i++) {
    if (i > 0) returned_keys_ += ", ";
    const auto column = facts_.find(engine::folded_name(shape.slots[carried_[key_[i]]].column));
    // INSERT without a list of columns names them by position.
    returned_keys_ += engine::quote_name(facts_.columns[column.value_or(carried_[key_[i]])].name);
  }
  by_count_ = !gives_rows_ && mostly_meets_every_row(shape, key_.size());
  if (by_count_ || (shape.returning.empty() && returned_keys_.empty())) return;
  after_ += " RETURNING " + shape.returning;
  if (gives_rows_ && !returned_keys_.empty()) after_ += ", ";
  after_ += returned_keys_;
}

// ON CONFLICT DO UPDATE SET …, said as UPDATE … FROM (the batch) AS excluded. What is meant otherwise there than here
// (a column's name without its table's) does not prepare.
void BatchPlan::bind_update_first(const Shape& shape) {
  // A default that cannot be evaluated is an error of the INSERT, also of a row that is there.
  if (facts_.defaults && carried_.size() != facts_.columns.size()) return;
  std::string source;
  std::string replaced;
  std::vector<std::string> names;
  for (size_t i = 0; i < carried_.size(); i++) {
    if (!types_[i]->alias.empty() && types_[i]->alias != "JSON") return;
    const auto column = facts_.find(engine::folded_name(shape.slots[carried_[i]].column));
    names.push_back(engine::quote_name(facts_.columns[column.value_or(carried_[i])].name));
    source += source.empty() ? "" : ", ";
    source +=
        "CAST(" + batch_cell(i, shape.slots[carried_[i]].cast) + " AS " + types_[i]->to_sql() + ") AS " + names[i];
    if (std::find(key_.begin(), key_.end(), i) != key_.end()) continue;
    replaced += (replaced.empty() ? "" : ", ") + names[i] + " = excluded." + names[i];
  }
  const std::vector<engine::Token> tail = engine::tokenize(shape.tail);
  const auto set = std::find_if(tail.begin(), tail.end(), [](const auto& token) { return token.is_word("set"); });
  const std::string sets = set == tail.end() ? replaced : shape.tail.substr(set->offset + set->text.size());
  if (sets.empty()) return;
  update_before_ = "UPDATE " + facts_.sql_name(database_) + " SET " + sets + " FROM (SELECT " + source + " FROM ";
  update_after_ = ") AS excluded WHERE ";
  for (size_t i = 0; i < key_.size(); i++) {
    update_after_ += (i == 0 ? "" : " AND ") + engine::quote_name(facts_.name) + "." + names[key_[i]] + " = excluded." +
                     names[key_[i]];
  }
  rest_before_ = "INSERT INTO" + before_.substr(shape.head.size());
}

bool BatchPlan::expects_rows_there() {
  if (expects_new_ == 0) return true;
  expects_new_--;
  return false;
}

// An upsert that met new rows expects more in the next batch, and each time for twice as many.
void BatchPlan::met_rows(bool all) {
  patience_ = all ? 1 : std::min(2 * patience_, kMaxBatchesWithNewRows);
  if (!all) expects_new_ = patience_;
}

void BatchPlan::return_keys() {
  by_count_ = false;
  after_ += " RETURNING " + returned_keys_;
  prepared_.clear();
  failed_.clear();
}

NotCoalesced BatchPlan::bind_insert(const Shape& shape) {
  if (!shape.has_column_list && (facts_.generated_columns || shape.slots.size() != facts_.columns.size())) {
    return NotCoalesced::kTable;
  }
  std::vector<size_t> columns;  // of the table, for each carried slot
  std::vector<size_t> named;    // DEFAULT ones too
  std::string names;
  std::string select;
  for (size_t i = 0; i < shape.slots.size(); i++) {
    const BatchSlot& slot = shape.slots[i];
    const auto column =
        shape.has_column_list ? facts_.find(engine::folded_name(slot.column)) : std::optional<size_t>(i);
    if (!column) return NotCoalesced::kTable;
    if (std::find(named.begin(), named.end(), *column) != named.end()) return NotCoalesced::kTable;
    named.push_back(*column);
    if (slot.is_default) {
      // OR REPLACE writes the default, and would not if the column were left out; a generated column takes none.
      if (kind_ == ShapeKind::kUpsert) return NotCoalesced::kExpression;
      if (facts_.generated_columns) return NotCoalesced::kTable;
      continue;
    }
    if (!columns.empty()) {
      names += ", ";
      select += ", ";
    }
    names += engine::quote_name(facts_.columns[*column].name);
    select += batch_cell(carried_.size(), slot.cast);
    carried_.push_back(i);
    types_.push_back(facts_.columns[*column].type);
    columns.push_back(*column);
  }
  if (carried_.empty()) return NotCoalesced::kGrammar;
  before_ = shape.head + " " + facts_.sql_name(database_) + " (" + names + ") SELECT " + select + " FROM ";
  if (!shape.tail.empty()) after_ = " " + shape.tail;
  const bool upsert = kind_ == ShapeKind::kUpsert;
  if (upsert && facts_.unique_keys.size() != 1) return NotCoalesced::kConstraints;
  if (facts_.unique_keys.size() != 1 || facts_.collations) return NotCoalesced::kNone;
  for (const size_t column : facts_.unique_keys[0]) {
    const auto it = std::find(columns.begin(), columns.end(), column);
    const bool usable = it != columns.end() && has_bytewise_equality(*facts_.columns[column].type);
    if (!usable) {
      key_.clear();
      return upsert ? NotCoalesced::kKey : NotCoalesced::kNone;
    }
    const std::string& name = facts_.columns[column].name;
    for (const std::string& set : shape.set_columns) {
      if (facts_.find(set) == facts_.find(name)) return NotCoalesced::kKey;
    }
    key_.push_back(static_cast<size_t>(it - columns.begin()));
  }
  key_columns_ = facts_.unique_keys[0];
  return NotCoalesced::kNone;
}

NotCoalesced BatchPlan::bind_conditions(const Shape& shape) {
  for (const std::string& set : shape.set_columns) {
    const auto column = facts_.find(set);
    if (!column) return NotCoalesced::kTable;
    for (const auto& unique : facts_.unique_keys) {
      if (std::find(unique.begin(), unique.end(), *column) != unique.end()) return NotCoalesced::kKey;
    }
  }
  std::vector<size_t> columns;
  first_condition_ = shape.slots.size() - shape.conditions;
  for (size_t i = 0; i < shape.slots.size(); i++) {
    const auto column = facts_.find(engine::folded_name(shape.slots[i].column));
    if (!column) return NotCoalesced::kTable;
    if (i >= first_condition_ && !has_bytewise_equality(*facts_.columns[*column].type)) return NotCoalesced::kType;
    carried_.push_back(i);
    types_.push_back(facts_.columns[*column].type);
    columns.push_back(*column);
  }
  // Some unique key has to be named whole.
  for (const auto& unique : facts_.unique_keys) {
    std::vector<size_t> key;
    for (const size_t column : unique) {
      const auto it = std::find(columns.begin() + static_cast<std::ptrdiff_t>(first_condition_), columns.end(), column);
      if (it != columns.end()) key.push_back(static_cast<size_t>(it - columns.begin()));
    }
    if (key.size() == unique.size()) {
      key_ = std::move(key);
      key_columns_ = unique;
      break;
    }
  }
  if (key_.empty()) return NotCoalesced::kKey;
  std::string where;
  for (size_t i = first_condition_; i < carried_.size(); i++) {
    where += i == first_condition_ ? " AS merganser_batch WHERE " : " AND ";
    where += engine::quote_name(facts_.name) + "." + engine::quote_name(facts_.columns[columns[i]].name) + " = " +
             "merganser_batch." + engine::BatchSource::column_name(i);
  }
  after_ = where;
  if (kind_ == ShapeKind::kDelete) {
    before_ = "DELETE FROM " + facts_.sql_name(database_) + " USING ";
    return NotCoalesced::kNone;
  }
  before_ = "UPDATE " + facts_.sql_name(database_) + " ";
  size_t slot = 0;
  for (const char c : shape.head) {
    if (c != '\x01') {
      before_ += c;
    } else if (slot == first_condition_) {
      return NotCoalesced::kGrammar;
    } else {
      before_ += "merganser_batch." + batch_cell(slot, shape.slots[slot].cast);
      slot++;
    }
  }
  before_ += " FROM ";
  return slot == first_condition_ ? NotCoalesced::kNone : NotCoalesced::kGrammar;
}

std::string BatchPlan::sql_over(const std::string& source) const {
  return before_ + source + after_;
}

BatchPlan::Prepared* BatchPlan::find(const Layout& layout) {
  const auto fits = [&](const Prepared& known) {
    for (size_t i = 0; i < layout.size(); i++) {
      if (layout[i] && layout[i] != known.layout[i]) return false;
    }
    return true;
  };
  for (const auto& known : prepared_) {
    if (!fits(*known)) continue;
    known->used = ++clock_;
    return known.get();
  }
  return nullptr;
}

Result<BatchPlan::Prepared*> BatchPlan::prepare(const Layout& layout) {
  if (Prepared* known = find(layout)) return known;
  if (std::find(failed_.begin(), failed_.end(), layout) != failed_.end()) {
    return make_error(ErrorCode::kInternalError, "this batch could not be prepared before");
  }
  auto made = make(layout);
  if (!made.ok()) {
    if (failed_.size() >= kLayouts) failed_.clear();
    failed_.push_back(layout);
    return made.error();
  }
  if (prepared_.size() >= kLayouts) {
    prepared_.erase(std::min_element(prepared_.begin(), prepared_.end(),
                                     [](const auto& a, const auto& b) { return a->used < b->used; }));
  }
  prepared_.push_back(std::move(made).value());
  return prepared_.back().get();
}

Result<std::unique_ptr<BatchPlan::Prepared>> BatchPlan::make(const Layout& layout) {
  auto made = std::make_unique<Prepared>();
  std::vector<engine::BatchColumn> columns;
  for (size_t i = 0; i < layout.size(); i++) {
    columns.push_back(layout[i] ? *layout[i] : natural_column(*types_[i]));
    made->layout.emplace_back(columns.back());
  }
  made->source = function_.make_source(connection_, std::move(columns));
  made->used = ++clock_;
  const std::string sql = sql_over(made->source->sql());
  if (!scans_table()) {
    MERGANSER_ASSIGN(made->statement, connection_.prepare(sql));
  } else {
    const Status touched = touch();
    auto prepared =
        touched.ok() ? connection_.prepare(sql) : Result<std::unique_ptr<engine::Prepared>>(touched.error());
    connection_.rollback();
    MERGANSER_ASSIGN(made->statement, std::move(prepared));
    if (by_count_ && !update_before_.empty()) prepare_update_first(*made);
  }
  return made;
}

// A table with changes of this transaction's own shows the planner no statistics.
Status BatchPlan::touch() {
  MERGANSER_TRY(connection_.begin());
  return connection_.execute("DELETE FROM " + facts_.sql_name(database_) + " WHERE false");
}

// It may fail: then the upsert runs as it was written.
void BatchPlan::prepare_update_first(Prepared& made) {
  const std::string source = made.source->sql();
  if (touch().ok()) {
    auto update = connection_.prepare(update_before_ + source + update_after_);
    auto rest = connection_.prepare(rest_before_ + source + " ON CONFLICT DO NOTHING");
    if (update.ok() && rest.ok()) {
      made.update = std::move(update).value();
      made.insert_rest = std::move(rest).value();
    }
  }
  connection_.rollback();
}

void BatchPlan::make_again(uint64_t rows_now) {
  prepared_.clear();
  rows_then_ = rows_now;
}

}  // namespace merganser::coordinator
