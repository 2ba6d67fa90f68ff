// Names of the file's own views and macros whose text the allow list has to know of: those that call what clients may
// not call, and those that ask for the time.
//
// A statement that only names such a view would pass the look at its text. Threads: immutable once made.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace merganser::engine {

class Connection;

struct CatalogNames {
  std::set<std::string, std::less<>> refused;         // lower case
  std::set<std::string, std::less<>> time_dependent;  // likewise
  bool has_public_schema = false;                     // then public is no name for main
  bool empty() const { return refused.empty() && time_dependent.empty(); }
};
using CatalogNamesPtr = std::shared_ptr<const CatalogNames>;

// Looks at all views and macros that a client can have made, through each other too.
Result<CatalogNamesPtr> scan_catalog_names(Connection& connection);

}  // namespace merganser::engine
