#include "pgwire/pg_row_sink.h"

#include "pgwire/backend.h"

namespace merganser::pgwire {

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

Status PgRowSink::rows(const engine::Chunk& chunk, size_t first, size_t count, std::string& out) {
  return encoder_->encode(chunk, first, count, out);
}

}  // namespace merganser::pgwire
