#include "pgwire/pg_row_sink.h"

#include <cstring>

#include "pgwire/backend.h"

namespace merganser::pgwire {
namespace {

// Good enough to tell rows apart that differ by accident, at several bytes a cycle.
uint64_t hash_of(std::string_view bytes) {
  constexpr uint64_t kOdd = 0x9E3779B97F4A7C15ULL;
  uint64_t hash = bytes.size() * kOdd;
  const auto mix = [&hash](uint64_t word) {
    hash = (hash ^ word) * kOdd;
    hash ^= hash >> 29;
  };
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    mix(word);
  }
  uint64_t rest = 0;
  if (!bytes.empty()) std::memcpy(&rest, bytes.data(), bytes.size());
  mix(rest);
  mix(hash >> 32);
  return hash;
}

}  // namespace

std::string row_description_of(const std::vector<engine::Column>& columns, std::span<const int16_t> formats) {
  std::vector<FieldDescription> fields;
  fields.reserve(columns.size());
  for (size_t i = 0; i < columns.size(); i++) {
    const PgType type = pg_type_of(*columns[i].type);
    FieldDescription field;
    field.name = columns[i].name;
    field.type_oid = type.oid;
    field.type_length = type.length;
    field.type_modifier = type.modifier;
    field.format = formats.empty() ? int16_t{0} : formats.size() == 1 ? formats[0] : formats[i];
    fields.push_back(field);
  }
  std::string out;
  BackendWriter(out).row_description(fields);
  return out;
}

Status PgRowSink::begin(const engine::Columns& columns, std::string& out) {
  columns_ = columns;
  if (columns->size() > RowEncoder::kMaxColumns) {
    return make_error(ErrorCode::kProgramLimitExceeded, "a row cannot have more than 65535 columns");
  }
  if (options_.announced) {
    bool same = options_.announced->size() == columns->size();
    for (size_t i = 0; same && i < columns->size(); i++) {
      const engine::LogicalType& then = *(*options_.announced)[i].type;
      const engine::LogicalType& now = *(*columns)[i].type;
      // A column of untyped NULLs has whatever type one likes.
      const bool null = then.id == engine::TypeId::kSqlNull || now.id == engine::TypeId::kSqlNull;
      same = null || pg_type_of(then).oid == pg_type_of(now).oid;
    }
    if (!same) {
      return make_error(ErrorCode::kFeatureNotSupported, "cached plan must not change result type", {},
                        "The table or a parameter's type has changed since the statement was described; prepare it "
                        "again, or cast the parameter: $1::INTEGER.");
    }
  }
  std::vector<engine::TypePtr> types;
  for (const engine::Column& column : *columns) types.push_back(column.type);
  MERGANSER_ASSIGN(auto encoder,
                   RowEncoder::make(std::move(types), options_.formats, EncodeContext{options_.time_zone.get()}));
  encoder_ = std::move(encoder);
  if (options_.describe) out += row_description_of(*columns, options_.formats);
  return {};
}

std::string PgRowSink::format_key() const {
  std::string key = options_.time_zone ? options_.time_zone->name() : std::string();
  key += '\0';
  for (const int16_t format : options_.formats) key += format == 0 ? 't' : 'b';
  return key;
}

Status PgRowSink::rows(const engine::Chunk& chunk, size_t first, size_t count, std::string& out) {
  return encoder_->encode(chunk, first, count, out);
}

uint64_t PgRowSink::digest(std::string_view rows) const {
  uint64_t sum = 0;
  while (rows.size() >= 5) {
    const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(rows[i])); };
    const size_t length = 1 + (byte(1) << 24 | byte(2) << 16 | byte(3) << 8 | byte(4));
    if (length > rows.size()) break;
    sum += hash_of(rows.substr(0, length));
    rows.remove_prefix(length);
  }
  return sum;
}

}  // namespace merganser::pgwire
