#include "engine/error_map.h"

#include <array>
#include <nlohmann/json.hpp>

#include "engine/raw.h"

namespace merganser::engine {
namespace {

struct Pattern {
  int kind;               // duckdb_error_type, or -1 for any
  std::string_view part;  // of the message
  ErrorCode code;
  std::string_view hint;
};

using enum ErrorCode;

constexpr std::string_view kRetryHint = "Run the transaction again.";

// First match wins.
constexpr Pattern kPatterns[] = {
    {DUCKDB_ERROR_CONSTRAINT, "NOT NULL constraint failed", kNotNullViolation, ""},
    {DUCKDB_ERROR_CONSTRAINT, "CHECK constraint failed", kCheckViolation, ""},
    {DUCKDB_ERROR_CONSTRAINT, "foreign key constraint", kForeignKeyViolation, ""},
    {DUCKDB_ERROR_CONSTRAINT, "still referenced by a foreign key", kForeignKeyViolation, ""},
    {DUCKDB_ERROR_CONSTRAINT, "primary key constraint", kUniqueViolation, ""},
    {DUCKDB_ERROR_CONSTRAINT, "unique constraint", kUniqueViolation, ""},
    {DUCKDB_ERROR_CONSTRAINT, "PRIMARY KEY or UNIQUE constraint violation", kUniqueViolation, ""},
    {DUCKDB_ERROR_CONSTRAINT, "Duplicate key", kUniqueViolation, ""},
    {DUCKDB_ERROR_CONSTRAINT, "duplicate key", kUniqueViolation, ""},
    {-1, "transaction is launched in read-only mode", kReadOnlyTransaction,
     "Begin a transaction that may write: BEGIN READ WRITE."},
    {-1, "Unique file handle conflict", kInsufficientPrivilege, "Files are not for clients of a shared database."},
    {-1, "Prepared statement", kInvalidStatementName, ""},
    {-1, "Current transaction is aborted", kInFailedTransaction, "End it with ROLLBACK."},
    {-1, "in a transaction that has already modified database", kFeatureNotSupported,
     "One transaction writes one file; use two transactions."},
    {-1, "Conflict on", kSerializationFailure, kRetryHint},
    {-1, "write-write conflict", kSerializationFailure, kRetryHint},
    {-1, "Transaction conflict", kSerializationFailure, kRetryHint},
    {-1, "another transaction", kSerializationFailure, kRetryHint},
    {-1, "No space left on device", kDiskFull, "Free space on the disk that holds the database file, then try again."},
    {-1, "Disk quota exceeded", kDiskFull, "Free space or raise the quota, then try again."},
    // What the catalog's own macros say (pg_catalog/catalog_functions.sql).
    {DUCKDB_ERROR_INVALID_INPUT, "relation \"", kUndefinedTable, ""},
    {DUCKDB_ERROR_INVALID_INPUT, "type \"", kUndefinedObject, ""},
    {DUCKDB_ERROR_INVALID_INPUT, "unrecognized configuration parameter", kUndefinedObject, ""},
    {DUCKDB_ERROR_CATALOG, "already exists", kDuplicateObject, ""},
    {DUCKDB_ERROR_CATALOG, "does not exist", kUndefinedObject, ""},
    {DUCKDB_ERROR_BINDER, "Ambiguous reference", kAmbiguousColumn, ""},
    {DUCKDB_ERROR_BINDER, "must appear in the GROUP BY clause", kGroupingError, ""},
    {DUCKDB_ERROR_BINDER, "No function matches", kUndefinedFunction, ""},
    {DUCKDB_ERROR_BINDER, "not found in FROM clause", kUndefinedColumn, ""},
    {DUCKDB_ERROR_BINDER, "does not have a column", kUndefinedColumn, ""},
    {DUCKDB_ERROR_BINDER, "Referenced column", kUndefinedColumn, ""},
    {DUCKDB_ERROR_BINDER, "Referenced update column", kUndefinedColumn, ""},
    {DUCKDB_ERROR_BINDER, "Referenced table", kUndefinedTable, ""},
    {DUCKDB_ERROR_BINDER, "does not exist", kUndefinedObject, ""},
    {DUCKDB_ERROR_BINDER, "already exists", kDuplicateObject, ""},
    {DUCKDB_ERROR_BINDER, "explicit cast", kDatatypeMismatch, ""},
    {DUCKDB_ERROR_CONVERSION, "out of range", kNumericOutOfRange, ""},
    {DUCKDB_ERROR_CONVERSION, "field value out of range", kDatetimeOverflow, ""},
    {DUCKDB_ERROR_CONVERSION, "date field format", kInvalidDatetimeFormat, ""},
    {DUCKDB_ERROR_CONVERSION, "timestamp field format", kInvalidDatetimeFormat, ""},
    {DUCKDB_ERROR_CONVERSION, "time field format", kInvalidDatetimeFormat, ""},
    {DUCKDB_ERROR_CATALOG, "main key table of the table", kDependentObjects, "Drop the tables that refer to it first."},
    {DUCKDB_ERROR_DEPENDENCY, "", kDependentObjects, "Drop what depends on it first, or use CASCADE."},
};

// Where no text decides, the type does.
ErrorCode code_of_kind(int kind) {
  switch (kind) {
    case DUCKDB_ERROR_OUT_OF_RANGE:
      return kNumericOutOfRange;
    case DUCKDB_ERROR_CONVERSION:
      return kInvalidTextRepresentation;
    case DUCKDB_ERROR_MISMATCH_TYPE:
      return kDatatypeMismatch;
    case DUCKDB_ERROR_DIVIDE_BY_ZERO:
      return kDivisionByZero;
    case DUCKDB_ERROR_INVALID_TYPE:
      return kDatatypeMismatch;
    case DUCKDB_ERROR_NOT_IMPLEMENTED:
      return kFeatureNotSupported;
    case DUCKDB_ERROR_EXPRESSION:
      return kSyntaxErrorOrAccessRule;
    case DUCKDB_ERROR_CATALOG:
      return kUndefinedObject;
    case DUCKDB_ERROR_PARSER:
      return kSyntaxError;
    case DUCKDB_ERROR_SYNTAX:
      return kSyntaxError;
    case DUCKDB_ERROR_BINDER:
      return kSyntaxErrorOrAccessRule;
    case DUCKDB_ERROR_CONSTRAINT:
      return kIntegrityViolation;
    case DUCKDB_ERROR_TRANSACTION:
      return kInvalidTransactionState;
    case DUCKDB_ERROR_IO:
      return kIoError;
    case DUCKDB_ERROR_INTERRUPT:
      return kQueryCanceled;
    case DUCKDB_ERROR_PERMISSION:
      return kInsufficientPrivilege;
    case DUCKDB_ERROR_OUT_OF_MEMORY:
      return kOutOfMemory;
    case DUCKDB_ERROR_PARAMETER_NOT_RESOLVED:
      return kIndeterminateDatatype;
    case DUCKDB_ERROR_PARAMETER_NOT_ALLOWED:
      return kInvalidParameterValue;
    case DUCKDB_ERROR_INVALID_INPUT:
      return kInvalidParameterValue;
    case DUCKDB_INVALID_CONFIGURATION:
      return kInvalidParameterValue;
    case DUCKDB_ERROR_MISSING_EXTENSION:
      return kFeatureNotSupported;
    case DUCKDB_ERROR_DEPENDENCY:
      return kDependentObjects;
    case DUCKDB_ERROR_SETTINGS:
      return kInvalidParameterValue;
    default:
      return kInternalError;
  }
}

// What a catalog error is about is in its "type" field: Table, Scalar Function, Schema …
ErrorCode refine_catalog(ErrorCode code, std::string_view entry) {
  const bool exists = code == kDuplicateObject;
  if (entry == "Table" || entry == "View") return exists ? kDuplicateTable : kUndefinedTable;
  if (entry == "Schema") return exists ? kDuplicateSchema : kInvalidSchemaName;
  if (entry.find("Function") != std::string_view::npos || entry == "Macro") return exists ? code : kUndefinedFunction;
  return code;
}

std::string_view entry_of_message(std::string_view message) {
  constexpr std::string_view with = " with name ";
  const size_t at = message.find(with);
  return at == std::string_view::npos ? std::string_view() : message.substr(0, at);
}

// DuckDB counts bytes from 0, PostgreSQL characters from 1.
int character_position(std::string_view statement, size_t byte) {
  if (byte > statement.size()) return 0;
  int characters = 1;
  for (size_t i = 0; i < byte; i++) {
    if ((static_cast<unsigned char>(statement[i]) & 0xC0) != 0x80) characters++;
  }
  return characters;
}

void split_lines(std::string_view text, Error& error) {
  const size_t line_note = text.find("\n\nLINE ");
  if (line_note != std::string_view::npos) text = text.substr(0, line_note);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  const size_t newline = text.find('\n');
  error.message = text.substr(0, newline);
  if (newline == std::string_view::npos) return;
  const std::string_view rest = text.substr(newline + 1);
  const bool suggests = rest.starts_with("Did you mean") || rest.starts_with("Candidate") || rest.starts_with("HINT");
  (suggests ? error.hint : error.detail) = rest;
}

std::string_view without_prefix(std::string_view text) {
  // "Constraint Error: …" as the plain form begins.
  const size_t at = text.find(" Error: ");
  return at != std::string_view::npos && at < 40 ? text.substr(at + 8) : text;
}

}  // namespace

Error map_error(std::string_view text, int kind, std::string_view statement) {
  Error error;
  std::string entry;
  const size_t brace = text.find('{');
  nlohmann::json json;
  if (brace != std::string_view::npos && brace < 40 && text.find("\"exception_message\"") != std::string_view::npos) {
    json = nlohmann::json::parse(text.substr(brace), nullptr, false);
  }
  if (json.is_object()) {
    const auto field = [&](const char* key) {
      const auto it = json.find(key);
      return it != json.end() && it->is_string() ? it->get<std::string>() : std::string();
    };
    // Some errors are wrapped in another whose message is the JSON of the first.
    for (std::string inner = field("exception_message"); inner.starts_with("{\"exception_type\"");) {
      json = nlohmann::json::parse(inner, nullptr, false);
      if (!json.is_object()) break;
      inner = field("exception_message");
    }
    split_lines(field("exception_message"), error);
    entry = field("type");
    const std::string position = field("position");
    if (!position.empty() && position.size() < 10 && position.find_first_not_of("0123456789") == std::string::npos) {
      // The parser counts characters, all others bytes.
      const size_t at = std::stoul(position);
      error.position = kind == DUCKDB_ERROR_PARSER ? static_cast<int>(at) + 1 : character_position(statement, at);
    }
  } else {
    split_lines(without_prefix(text), error);
  }
  const std::string whole = error.message + "\n" + error.detail;
  error.code = code_of_kind(kind);
  for (const Pattern& pattern : kPatterns) {
    if ((pattern.kind != -1 && pattern.kind != kind) || whole.find(pattern.part) == std::string::npos) continue;
    error.code = pattern.code;
    if (error.hint.empty()) error.hint = pattern.hint;
    break;
  }
  if (entry.empty()) entry = entry_of_message(error.message);
  error.code = refine_catalog(error.code, entry);
  if (error.message.empty()) error.message = "DuckDB reported an error without a text";
  return error;
}

int error_kind_of_text(std::string_view text) {
  struct Named {
    std::string_view name;
    int kind;
  };
  static constexpr Named kNames[] = {
      {"Constraint", DUCKDB_ERROR_CONSTRAINT},
      {"Conversion", DUCKDB_ERROR_CONVERSION},
      {"Parser", DUCKDB_ERROR_PARSER},
      {"Syntax", DUCKDB_ERROR_SYNTAX},
      {"Binder", DUCKDB_ERROR_BINDER},
      {"Catalog", DUCKDB_ERROR_CATALOG},
      {"Out of Range", DUCKDB_ERROR_OUT_OF_RANGE},
      {"TransactionContext", DUCKDB_ERROR_TRANSACTION},
      {"Transaction", DUCKDB_ERROR_TRANSACTION},
      {"Not implemented", DUCKDB_ERROR_NOT_IMPLEMENTED},
      {"Invalid Input", DUCKDB_ERROR_INVALID_INPUT},
      {"IO", DUCKDB_ERROR_IO},
      {"INTERRUPT", DUCKDB_ERROR_INTERRUPT},
      {"Permission", DUCKDB_ERROR_PERMISSION},
      {"Out of Memory", DUCKDB_ERROR_OUT_OF_MEMORY},
      {"Dependency", DUCKDB_ERROR_DEPENDENCY},
      {"Mismatch Type", DUCKDB_ERROR_MISMATCH_TYPE},
      {"Invalid Type", DUCKDB_ERROR_INVALID_TYPE},
      {"Missing Extension", DUCKDB_ERROR_MISSING_EXTENSION},
      {"Parameter Not Resolved", DUCKDB_ERROR_PARAMETER_NOT_RESOLVED},
      {"Parameter Not Allowed", DUCKDB_ERROR_PARAMETER_NOT_ALLOWED},
      {"Divide by Zero", DUCKDB_ERROR_DIVIDE_BY_ZERO},
      {"Invalid Configuration", DUCKDB_INVALID_CONFIGURATION},
      {"Sequence", DUCKDB_ERROR_SEQUENCE},
      {"Expression", DUCKDB_ERROR_EXPRESSION},
      {"Serialization", DUCKDB_ERROR_SERIALIZATION},
      {"FATAL", DUCKDB_ERROR_FATAL},
      {"INTERNAL", DUCKDB_ERROR_INTERNAL},
  };
  constexpr std::string_view key = "{\"exception_type\":\"";
  const size_t json = text.find(key);
  const std::string_view from = json != std::string_view::npos && json < 40 ? text.substr(json + key.size()) : text;
  for (const Named& named : kNames) {
    if (!from.starts_with(named.name)) continue;
    const std::string_view after = from.substr(named.name.size());
    if (after.starts_with("\"") || after.starts_with(" Error")) return named.kind;
  }
  return DUCKDB_ERROR_INVALID;
}

bool is_fatal_error(std::string_view text, int kind) {
  return kind == DUCKDB_ERROR_FATAL || kind == DUCKDB_ERROR_INTERNAL ||
         text.find("database has been invalidated") != std::string_view::npos;
}

bool is_conflict(const Error& error) {
  return error.code == ErrorCode::kSerializationFailure;
}

bool is_write_in_read_only(const Error& error) {
  return error.code == ErrorCode::kReadOnlyTransaction;
}

}  // namespace merganser::engine
