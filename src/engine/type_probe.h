// Asks DuckDB's binder which type an expression has where it stands, also in statements that DuckDB cannot bind as a
// whole because a parameter's type is open.
//
// A scalar function of our own, system.main.merganser_type(slot, x), notes the type of x when a statement that calls it
// is bound, and answers false. Clients can name it; the allow list refuses it.
//
// Threads: any. Lifetime: TypeProbe outlives the duckdb_database's statements; its Slots end before it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/types.h"

namespace merganser::engine {

class TypeProbe {
 public:
  // Registers the function with the instance behind `duckdb_connection`.
  static Result<std::unique_ptr<TypeProbe>> install(void* duckdb_connection);
  TypeProbe(const TypeProbe&) = delete;
  TypeProbe& operator=(const TypeProbe&) = delete;

  // Places for what one statement's binding finds out.
  class Slots {
   public:
    explicit Slots(TypeProbe& probe, size_t count);
    ~Slots();
    Slots(const Slots&) = delete;
    Slots& operator=(const Slots&) = delete;

    // An expression that notes the type of `expression` in this slot when it is bound. It is of that type itself, or an
    // untyped NULL, which fits beside anything.
    enum class As : uint8_t { kExpression, kNull };
    std::string sql(size_t slot, std::string_view expression, As as) const;
    // Null when it was never bound.
    TypePtr type(size_t slot) const;

   private:
    TypeProbe& probe_;
    int64_t first_;
    size_t count_;
  };

 private:
  TypeProbe() = default;
  struct Calls;  // the C callbacks

  std::mutex mutex_;
  std::map<int64_t, TypePtr> found_;  // the slots that are open
  int64_t next_ = 1;
};

}  // namespace merganser::engine
