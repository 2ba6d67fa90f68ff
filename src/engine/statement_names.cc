#include "engine/statement_names.h"

namespace merganser::engine {

const NameSet& time_functions() {
  static const NameSet names{"now",
                             "current_timestamp",
                             "current_date",
                             "current_time",
                             "localtime",
                             "localtimestamp",
                             "transaction_timestamp",
                             "statement_timestamp",
                             "clock_timestamp",
                             "get_current_timestamp",
                             "get_current_time",
                             "current_localtime",
                             "current_localtimestamp",
                             "today",
                             "age",
                             "txid_current"};
  return names;
}

const NameSet& readable_pragmas() {
  static const NameSet names{"show_tables",   "show_tables_expanded", "show",     "table_info",
                             "database_list", "database_size",        "version",  "storage_info",
                             "functions",     "collations",           "platform", "user_agent",
                             "show_databases"};
  return names;
}

}  // namespace merganser::engine
