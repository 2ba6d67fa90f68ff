// The data of a probe: vectors that are the same for the same seed, and the statements around them.
//
// Threads: pure functions. Vectors are made by the client, as an embedder would make them.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "cli/probe.h"

namespace merganser::cli {

using Vector = std::vector<float>;
using Random = std::mt19937_64;

// Seeded rows point anywhere; what writers write lies near one direction, so that a search near it finds new rows.
Vector random_vector(Random& random, int64_t dims);
Vector vector_near_news(Random& random, int64_t dims, int64_t seed);

std::string vector_literal(const Vector& vector);   // "[0.1,-0.2]::FLOAT[2]"
std::string text_literal(const std::string& text);  // quotes doubled

// Makes the table and fills it, one statement after the other. Every tenth row has another model, so that a search
// that forgets to filter is noticed.
std::vector<std::string> seed_statements(const ProbeOptions& options);
std::string other_model(const ProbeOptions& options);

std::string search_statement(const ProbeOptions& options, const Vector& vector);  // id, provider, model
std::string insert_statement(const ProbeOptions& options, int64_t id, const Vector& vector);
std::string update_statement(const ProbeOptions& options, int64_t id, const Vector& vector);

}  // namespace merganser::cli
