// Result<T>: a value or an Error. Exceptions stop at a room's door; this is what rooms hand each other.
//
// Threads: a value; as thread-safe as T.
#pragma once

#include <cassert>
#include <optional>
#include <utility>
#include <variant>

#include "base/error.h"

namespace merganser {

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  Error& error() & { return std::get<1>(state_); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  Error& error() & { return *error_; }
  const Error& error() const& { return *error_; }
  Error&& error() && { return *std::move(error_); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace merganser

// Returns the error of a Result or Status expression from the enclosing function.
#define MERGANSER_TRY(expression)                           \
  do {                                                      \
    if (auto try_result = (expression); !try_result.ok()) { \
      return std::move(try_result).error();                 \
    }                                                       \
  } while (false)

#define MERGANSER_CONCAT_INNER(a, b) a##b
#define MERGANSER_CONCAT(a, b) MERGANSER_CONCAT_INNER(a, b)
// MERGANSER_ASSIGN(auto value, expression): declares value from a Result, or returns its error.
#define MERGANSER_ASSIGN(declaration, expression)                         \
  auto MERGANSER_CONCAT(assign_result_, __LINE__) = (expression);         \
  if (!MERGANSER_CONCAT(assign_result_, __LINE__).ok())                   \
    return std::move(MERGANSER_CONCAT(assign_result_, __LINE__)).error(); \
  declaration = std::move(MERGANSER_CONCAT(assign_result_, __LINE__)).value()
