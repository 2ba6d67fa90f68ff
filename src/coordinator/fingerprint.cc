#include "coordinator/fingerprint.h"

#include <bit>

#include "auth/crypto.h"
#include "base/bytes.h"
#include "engine/sql_tokens.h"

namespace merganser::coordinator {
namespace {

void put_text(ByteWriter& out, std::string_view text) {
  out.put(static_cast<uint64_t>(text.size()));
  out.put_bytes(text);
}

// Every form of a value in a width of its own, so that no two values look alike.
struct ValueWriter {
  ByteWriter& out;
  void operator()(std::monostate) const {}
  void operator()(bool flag) const { out.put_u8(flag ? 1 : 0); }
  void operator()(int64_t number) const { out.put(number); }
  void operator()(uint64_t number) const { out.put(number); }
  void operator()(double number) const { out.put(std::bit_cast<uint64_t>(number)); }
  void operator()(const engine::Hugeint& number) const {
    out.put(number.upper);
    out.put(number.lower);
  }
  void operator()(const engine::UHugeint& number) const {
    out.put(number.upper);
    out.put(number.lower);
  }
  void operator()(const engine::Decimal& number) const {
    out.put_u8(number.width);
    out.put_u8(number.scale);
    (*this)(number.value);
  }
  void operator()(const engine::Interval& span) const {
    out.put(span.months);
    out.put(span.days);
    out.put(span.micros);
  }
  void operator()(const std::string& text) const { put_text(out, text); }
};

void put_statement(ByteWriter& out, const Statement& statement) {
  const auto tokens = engine::tokenize(*statement.sql);
  out.put(static_cast<uint64_t>(tokens.size()));
  for (const engine::Token& token : tokens) {
    out.put_u8(static_cast<uint8_t>(token.kind));
    put_text(out, token.text);
  }
  out.put(static_cast<uint64_t>(statement.values.size()));
  for (const engine::Value& value : statement.values) {
    out.put_u8(static_cast<uint8_t>(value.type));
    out.put_u8(static_cast<uint8_t>(value.data.index()));
    std::visit(ValueWriter{out}, value.data);
  }
}

}  // namespace

Result<std::string> fingerprint_of(const Unit& unit) {
  std::string bytes;
  ByteWriter out(bytes);
  put_text(out, "merganser request 1");
  const size_t settings = unit.settings ? unit.settings->size() : 0;
  out.put(static_cast<uint64_t>(settings));
  if (unit.settings) {
    for (const auto& [name, value] : *unit.settings) {
      put_text(out, name);
      put_text(out, value);
    }
  }
  out.put(static_cast<uint64_t>(unit.statements.size()));
  for (const Statement& statement : unit.statements) put_statement(out, statement);
  MERGANSER_ASSIGN(const auth::Digest digest, auth::sha256(bytes));
  std::string hex;
  for (const uint8_t byte : digest) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

}  // namespace merganser::coordinator
