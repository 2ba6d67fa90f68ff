// C++ with libpq: interactive transactions of 25 flights by a prepared statement, and the totals that they change.
//
// Takes the arguments and prints the JSON lines that worker.py describes. One thread.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <libpq-fe.h>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kColumns = 20;
constexpr size_t kOrigin = 13;
constexpr size_t kRowsPerTransaction = 25;
constexpr size_t kKeptErrors = 3;
constexpr auto kProgressInterval = std::chrono::milliseconds(500);

using Row = std::vector<std::optional<std::string>>;
using ResultPtr = std::unique_ptr<PGresult, decltype(&PQclear)>;
using ConnectionPtr = std::unique_ptr<PGconn, decltype(&PQfinish)>;

struct Counts {
  long rows = 0;
  long updates = 0;
  long reads = 0;
  long errors = 0;
  std::vector<double> write_ms;
  std::vector<double> read_ms;
  std::vector<std::string> first_errors;
};

std::string json_string(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + '"';
}

std::string json_counts(const Counts& counts) {
  std::ostringstream out;
  out << "{\"rows\": " << counts.rows << ", \"updates\": " << counts.updates << ", \"reads\": " << counts.reads
      << ", \"errors\": " << counts.errors;
  return out.str();
}

std::string json_percentiles(std::vector<double> samples) {
  if (samples.empty()) return "null";
  std::sort(samples.begin(), samples.end());
  const auto at = [&](double share) {
    return samples[std::min(samples.size() - 1, static_cast<size_t>(share * static_cast<double>(samples.size())))];
  };
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "[%.2f, %.2f]", at(0.5), at(0.99));
  return text.data();
}

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

class Writer {
 public:
  Writer(PGconn* connection, const std::string& acks) : connection_(connection), acks_(acks) {}

  bool prepare() {
    std::string insert = "INSERT INTO flights VALUES (";
    for (int i = 1; i <= kColumns; ++i) insert += (i > 1 ? ", $" : "$") + std::to_string(i);
    return expect(PQprepare(connection_, "flight", (insert + ")").c_str(), 0, nullptr), PGRES_COMMAND_OK) &&
           expect(PQprepare(connection_, "total", "UPDATE totals SET flights = flights + $1 WHERE origin = $2", 0,
                            nullptr),
                  PGRES_COMMAND_OK) &&
           expect(PQprepare(connection_, "back", "SELECT count(*) FROM flights WHERE id BETWEEN $1 AND $2", 0, nullptr),
                  PGRES_COMMAND_OK);
  }

  // BEGIN … COMMIT around the rows and the totals. Nothing is logged as acknowledged before COMMIT's own answer.
  bool write(const std::vector<Row>& rows) {
    std::map<std::string, long> per_origin;
    for (const Row& row : rows) ++per_origin[*row[kOrigin]];
    const auto start = Clock::now();
    bool ok = command("BEGIN");
    for (size_t i = 0; ok && i < rows.size(); ++i) ok = expect(execute("flight", rows[i]), PGRES_COMMAND_OK);
    for (auto it = per_origin.begin(); ok && it != per_origin.end(); ++it) {
      ok = expect(execute("total", {std::to_string(it->second), it->first}), PGRES_COMMAND_OK);
    }
    ok = ok && command("COMMIT");
    if (!ok) {
      PQclear(PQexec(connection_, "ROLLBACK"));
      return false;
    }
    counts_.write_ms.push_back(milliseconds_since(start));
    counts_.rows += static_cast<long>(rows.size());
    counts_.updates += static_cast<long>(per_origin.size());
    acks_ << "flights," << *rows.front()[0] << ',' << *rows.back()[0] << '\n';
    for (const auto& [origin, count] : per_origin) acks_ << "totals,flights," << origin << ',' << count << '\n';
    acks_.flush();
    return true;
  }

  void read_back(const std::vector<Row>& rows) {
    const auto start = Clock::now();
    const ResultPtr result = execute("back", {rows.front()[0], rows.back()[0]});
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
      note_error(PQerrorMessage(connection_));
      return;
    }
    counts_.read_ms.push_back(milliseconds_since(start));
    ++counts_.reads;
    const std::string found = PQgetvalue(result.get(), 0, 0);
    if (found != std::to_string(rows.size())) note_error("wrote " + std::to_string(rows.size()) + ", read " + found);
  }

  void show_progress() {
    if (Clock::now() - shown_ < kProgressInterval) return;
    shown_ = Clock::now();
    std::cout << json_counts(counts_) << '}' << std::endl;
  }

  void finish() {
    std::cout << json_counts(counts_) << ", \"end\": true, \"write_ms\": " << json_percentiles(counts_.write_ms)
              << ", \"read_ms\": " << json_percentiles(counts_.read_ms) << ", \"first_errors\": [";
    for (size_t i = 0; i < counts_.first_errors.size(); ++i) {
      std::cout << (i > 0 ? ", " : "") << json_string(counts_.first_errors[i]);
    }
    std::cout << "]}" << std::endl;
  }

  bool connected() const { return PQstatus(connection_) == CONNECTION_OK; }

  bool command(const std::string& text) {
    return expect(ResultPtr(PQexec(connection_, text.c_str()), PQclear), PGRES_COMMAND_OK);
  }

 private:
  ResultPtr execute(const char* statement, const Row& values) {
    std::vector<const char*> pointers;
    pointers.reserve(values.size());
    for (const auto& value : values) pointers.push_back(value ? value->c_str() : nullptr);
    return {
        PQexecPrepared(connection_, statement, static_cast<int>(pointers.size()), pointers.data(), nullptr, nullptr, 0),
        PQclear};
  }

  bool expect(PGresult* result, ExecStatusType wanted) { return expect(ResultPtr(result, PQclear), wanted); }
  bool expect(const ResultPtr& result, ExecStatusType wanted) {
    if (PQresultStatus(result.get()) == wanted) return true;
    note_error(PQerrorMessage(connection_));
    return false;
  }

  void note_error(std::string text) {
    ++counts_.errors;
    if (counts_.first_errors.size() < kKeptErrors) counts_.first_errors.push_back(std::move(text));
  }

  PGconn* connection_;
  std::ofstream acks_;
  Counts counts_;
  Clock::time_point shown_ = Clock::now();
};

// One line of the CSV file as the table has it: its number, then its cells. The data has no quotes.
Row parse_line(long number, const std::string& line) {
  Row row{std::to_string(number)};
  std::istringstream cells(line);
  std::string cell;
  while (std::getline(cells, cell, ',')) {
    if (!cell.empty() && cell.back() == '\r') cell.pop_back();
    if (cell == "NA" || cell.empty()) {
      row.emplace_back(std::nullopt);
    } else {
      row.emplace_back(cell);
    }
  }
  return row;
}

// The first line that `merganser url FILE` prints; it starts the owner when none runs.
std::string url_of(const std::string& merganser, const std::string& file) {
  // The two words come from the demo's own script; quoting keeps blanks in a path whole.
  FILE* pipe = popen(("'" + merganser + "' url '" + file + "'").c_str(), "r");
  if (pipe == nullptr) return {};
  std::array<char, 4096> line{};
  const bool read = std::fgets(line.data(), line.size(), pipe) != nullptr;
  if (pclose(pipe) != 0 || !read) return {};
  std::string url = line.data();
  while (!url.empty() && (url.back() == '\n' || url.back() == '\r')) url.pop_back();
  return url;
}

int run(std::map<std::string, std::string>& options) {
  const ConnectionPtr connection(PQconnectdb(url_of(options["merganser"], options["file"]).c_str()), PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    std::cerr << PQerrorMessage(connection.get());
    return 1;
  }
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  std::ifstream schema_file(options["schema"]);
  const std::string schema{std::istreambuf_iterator<char>(schema_file), std::istreambuf_iterator<char>()};
  Writer writer(connection.get(), options["acks"]);
  if (!writer.command(schema) || !writer.prepare()) {
    writer.finish();
    return 1;
  }
  const auto deadline = Clock::now() + std::chrono::duration<double>(std::stod(options["seconds"]));
  const long first = std::stol(options["first"]);
  const long last = std::stol(options["last"]);
  std::ifstream data(options["data"] + "/flights.csv");
  std::string line;
  std::getline(data, line);
  std::vector<Row> rows;
  for (long number = 1; number <= last && std::getline(data, line); ++number) {
    if (number < first) continue;
    rows.push_back(parse_line(number, line));
    if (rows.size() < kRowsPerTransaction && number < last) continue;
    if (Clock::now() >= deadline || !writer.connected()) break;
    if (writer.write(rows)) writer.read_back(rows);
    writer.show_progress();
    rows.clear();
  }
  writer.finish();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> options;
  for (int i = 1; i + 1 < argc; i += 2) options[std::string(argv[i]).substr(2)] = argv[i + 1];
  for (const char* name : {"merganser", "file", "acks", "data", "schema", "first", "last", "seconds"}) {
    if (options[name].empty()) {
      std::cerr << "missing --" << name << "; tools/demo starts this program\n";
      return 2;
    }
  }
  return run(options);
}
