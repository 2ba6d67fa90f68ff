#include "cli/probe_data.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace merganser::cli {
namespace {

constexpr int64_t kSeedBatch = 1000;
constexpr float kNoise = 0.05F;

}  // namespace

Vector random_vector(Random& random, int64_t dims) {
  std::uniform_real_distribution<float> component(-1, 1);
  Vector vector(static_cast<size_t>(dims));
  for (float& value : vector) value = component(random);
  return vector;
}

Vector vector_near_news(Random& random, int64_t dims, int64_t seed) {
  Random direction(static_cast<uint64_t>(seed) * 2 + 1);
  Vector vector = random_vector(direction, dims);
  std::uniform_real_distribution<float> noise(-kNoise, kNoise);
  for (float& value : vector) value += noise(random);
  return vector;
}

std::string vector_literal(const Vector& vector) {
  std::string text = "[";
  for (const float value : vector) text += fmt::format("{}{:.4f}", text.size() > 1 ? "," : "", value);
  return text + fmt::format("]::FLOAT[{}]", vector.size());
}

std::string text_literal(const std::string& text) {
  std::string literal = "'";
  for (const char c : text) literal += c == '\'' ? "''" : std::string(1, c);
  return literal + "'";
}

std::string other_model(const ProbeOptions& options) {
  return options.model + " (other)";
}

std::vector<std::string> seed_statements(const ProbeOptions& options) {
  std::vector<std::string> statements{
      "DROP TABLE IF EXISTS merganser_probe", "DROP TABLE IF EXISTS chunks",
      "CREATE TABLE merganser_probe (seeded_rows BIGINT, dims BIGINT, seed BIGINT)",
      fmt::format("INSERT INTO merganser_probe VALUES ({}, {}, {})", options.rows, options.dims, options.seed),
      fmt::format("CREATE TABLE chunks (id BIGINT PRIMARY KEY, file_id BIGINT, content VARCHAR, embedding FLOAT[{}], "
                  "provider VARCHAR, model VARCHAR)",
                  options.dims)};
  for (int64_t first = 1; first <= options.rows; first += kSeedBatch) {
    const int64_t last = std::min(first + kSeedBatch - 1, options.rows);
    statements.push_back(
        fmt::format("INSERT INTO chunks SELECT id, id // 10, 'chunk ' || id, "
                    "list_transform(range({}), d -> (hash(id, d, {}) % 2000001)::DOUBLE / 1000000 - 1)::FLOAT[{}], "
                    "{}, CASE WHEN id % 10 = 0 THEN {} ELSE {} END FROM range({}, {}) rows(id)",
                    options.dims, options.seed, options.dims, text_literal(options.provider),
                    text_literal(other_model(options)), text_literal(options.model), first, last + 1));
  }
  return statements;
}

std::string search_statement(const ProbeOptions& options, const Vector& vector) {
  return fmt::format(
      "SELECT id, provider, model FROM chunks WHERE provider = {} AND model = {} "
      "ORDER BY array_cosine_similarity(embedding, {}) DESC LIMIT {}",
      text_literal(options.provider), text_literal(options.model), vector_literal(vector), options.limit);
}

std::string insert_statement(const ProbeOptions& options, int64_t id, const Vector& vector) {
  return fmt::format("INSERT INTO chunks VALUES ({}, {}, 'new chunk {}', {}, {}, {})", id, id / 10, id,
                     vector_literal(vector), text_literal(options.provider), text_literal(options.model));
}

std::string update_statement(const ProbeOptions&, int64_t id, const Vector& vector) {
  return fmt::format("UPDATE chunks SET embedding = {} WHERE id = {}", vector_literal(vector), id);
}

}  // namespace merganser::cli
