// What the catalog of pg_catalog.h has: the names of its relations and functions, read from its own text.
//
// Threads: immutable once made.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace merganser::engine {

// The parts of the catalog's text, in the order in which they are made.
struct PgCatalogTexts {
  std::string_view fixed[3];
  std::string_view file;
  std::string_view catalog[5];
};
const PgCatalogTexts& pg_catalog_texts();

class PgNames {
 public:
  struct Relation {
    std::string name;
    std::string columns;  // "oid oid,amname name,…": names and types of PostgreSQL's
    bool information = false;
  };
  // PostgreSQL's number of a relation of pg_catalog.
  std::string_view number_of(const std::string& relation) const;
  static const PgNames& get();

  // Of PostgreSQL's relations those that the text does not make.
  const std::vector<Relation>& undefined() const { return undefined_; }

  bool is_relation(std::string_view lower) const { return relations_.contains(std::string(lower)); }
  bool is_information_relation(std::string_view lower) const { return information_.contains(std::string(lower)); }
  bool is_function(std::string_view lower) const { return functions_.contains(std::string(lower)); }
  // Those of quoting and the like, which look nothing up.
  bool is_fixed_function(std::string_view lower) const { return fixed_functions_.contains(std::string(lower)); }

 private:
  PgNames();

  std::unordered_map<std::string, std::string> relations_;  // and their numbers
  std::unordered_set<std::string> information_;
  std::unordered_set<std::string> functions_;
  std::unordered_set<std::string> fixed_functions_;
  std::vector<Relation> undefined_;
};

}  // namespace merganser::engine
