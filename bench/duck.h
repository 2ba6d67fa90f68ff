// DuckDB's C API with as little around it as a program that measures needs. Any error ends the program: a wrong answer
// is not fast.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "duckdb.h"

namespace bench {

using Clock = std::chrono::steady_clock;

constexpr int kMaxClients = 1024;
constexpr char kPayload[] = "a row of the size that an application writes about itself: 80 characters of text..";

[[noreturn]] inline void die(const std::string& what) {
  std::cerr << what << "\n";
  std::_Exit(1);  // other threads may still use the database
}

inline double microseconds(Clock::duration elapsed) {
  return std::chrono::duration<double, std::micro>(elapsed).count();
}

class Database {
 public:
  explicit Database(const std::string& path) {
    char* problem = nullptr;
    if (duckdb_open_ext(path.c_str(), &database_, nullptr, &problem) != DuckDBSuccess) {
      die("cannot open " + path + ": " + (problem != nullptr ? problem : "no reason given"));
    }
  }
  ~Database() { duckdb_close(&database_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  duckdb_database get() const { return database_; }

 private:
  duckdb_database database_ = nullptr;
};

class Connection {
 public:
  explicit Connection(const Database& database) {
    if (duckdb_connect(database.get(), &connection_) != DuckDBSuccess) die("cannot connect");
  }
  ~Connection() {
    duckdb_destroy_prepare(&prepared_);
    duckdb_disconnect(&connection_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void prepare(const char* sql) {
    if (duckdb_prepare(connection_, sql, &prepared_) != DuckDBSuccess) die(duckdb_prepare_error(prepared_));
  }
  duckdb_prepared_statement prepared() const { return prepared_; }

  // Both answer how many rows were read: every byte of every value, as a client that shows them would.
  uint64_t execute() {
    duckdb_result result;
    if (duckdb_execute_prepared(prepared_, &result) != DuckDBSuccess) die(duckdb_result_error(&result));
    return read(result);
  }
  uint64_t query(const std::string& sql) {
    duckdb_result result;
    if (duckdb_query(connection_, sql.c_str(), &result) != DuckDBSuccess)
      die(sql + ": " + duckdb_result_error(&result));
    return read(result);
  }
  // For what may fail without spoiling the figure: false then, and why.
  bool try_query(const std::string& sql, std::string& why) {
    duckdb_result result;
    const bool ok = duckdb_query(connection_, sql.c_str(), &result) == DuckDBSuccess;
    if (ok) {
      (void)read(result);
    } else {
      why = duckdb_result_error(&result);
      duckdb_destroy_result(&result);
    }
    return ok;
  }
  uint64_t checksum() const { return checksum_; }

 private:
  uint64_t read(duckdb_result& result) {
    uint64_t rows = 0;
    const idx_t columns = duckdb_column_count(&result);
    while (duckdb_data_chunk chunk = duckdb_fetch_chunk(result)) {
      const idx_t size = duckdb_data_chunk_get_size(chunk);
      for (idx_t column = 0; column < columns; column++) {
        const duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, column);
        const bool text = duckdb_column_type(&result, column) == DUCKDB_TYPE_VARCHAR;
        for (idx_t row = 0; text && row < size; row++) {
          duckdb_string_t value = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector))[row];
          checksum_ += duckdb_string_t_length(value) + static_cast<unsigned char>(*duckdb_string_t_data(&value));
        }
        if (!text && size > 0) checksum_ += *static_cast<unsigned char*>(duckdb_vector_get_data(vector));
      }
      rows += size;
      duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&result);
    return rows;
  }

  duckdb_connection connection_ = nullptr;
  duckdb_prepared_statement prepared_ = nullptr;
  uint64_t checksum_ = 0;
};

// xorshift64*: cheap enough not to be part of what is measured.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
  uint64_t below(uint64_t limit) {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return (state_ * 0x2545F4914F6CDD1DULL >> 16) % limit;
  }

 private:
  uint64_t state_;
};

}  // namespace bench
