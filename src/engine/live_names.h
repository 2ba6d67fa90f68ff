// merganser.activity and merganser.statistics, where a statement reads them as tables, become calls of our functions.
//
// Only what stands where a table is named counts: never a string, a column, an alias, the target of a change, or any
// other name of that schema. Threads: pure functions over values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace merganser::engine {

struct LiveRewrite {
  // Where one text was put in place of another, in characters, each text counted by itself.
  struct Edit {
    int new_begin;
    int new_end;
    int old_begin;
    int old_end;
  };
  std::string text;
  std::vector<Edit> edits;

  // The place in the client's text (from 1) of a place in ours; 0 stays 0.
  int client_position(int position) const;
};

// Nothing when the statement names none of them.
std::optional<LiveRewrite> rewrite_live_names(std::string_view sql);

// "merganser_activity", for the table called `name`.
std::string live_function(std::string_view name);

}  // namespace merganser::engine
