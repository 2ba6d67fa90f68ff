// One error type for every room, and the one table that maps its codes to SQLSTATE and HTTP status.
//
// Threads: values; copy and move freely.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace merganser {

// What went wrong, in PostgreSQL's terms. Each entry has exactly one SQLSTATE and one HTTP status (see error.cc).
enum class ErrorCode : uint8_t {
  kSuccessfulCompletion,
  kWarning,           // 01000
  kIdempotentReplay,  // 00M01  ours: the answer of an earlier execution
  kWriteSkipped,      // 00M02  ours: another write with its dedup_key stood for it
  kWriteSuperseded,   // 00M03  ours: a newer write with its dedup_key took its place
  // class 08: connection
  kConnectionFailure,             // 08006
  kConnectionRejected,            // 08004
  kTransactionResolutionUnknown,  // 08007  sent to COMMIT, and nobody can say whether it happened
  kProtocolViolation,             // 08P01
  // class 0A
  kFeatureNotSupported,  // 0A000
  // class 22: data
  kDataException,                // 22000
  kStringTooLong,                // 22001
  kNumericOutOfRange,            // 22003
  kNullNotAllowed,               // 22004
  kInvalidDatetimeFormat,        // 22007
  kDatetimeOverflow,             // 22008
  kDivisionByZero,               // 22012
  kIntervalFieldOverflow,        // 22015
  kInvalidParameterValue,        // 22023
  kInvalidEscape,                // 22025
  kInvalidTextRepresentation,    // 22P02
  kInvalidBinaryRepresentation,  // 22P03
  kCharacterNotInRepertoire,     // 22021
  kBadCopyFileFormat,            // 22P04
  kIdempotencyKeyReused,         // 22M01  ours: with another request than the first
  // class 23: constraints
  kIntegrityViolation,   // 23000
  kNotNullViolation,     // 23502
  kForeignKeyViolation,  // 23503
  kUniqueViolation,      // 23505
  kCheckViolation,       // 23514
  // class 25: transaction state
  kInvalidTransactionState,   // 25000
  kActiveTransaction,         // 25001
  kReadOnlyTransaction,       // 25006
  kNoActiveTransaction,       // 25P01
  kInFailedTransaction,       // 25P02
  kIdleInTransactionTimeout,  // 25P03
  // class 26, 34, 28, 3B, 3D, 3F
  kInvalidStatementName,  // 26000
  kInvalidAuthorization,  // 28000
  kInvalidPassword,       // 28P01
  kInvalidCursorName,     // 34000
  kInvalidSavepoint,      // 3B001
  kInvalidCatalogName,    // 3D000
  kInvalidSchemaName,     // 3F000
  // class 40: retry
  kSerializationFailure,  // 40001
  kDeadlockDetected,      // 40P01
  // class 42: text of the statement
  kSyntaxErrorOrAccessRule,     // 42000
  kSyntaxError,                 // 42601
  kInsufficientPrivilege,       // 42501
  kUndefinedColumn,             // 42703
  kUndefinedFunction,           // 42883
  kUndefinedTable,              // 42P01
  kUndefinedParameter,          // 42P02
  kUndefinedObject,             // 42704
  kDuplicateColumn,             // 42701
  kDuplicateTable,              // 42P07
  kDuplicateSchema,             // 42P06
  kDuplicateObject,             // 42710
  kDuplicatePreparedStatement,  // 42P05
  kDuplicateCursor,             // 42P03
  kAmbiguousColumn,             // 42702
  kDatatypeMismatch,            // 42804
  kGroupingError,               // 42803
  kIndeterminateDatatype,       // 42P18
  kInvalidColumnReference,      // 42P10
  kWrongObjectType,             // 42809
  kDependentObjects,            // 2BP01
  // class 53: resources
  kInsufficientResources,       // 53000
  kDiskFull,                    // 53100
  kOutOfMemory,                 // 53200
  kTooManyConnections,          // 53300
  kConfigurationLimitExceeded,  // 53400
  // class 54
  kProgramLimitExceeded,  // 54000
  kStatementTooComplex,   // 54001
  // class 55
  kObjectNotInState,      // 55000
  kObjectInUse,           // 55006
  kLockNotAvailable,      // 55P03
  kIdempotentAnswerLost,  // 55M01  ours: executed before, its rows were not kept
  kStaleVersion,          // 55M02  ours: the row has another version than the change named
  kRowGone,               // 55M03  ours: there is no such row any more
  // class 57: operator
  kOperatorIntervention,  // 57000
  kQueryCanceled,         // 57014
  kAdminShutdown,         // 57P01
  kCrashShutdown,         // 57P02
  kCannotConnectNow,      // 57P03
  // class 58: system
  kSystemError,    // 58000
  kIoError,        // 58030
  kUndefinedFile,  // 58P01
  kDuplicateFile,  // 58P02
  // class F0, XX
  kConfigFileError,      // F0000
  kInternalError,        // XX000
  kDataCorrupted,        // XX001
  kStatementEndedOwner,  // XXM01  ours: owners died of it
};

std::string_view sqlstate(ErrorCode code);  // five characters, static storage
int http_status(ErrorCode code);
std::string_view code_name(ErrorCode code);  // PostgreSQL's condition name, e.g. "unique_violation"

struct Error {
  ErrorCode code = ErrorCode::kInternalError;
  std::string message;  // one line, no trailing full stop needed
  std::string detail;   // may be empty
  std::string hint;     // what to do next; may be empty
  int position = 0;     // 1-based character in the statement, 0 when unknown
  std::string context;  // where in the data: "COPY t, line 3"; may be empty

  // "message (detail). Hint: hint" for logs and terminals.
  std::string to_string() const;
};

inline Error make_error(ErrorCode code, std::string message, std::string detail = {}, std::string hint = {}) {
  return Error{code, std::move(message), std::move(detail), std::move(hint), 0, {}};
}

// An Error with errno's text as its detail. Disk-full and permission errors keep their own codes.
Error errno_error(int errnum, std::string message, std::string hint = {});

}  // namespace merganser
