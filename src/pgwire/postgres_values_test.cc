// Our reading and printing of values beside that of a real PostgreSQL, whose answers are in postgres_values_golden.inc.
#include <gmock/gmock.h>
#include <map>

#include "pgwire/decode.h"
#include "pgwire/decode_text.h"
#include "pgwire/types_fixture.h"

namespace merganser::pgwire {
namespace {

struct Golden {
  const char* zone;
  int32_t oid;
  const char* literal;
  const char* text;  // null when PostgreSQL refused the literal
  const char* hex;
  const char* state;
  const char* message;
};

constexpr Golden kGolden[] = {
#include "pgwire/postgres_values_golden.inc"
};

std::string to_hex(std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kHex[static_cast<uint8_t>(c) >> 4];
    out += kHex[static_cast<uint8_t>(c) & 15];
  }
  return out;
}
std::string from_hex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

class PostgresValuesTest : public TypesFixture {
 protected:
  const TimeZone& zone(const std::string& name) {
    auto& cached = zones_[name];
    if (cached == nullptr) {
      const auto loaded = TimeZone::load(name);
      EXPECT_TRUE(loaded.ok()) << name;
      cached = loaded.ok() ? *loaded : TimeZone::utc();
    }
    return *cached;
  }
  std::map<std::string, TimeZone::Ptr> zones_;
};

TEST_F(PostgresValuesTest, TextIsReadAndPrintedAlike) {
  size_t natively = 0;
  for (const Golden& golden : kGolden) {
    SCOPED_TRACE(std::string(golden.zone) + " " + std::to_string(golden.oid) + " '" + golden.literal + "'");
    const auto param = decode_param(golden.literal, 0, golden.oid, nullptr, zone(golden.zone));
    if (golden.text == nullptr) {
      if (param.ok()) {
        // Left to DuckDB, which will refuse it too.
        EXPECT_EQ(param->form, ParamForm::kCastText);
        continue;
      }
      EXPECT_EQ(sqlstate(param.error().code), golden.state);
      EXPECT_EQ(param.error().message, golden.message);
      continue;
    }
    ASSERT_TRUE(param.ok()) << param.error().to_string();
    if (param->form == ParamForm::kCastText) continue;
    ++natively;
    for (const int16_t format : {int16_t{0}, int16_t{1}}) {
      const Answer answer = ask("SELECT $1", {format}, {param->value}, {&zone(golden.zone)});
      ASSERT_TRUE(answer.status.ok()) << answer.status.error().to_string();
      const std::string field = answer.rows.at(0).at(0).value();
      // NaN and the infinities of numeric have no place in a DECIMAL: they come as float8.
      if (format == 1 && golden.oid == 1700 && param->value.type == engine::TypeId::kDouble) continue;
      EXPECT_EQ(format == 0 ? field : to_hex(field), format == 0 ? golden.text : golden.hex);
    }
  }
  EXPECT_GT(natively, 300u);
}

TEST_F(PostgresValuesTest, BinaryIsReadAlike) {
  for (const Golden& golden : kGolden) {
    if (golden.hex == nullptr) continue;
    SCOPED_TRACE(std::string(golden.zone) + " " + std::to_string(golden.oid) + " '" + golden.literal + "'");
    const auto param = decode_param(from_hex(golden.hex), 1, golden.oid, nullptr, zone(golden.zone));
    ASSERT_TRUE(param.ok()) << param.error().to_string();
    const Answer answer = ask("SELECT $1", {0}, {param->value}, {&zone(golden.zone)});
    ASSERT_TRUE(answer.status.ok()) << answer.status.error().to_string();
    EXPECT_EQ(answer.rows.at(0).at(0).value(), golden.text);
  }
}

}  // namespace
}  // namespace merganser::pgwire
