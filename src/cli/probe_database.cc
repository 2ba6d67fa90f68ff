#include "cli/probe_database.h"

#include <utility>

#include "cli/client_connection.h"
#include "cli/owner_access.h"
#include "engine/plain.h"

namespace merganser::cli {
namespace {

class InProcess : public ProbeDatabase {
 public:
  explicit InProcess(engine::PlainDatabase database) : database_(std::move(database)) {}
  Result<std::vector<Row>> run(const std::string& sql) override { return database_.run(sql); }
  bool alive() const override { return true; }

 private:
  engine::PlainDatabase database_;
};

class ThroughOwner : public ProbeDatabase {
 public:
  explicit ThroughOwner(ClientConnection connection) : connection_(std::move(connection)) {}

  Result<std::vector<Row>> run(const std::string& sql) override {
    MERGANSER_ASSIGN(const ResultPtr result, connection_.query(sql));
    std::vector<Row> rows;
    for (int row = 0; row < PQntuples(result.get()); ++row) {
      Row& values = rows.emplace_back();
      for (int column = 0; column < PQnfields(result.get()); ++column) {
        const bool null = PQgetisnull(result.get(), row, column) != 0;
        values.push_back(null ? std::nullopt : std::optional<std::string>(PQgetvalue(result.get(), row, column)));
      }
    }
    return rows;
  }
  bool alive() const override { return connection_.alive(); }

 private:
  ClientConnection connection_;
};

}  // namespace

Result<std::unique_ptr<ProbeDatabase>> ProbeDatabase::open(const ProbeOptions& options, const std::string& who) {
  if (options.backend == ProbeBackend::kDuckdb) {
    MERGANSER_ASSIGN(engine::PlainDatabase database, engine::PlainDatabase::open(options.file));
    return std::unique_ptr<ProbeDatabase>(std::make_unique<InProcess>(std::move(database)));
  }
  FileOptions file;
  file.file = options.file;
  file.config_flag = options.config_flag;
  file.conninfo = options.conninfo;
  MERGANSER_ASSIGN(ClientConnection connection, connect_to_owner(file, "merganser probe " + who));
  return std::unique_ptr<ProbeDatabase>(std::make_unique<ThroughOwner>(std::move(connection)));
}

}  // namespace merganser::cli
