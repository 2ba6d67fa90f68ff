#include "engine/result_codec.h"

#include <cstring>

#include "base/bytes.h"

namespace merganser::engine {
namespace {

constexpr uint64_t kNullRow = UINT64_MAX;

Error damaged() {
  return make_error(ErrorCode::kDataCorrupted, "a kept answer is damaged: its rows cannot be read");
}

// ---- writing ---------------------------------------------------------------------------------------------------

// Appends chosen rows of vectors. What lies behind a NULL is never read: it may be anything.
class VectorWriter {
 public:
  VectorWriter(std::string& out, size_t limit) : out_(out), writer_(out), limit_(limit) {}

  bool put(const VectorView& view, const std::vector<uint64_t>& rows) {
    std::vector<uint64_t> there = rows;
    for (uint64_t& row : there) {
      if (row != kNullRow && !view.valid(row)) row = kNullRow;
    }
    put_validity(there);
    if (out_.size() > limit_) return false;
    if (view.type->id == TypeId::kSqlNull) return true;
    if (const size_t width = fixed_width(view.type->storage); width > 0) return put_fixed(view, there, width);
    if (is_string_layout(view.type->id)) return put_strings(view, there);
    switch (view.type->id) {
      case TypeId::kList:
      case TypeId::kMap:
        return put_lists(view, there);
      case TypeId::kArray:
        return put_arrays(view, there);
      case TypeId::kStruct:
      case TypeId::kUnion:
      case TypeId::kVariant:
        for (const VectorView& child : view.children) {
          if (!put(child, there)) return false;
        }
        return true;
      default:
        return false;
    }
  }

 private:
  void put_validity(const std::vector<uint64_t>& rows) {
    const size_t start = out_.size();
    out_.append((rows.size() + 7) / 8, '\0');
    for (size_t i = 0; i < rows.size(); i++) {
      if (rows[i] != kNullRow) out_[start + i / 8] = static_cast<char>(out_[start + i / 8] | (1 << (i % 8)));
    }
  }

  bool put_fixed(const VectorView& view, const std::vector<uint64_t>& rows, size_t width) {
    const size_t start = out_.size();
    if (start + rows.size() * width > limit_) return false;
    out_.append(rows.size() * width, '\0');
    const char* const from = static_cast<const char*>(view.data);
    for (size_t i = 0; i < rows.size(); i++) {
      if (rows[i] != kNullRow) std::memcpy(out_.data() + start + i * width, from + rows[i] * width, width);
    }
    return true;
  }

  bool put_strings(const VectorView& view, const std::vector<uint64_t>& rows) {
    for (const uint64_t row : rows) {
      const std::string_view text = row == kNullRow ? std::string_view() : view.string_at(row);
      if (out_.size() + text.size() > limit_) return false;
      writer_.put(static_cast<uint32_t>(text.size()));
      writer_.put_bytes(text);
    }
    return true;
  }

  bool put_lists(const VectorView& view, const std::vector<uint64_t>& rows) {
    std::vector<uint64_t> elements;
    for (const uint64_t row : rows) {
      const ListEntry entry = row == kNullRow ? ListEntry{0, 0} : view.at<ListEntry>(row);
      if (entry.length > limit_) return false;
      writer_.put(static_cast<uint32_t>(entry.length));
      if (elements.size() / 8 + out_.size() > limit_) return false;
      for (uint64_t i = 0; i < entry.length; i++) elements.push_back(entry.offset + i);
    }
    return put(view.children.at(0), elements);
  }

  bool put_arrays(const VectorView& view, const std::vector<uint64_t>& rows) {
    const uint64_t size = view.type->array_size;
    std::vector<uint64_t> elements;
    if (size > limit_ || size * rows.size() / 8 > limit_) return false;
    elements.reserve(size * rows.size());
    for (const uint64_t row : rows) {
      for (uint64_t i = 0; i < size; i++) elements.push_back(row == kNullRow ? kNullRow : row * size + i);
    }
    return put(view.children.at(0), elements);
  }

  std::string& out_;
  ByteWriter writer_;
  const size_t limit_;
};

bool put_columns(const Columns& columns, std::string& out) {
  ByteWriter writer(out);
  writer.put(static_cast<uint32_t>(columns->size()));
  for (const Column& column : *columns) {
    writer.put(static_cast<uint32_t>(column.name.size()));
    writer.put_bytes(column.name);
    if (!column.type || !encode_type(*column.type, out)) return false;
  }
  return true;
}

bool put_chunk(const Chunk& chunk, size_t limit, std::string& out) {
  ByteWriter(out).put(static_cast<uint32_t>(chunk.rows()));
  std::vector<uint64_t> rows(chunk.rows());
  for (size_t i = 0; i < rows.size(); i++) rows[i] = i;
  VectorWriter writer(out, limit);
  for (size_t i = 0; i < chunk.columns(); i++) {
    if (!writer.put(chunk.column(i), rows)) return false;
  }
  return true;
}

// ---- reading ---------------------------------------------------------------------------------------------------

// What the views of a decoded result point into.
struct Storage {
  std::string bytes;
  std::vector<std::unique_ptr<uint64_t[]>> arrays;  // 8 bytes suffice: the engine's 16-byte values are pairs of them

  void* allocate(size_t count) {
    arrays.push_back(std::make_unique<uint64_t[]>((count + 7) / 8 + 1));
    return arrays.back().get();
  }
};

class VectorReader {
 public:
  VectorReader(std::string_view in, Storage& storage) : in_(in), storage_(storage) {}

  std::string_view rest() const { return in_.rest(); }

  Result<VectorView> get(const LogicalType& type, uint64_t rows, int depth = 0) {
    if (depth > kMaxTypeDepth + 2) return damaged();
    VectorView view;
    view.type = &type;
    MERGANSER_TRY(get_validity(view, rows));
    if (type.id == TypeId::kSqlNull) return view;
    if (const size_t width = fixed_width(type.storage); width > 0) {
      const auto bytes = in_.get_bytes(rows * width);
      if (!bytes) return damaged();
      void* const data = storage_.allocate(bytes->size());
      std::memcpy(data, bytes->data(), bytes->size());
      view.data = data;
      if (type.id == TypeId::kEnum) MERGANSER_TRY(check_labels(view, rows));
      return view;
    }
    if (is_string_layout(type.id)) {
      MERGANSER_TRY(get_strings(view, rows));
      return view;
    }
    MERGANSER_TRY(get_nested(view, type, rows, depth));
    return view;
  }

 private:
  Status get_validity(VectorView& view, uint64_t rows) {
    const auto bits = in_.get_bytes(rows / 8 + (rows % 8 != 0 ? 1 : 0));
    if (!bits) return damaged();
    auto* const mask = static_cast<uint64_t*>(storage_.allocate(bits->size()));
    std::memcpy(mask, bits->data(), bits->size());
    view.validity = mask;
    return {};
  }

  Status get_strings(VectorView& view, uint64_t rows) {
    if (rows > in_.remaining()) return damaged();
    auto* const texts = static_cast<StringRef*>(storage_.allocate(rows * sizeof(StringRef)));
    for (uint64_t i = 0; i < rows; i++) {
      const auto length = in_.get<uint32_t>();
      const auto text = length ? in_.get_bytes(*length) : std::nullopt;
      if (!text) return damaged();
      StringRef ref{};
      ref.length = *length;
      char* const inlined = reinterpret_cast<char*>(&ref) + offsetof(StringRef, prefix_or_inlined);
      if (*length <= 12) {
        std::memcpy(inlined, text->data(), *length);
      } else {
        std::memcpy(inlined, text->data(), 4);
        ref.pointer = text->data();
      }
      std::memcpy(&texts[i], &ref, sizeof ref);
    }
    view.data = texts;
    return {};
  }

  // An index past the labels would be read as one.
  static Status check_labels(const VectorView& view, uint64_t rows) {
    const uint64_t labels = view.type->enum_values.size();
    for (uint64_t row = 0; row < rows; row++) {
      const uint64_t label = view.type->storage == TypeId::kUTinyInt    ? view.at<uint8_t>(row)
                             : view.type->storage == TypeId::kUSmallInt ? view.at<uint16_t>(row)
                                                                        : view.at<uint32_t>(row);
      if (view.valid(row) && label >= labels) return damaged();
    }
    return {};
  }

  Status add_child(VectorView& view, const LogicalType& type, uint64_t rows, int depth) {
    MERGANSER_ASSIGN(VectorView child, get(type, rows, depth + 1));
    view.children.push_back(std::move(child));
    return {};
  }

  Status get_nested(VectorView& view, const LogicalType& type, uint64_t rows, int depth) {
    switch (type.id) {
      case TypeId::kList:
      case TypeId::kMap: {
        if (rows > in_.remaining()) return damaged();
        auto* const entries = static_cast<ListEntry*>(storage_.allocate(rows * sizeof(ListEntry)));
        uint64_t elements = 0;
        for (uint64_t i = 0; i < rows; i++) {
          const auto length = in_.get<uint32_t>();
          if (!length) return damaged();
          entries[i] = {elements, *length};
          elements += *length;
        }
        view.data = entries;
        return add_child(view, type.id == TypeId::kMap ? *type.map_entry : *type.children[0].type, elements, depth);
      }
      case TypeId::kArray:
        if (type.array_size > UINT32_MAX) return damaged();
        return add_child(view, *type.children[0].type, rows * type.array_size, depth);
      case TypeId::kUnion:
        MERGANSER_TRY(add_child(view, *make_type(TypeId::kUTinyInt), rows, depth));
        for (uint64_t i = 0; i < rows; i++) {
          if (view.valid(i) && view.children[0].at<uint8_t>(i) >= type.children.size()) return damaged();
        }
        [[fallthrough]];
      case TypeId::kStruct:
      case TypeId::kVariant:
        for (const TypeField& field : type.children) MERGANSER_TRY(add_child(view, *field.type, rows, depth));
        return {};
      default:
        return damaged();
    }
  }

  ByteReader in_;
  Storage& storage_;
};

Result<Columns> get_columns(std::string_view& in) {
  ByteReader count_reader(in);
  const auto count = count_reader.get<uint32_t>();
  if (!count) return damaged();
  in = count_reader.rest();
  auto columns = std::make_shared<std::vector<Column>>();
  for (uint32_t i = 0; i < *count; i++) {
    ByteReader reader(in);
    const auto length = reader.get<uint32_t>();
    const auto name = length ? reader.get_bytes(*length) : std::nullopt;
    if (!name) return damaged();
    in = reader.rest();
    MERGANSER_ASSIGN(TypePtr type, decode_type(in));
    columns->push_back(Column{std::string(*name), std::move(type)});
  }
  return Columns(std::move(columns));
}

Result<ResultSet> get_rows(std::string_view& in) {
  MERGANSER_ASSIGN(Columns columns, get_columns(in));
  auto storage = std::make_shared<Storage>();
  storage->bytes = std::string(in);
  std::string_view left = storage->bytes;
  std::vector<Chunk> chunks;
  while (true) {
    ByteReader reader(left);
    const auto rows = reader.get<uint32_t>();
    if (!rows) return damaged();
    left = reader.rest();
    if (*rows == 0) break;
    VectorReader vectors(left, *storage);
    std::vector<VectorView> views;
    for (const Column& column : *columns) {
      MERGANSER_ASSIGN(VectorView view, vectors.get(*column.type, *rows));
      views.push_back(std::move(view));
    }
    left = vectors.rest();
    chunks.emplace_back(*rows, std::move(views), storage);
  }
  in.remove_prefix(in.size() - left.size());
  return ResultSet(std::move(columns), std::move(chunks));
}

}  // namespace

Result<bool> encode_result(ResultSet& result, size_t limit, std::string& out) {
  const size_t start = out.size();
  ByteWriter writer(out);
  writer.put_u8(static_cast<uint8_t>(result.kind()));
  writer.put(result.changed_rows());
  if (result.kind() != ReturnKind::kRows) return true;
  bool kept = put_columns(result.columns(), out) && out.size() <= limit;
  std::vector<Chunk> seen;
  while (kept) {
    MERGANSER_ASSIGN(auto chunk, result.next());
    if (!chunk) break;
    kept = chunk->rows() == 0 || put_chunk(*chunk, limit, out);
    seen.push_back(*std::move(chunk));
  }
  result.put_back(std::move(seen));
  writer.put(uint32_t{0});
  if (!kept) out.resize(start);
  return kept;
}

Result<ResultSet> decode_result(std::string_view& in) {
  ByteReader reader(in);
  const auto kind = reader.get<uint8_t>();
  const auto changed = reader.get<uint64_t>();
  if (!changed || *kind > static_cast<uint8_t>(ReturnKind::kRows)) return damaged();
  in = reader.rest();
  if (static_cast<ReturnKind>(*kind) == ReturnKind::kRows) return get_rows(in);
  return ResultSet(static_cast<ReturnKind>(*kind), *changed);
}

}  // namespace merganser::engine
