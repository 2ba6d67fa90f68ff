#include "engine/chunk_builder.h"

#include <cstring>
#include <deque>

namespace merganser::engine {
namespace {

constexpr size_t kMaskWords = kChunkRows / 64;

}  // namespace

struct ChunkBuilder::Memory {
  std::vector<std::unique_ptr<char[]>> data;
  std::vector<std::vector<uint64_t>> validity;  // empty: all valid
  std::deque<std::string> texts;
  std::vector<std::shared_ptr<const void>> kept;
  std::shared_ptr<const std::vector<TypePtr>> types;
};

ChunkBuilder::ChunkBuilder(std::vector<BatchColumn> columns) : columns_(std::move(columns)) {
  auto types = std::make_shared<std::vector<TypePtr>>();
  for (const BatchColumn& column : columns_) types->push_back(make_type(column.type));
  types_ = std::move(types);
  begin();
}

ChunkBuilder::ChunkBuilder(ChunkBuilder&&) noexcept = default;
ChunkBuilder& ChunkBuilder::operator=(ChunkBuilder&&) noexcept = default;
ChunkBuilder::~ChunkBuilder() = default;

void ChunkBuilder::begin() {
  memory_ = std::make_shared<Memory>();
  memory_->types = types_;
  memory_->validity.resize(columns_.size());
  data_.clear();
  for (const BatchColumn& column : columns_) {
    memory_->data.emplace_back(new char[kChunkRows * cell_size(column)]);
    data_.push_back(memory_->data.back().get());
  }
  rows_ = 0;
}

void ChunkBuilder::put_text(size_t column, std::string_view text) {
  StringRef ref{};
  ref.length = static_cast<uint32_t>(text.size());
  if (text.size() <= 12) {
    if (!text.empty()) std::memcpy(ref.prefix_or_inlined, text.data(), text.size());
  } else {
    std::memcpy(ref.prefix_or_inlined, text.data(), sizeof ref.prefix_or_inlined);
    ref.pointer = text.data();
  }
  put(column, ref);
}

void ChunkBuilder::put_copy(size_t column, std::string_view text) {
  put_text(column, text.size() <= 12 ? text : memory_->texts.emplace_back(text));
}

void ChunkBuilder::put_null(size_t column) {
  auto& validity = memory_->validity[column];
  if (validity.empty()) validity.assign(kMaskWords, ~uint64_t{0});
  validity[rows_ / 64] &= ~(uint64_t{1} << (rows_ % 64));
  // What nobody reads is still copied about.
  std::memset(static_cast<char*>(data_[column]) + rows_ * cell_size(columns_[column]), 0, cell_size(columns_[column]));
}

void ChunkBuilder::keep(std::shared_ptr<const void> memory) {
  if (memory_->kept.empty() || memory_->kept.back() != memory) memory_->kept.push_back(std::move(memory));
}

Chunk ChunkBuilder::take() {
  std::vector<VectorView> views;
  views.reserve(columns_.size());
  for (size_t i = 0; i < columns_.size(); i++) {
    VectorView& view = views.emplace_back();
    view.type = (*types_)[i].get();
    view.data = data_[i];
    view.validity = memory_->validity[i].empty() ? nullptr : memory_->validity[i].data();
  }
  Chunk chunk(rows_, std::move(views), memory_);
  begin();
  return chunk;
}

}  // namespace merganser::engine
