#include "engine/chunk.h"

#include <utility>

#include "engine/raw.h"

namespace merganser::engine {

namespace {

VectorView make_view(duckdb_vector vector, const LogicalType* type) {
  VectorView view;
  view.type = type;
  view.validity = duckdb_vector_get_validity(vector);
  view.data = duckdb_vector_get_data(vector);
  switch (type->id) {
    case TypeId::kList:
      view.children.push_back(make_view(duckdb_list_vector_get_child(vector), type->children[0].type.get()));
      break;
    case TypeId::kMap:
      view.children.push_back(make_view(duckdb_list_vector_get_child(vector), type->map_entry.get()));
      break;
    case TypeId::kArray:
      view.children.push_back(make_view(duckdb_array_vector_get_child(vector), type->children[0].type.get()));
      break;
    case TypeId::kUnion: {
      // Stored as a struct whose first field is the tag, which the type's own list of members leaves out.
      static const TypePtr tag_type = make_type(TypeId::kUTinyInt);
      view.children.push_back(make_view(duckdb_struct_vector_get_child(vector, 0), tag_type.get()));
      for (size_t i = 0; i < type->children.size(); ++i) {
        view.children.push_back(make_view(duckdb_struct_vector_get_child(vector, i + 1), type->children[i].type.get()));
      }
      break;
    }
    case TypeId::kStruct:
    case TypeId::kVariant:
      for (size_t i = 0; i < type->children.size(); ++i) {
        view.children.push_back(make_view(duckdb_struct_vector_get_child(vector, i), type->children[i].type.get()));
      }
      break;
    default:
      break;
  }
  return view;
}

}  // namespace

VectorView VectorView::from(uint64_t first) const {
  VectorView view = *this;
  view.base += first;
  switch (type->id) {
    case TypeId::kArray:
      view.children[0] = children[0].from(first * type->array_size);
      break;
    case TypeId::kUnion:
    case TypeId::kStruct:
    case TypeId::kVariant:
      for (VectorView& child : view.children) child = child.from(first);
      break;
    default:
      break;  // the entries of lists and maps say themselves where their elements are
  }
  return view;
}

Chunk::Chunk(std::shared_ptr<const Chunk> whole, size_t first, size_t count, size_t columns) : rows_(count) {
  columns_.reserve(columns);
  for (size_t i = 0; i < columns; ++i) columns_.push_back(whole->columns_[i].from(first));
  storage_ = std::move(whole);
}

Chunk::Chunk(void* duckdb_chunk, const std::vector<TypePtr>& types) : handle_(duckdb_chunk) {
  auto* const chunk = static_cast<duckdb_data_chunk>(handle_);
  rows_ = duckdb_data_chunk_get_size(chunk);
  columns_.reserve(types.size());
  for (size_t i = 0; i < types.size(); ++i) {
    columns_.push_back(make_view(duckdb_data_chunk_get_vector(chunk, i), types[i].get()));
  }
}

Chunk::~Chunk() {
  auto* chunk = static_cast<duckdb_data_chunk>(handle_);
  if (chunk != nullptr) duckdb_destroy_data_chunk(&chunk);
}

Chunk::Chunk(Chunk&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)),
      storage_(std::move(other.storage_)),
      rows_(std::exchange(other.rows_, 0)),
      columns_(std::move(other.columns_)) {
  other.columns_.clear();
}

Chunk& Chunk::operator=(Chunk&& other) noexcept {
  if (this != &other) {
    std::swap(handle_, other.handle_);
    storage_.swap(other.storage_);
    std::swap(rows_, other.rows_);
    columns_.swap(other.columns_);
  }
  return *this;
}

}  // namespace merganser::engine
