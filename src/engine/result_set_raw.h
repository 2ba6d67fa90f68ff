// The part of ResultSet that knows the C API, for this room alone.
#pragma once

#include "engine/flight.h"
#include "engine/raw.h"
#include "engine/result_set.h"
#include "engine/task_threads.h"

namespace merganser::engine {

struct ResultSet::Raw {
  duckdb_result result{};
  TaskThreads* threads = nullptr;  // of a streaming result, whose rows are made as they are asked for
  Flight* flight = nullptr;        // remembers who runs while they are made
  Flight::Digest digest{};         // of the statement
  bool is_long = false;            // they are worth the threads' help
  Raw() = default;
  ~Raw() { duckdb_destroy_result(&result); }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;
};

// The error that a failed result holds.
Error error_of(duckdb_result& result, std::string_view statement, bool& fatal);

}  // namespace merganser::engine
