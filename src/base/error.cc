#include "base/error.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace merganser {
namespace {

struct Row {
  ErrorCode code;
  std::string_view sqlstate;
  int http;
  std::string_view name;
};

using enum ErrorCode;

constexpr Row kTable[] = {
    {kSuccessfulCompletion, "00000", 200, "successful_completion"},
    {kWarning, "01000", 200, "warning"},
    {kIdempotentReplay, "00M01", 200, "idempotent_replay"},
    {kWriteSkipped, "00M02", 200, "write_skipped"},
    {kWriteSuperseded, "00M03", 200, "write_superseded"},
    {kConnectionFailure, "08006", 503, "connection_failure"},
    {kConnectionRejected, "08004", 503, "sqlserver_rejected_establishment_of_sqlconnection"},
    {kTransactionResolutionUnknown, "08007", 500, "transaction_resolution_unknown"},
    {kProtocolViolation, "08P01", 400, "protocol_violation"},
    {kFeatureNotSupported, "0A000", 501, "feature_not_supported"},
    {kDataException, "22000", 400, "data_exception"},
    {kStringTooLong, "22001", 400, "string_data_right_truncation"},
    {kNumericOutOfRange, "22003", 400, "numeric_value_out_of_range"},
    {kNullNotAllowed, "22004", 400, "null_value_not_allowed"},
    {kInvalidDatetimeFormat, "22007", 400, "invalid_datetime_format"},
    {kDatetimeOverflow, "22008", 400, "datetime_field_overflow"},
    {kDivisionByZero, "22012", 400, "division_by_zero"},
    {kIntervalFieldOverflow, "22015", 400, "interval_field_overflow"},
    {kInvalidParameterValue, "22023", 400, "invalid_parameter_value"},
    {kInvalidEscape, "22025", 400, "invalid_escape_sequence"},
    {kInvalidTextRepresentation, "22P02", 400, "invalid_text_representation"},
    {kInvalidBinaryRepresentation, "22P03", 400, "invalid_binary_representation"},
    {kCharacterNotInRepertoire, "22021", 400, "character_not_in_repertoire"},
    {kBadCopyFileFormat, "22P04", 400, "bad_copy_file_format"},
    {kIdempotencyKeyReused, "22M01", 422, "idempotency_key_reused"},
    {kIntegrityViolation, "23000", 409, "integrity_constraint_violation"},
    {kNotNullViolation, "23502", 409, "not_null_violation"},
    {kForeignKeyViolation, "23503", 409, "foreign_key_violation"},
    {kUniqueViolation, "23505", 409, "unique_violation"},
    {kCheckViolation, "23514", 409, "check_violation"},
    {kInvalidTransactionState, "25000", 409, "invalid_transaction_state"},
    {kActiveTransaction, "25001", 409, "active_sql_transaction"},
    {kReadOnlyTransaction, "25006", 403, "read_only_sql_transaction"},
    {kNoActiveTransaction, "25P01", 409, "no_active_sql_transaction"},
    {kInFailedTransaction, "25P02", 409, "in_failed_sql_transaction"},
    {kIdleInTransactionTimeout, "25P03", 408, "idle_in_transaction_session_timeout"},
    {kInvalidStatementName, "26000", 404, "invalid_sql_statement_name"},
    {kInvalidAuthorization, "28000", 401, "invalid_authorization_specification"},
    {kInvalidPassword, "28P01", 401, "invalid_password"},
    {kInvalidCursorName, "34000", 404, "invalid_cursor_name"},
    {kInvalidSavepoint, "3B001", 404, "invalid_savepoint_specification"},
    {kInvalidCatalogName, "3D000", 404, "invalid_catalog_name"},
    {kInvalidSchemaName, "3F000", 404, "invalid_schema_name"},
    {kSerializationFailure, "40001", 409, "serialization_failure"},
    {kDeadlockDetected, "40P01", 409, "deadlock_detected"},
    {kSyntaxErrorOrAccessRule, "42000", 400, "syntax_error_or_access_rule_violation"},
    {kSyntaxError, "42601", 400, "syntax_error"},
    {kInsufficientPrivilege, "42501", 403, "insufficient_privilege"},
    {kUndefinedColumn, "42703", 400, "undefined_column"},
    {kUndefinedFunction, "42883", 400, "undefined_function"},
    {kUndefinedTable, "42P01", 404, "undefined_table"},
    {kUndefinedParameter, "42P02", 400, "undefined_parameter"},
    {kUndefinedObject, "42704", 404, "undefined_object"},
    {kDuplicateColumn, "42701", 409, "duplicate_column"},
    {kDuplicateTable, "42P07", 409, "duplicate_table"},
    {kDuplicateSchema, "42P06", 409, "duplicate_schema"},
    {kDuplicateObject, "42710", 409, "duplicate_object"},
    {kDuplicatePreparedStatement, "42P05", 409, "duplicate_prepared_statement"},
    {kDuplicateCursor, "42P03", 409, "duplicate_cursor"},
    {kAmbiguousColumn, "42702", 400, "ambiguous_column"},
    {kDatatypeMismatch, "42804", 400, "datatype_mismatch"},
    {kGroupingError, "42803", 400, "grouping_error"},
    {kIndeterminateDatatype, "42P18", 400, "indeterminate_datatype"},
    {kInvalidColumnReference, "42P10", 400, "invalid_column_reference"},
    {kWrongObjectType, "42809", 400, "wrong_object_type"},
    {kDependentObjects, "2BP01", 409, "dependent_objects_still_exist"},
    {kInsufficientResources, "53000", 503, "insufficient_resources"},
    {kDiskFull, "53100", 507, "disk_full"},
    {kOutOfMemory, "53200", 503, "out_of_memory"},
    {kTooManyConnections, "53300", 429, "too_many_connections"},
    {kConfigurationLimitExceeded, "53400", 413, "configuration_limit_exceeded"},
    {kProgramLimitExceeded, "54000", 413, "program_limit_exceeded"},
    {kStatementTooComplex, "54001", 400, "statement_too_complex"},
    {kObjectNotInState, "55000", 409, "object_not_in_prerequisite_state"},
    {kObjectInUse, "55006", 409, "object_in_use"},
    {kLockNotAvailable, "55P03", 503, "lock_not_available"},
    {kIdempotentAnswerLost, "55M01", 409, "idempotent_answer_lost"},
    {kStaleVersion, "55M02", 409, "stale_version"},
    {kRowGone, "55M03", 404, "row_gone"},
    {kOperatorIntervention, "57000", 503, "operator_intervention"},
    {kQueryCanceled, "57014", 408, "query_canceled"},
    {kAdminShutdown, "57P01", 503, "admin_shutdown"},
    {kCrashShutdown, "57P02", 503, "crash_shutdown"},
    {kCannotConnectNow, "57P03", 503, "cannot_connect_now"},
    {kSystemError, "58000", 500, "system_error"},
    {kIoError, "58030", 500, "io_error"},
    {kUndefinedFile, "58P01", 404, "undefined_file"},
    {kDuplicateFile, "58P02", 409, "duplicate_file"},
    {kConfigFileError, "F0000", 500, "config_file_error"},
    {kInternalError, "XX000", 500, "internal_error"},
    {kDataCorrupted, "XX001", 500, "data_corrupted"},
    {kStatementEndedOwner, "XXM01", 500, "statement_ended_owner"},
};

constexpr bool table_is_in_order() {
  uint8_t next = 0;
  for (const Row& row : kTable) {
    if (static_cast<uint8_t>(row.code) != next++ || row.sqlstate.size() != 5) return false;
  }
  return next == static_cast<uint8_t>(kStatementEndedOwner) + 1;
}
static_assert(table_is_in_order(), "every code has one row, in the enum's order");

const Row& row(ErrorCode code) {
  return kTable[static_cast<uint8_t>(code)];
}

ErrorCode code_of_errno(int errnum) {
  switch (errnum) {
    case ENOSPC:
    case EDQUOT:
      return kDiskFull;
    case ENOMEM:
      return kOutOfMemory;
    case EMFILE:
    case ENFILE:
      return kInsufficientResources;
    case ENOENT:
      return kUndefinedFile;
    case EACCES:
    case EPERM:
    case EROFS:
      return kInsufficientPrivilege;
    default:
      return kIoError;
  }
}

}  // namespace

std::string_view sqlstate(ErrorCode code) {
  return row(code).sqlstate;
}
int http_status(ErrorCode code) {
  return row(code).http;
}
std::string_view code_name(ErrorCode code) {
  return row(code).name;
}

std::string Error::to_string() const {
  std::string text = message;
  if (!detail.empty()) text += " (" + detail + ")";
  if (!hint.empty()) text += ". Hint: " + hint;
  return text;
}

Error errno_error(int errnum, std::string message, std::string hint) {
  return make_error(code_of_errno(errnum), std::move(message), std::generic_category().message(errnum),
                    std::move(hint));
}

}  // namespace merganser
