#include "auth/certificate.h"

#include <ctime>
#include <gtest/gtest.h>

namespace merganser::auth {
namespace {

TEST(SelfSigned, HasAKeyAndEndsWhenItShould) {
  const auto made = make_self_signed({"host.example", "127.0.0.1", "::1"}, std::chrono::hours(48));
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  EXPECT_TRUE(made->key_pem.starts_with("-----BEGIN PRIVATE KEY-----"));
  const auto end = certificate_end(made->certificate_pem);
  ASSERT_TRUE(end.ok()) << end.error().to_string();
  const int64_t expected = std::time(nullptr) + 48 * 3600;
  EXPECT_LE(*end, expected);
  EXPECT_GE(*end, expected - 600);
}

TEST(SelfSigned, EveryOneIsAnother) {
  const auto a = make_self_signed({"a"}, std::chrono::hours(1));
  const auto b = make_self_signed({"a"}, std::chrono::hours(1));
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_NE(a->key_pem, b->key_pem);
  EXPECT_NE(a->certificate_pem, b->certificate_pem);
}

// A machine's name is whatever somebody typed once: it may not end in a certificate that says something else.
TEST(SelfSigned, OddNamesAreLeftOut) {
  for (const char* odd : {"a,IP:1.2.3.4", "", "höst", "a b", "x\ny"}) {
    EXPECT_TRUE(make_self_signed({odd, "localhost"}, std::chrono::hours(1)).ok()) << odd;
  }
  EXPECT_TRUE(make_self_signed({std::string(200, 'h')}, std::chrono::hours(1)).ok());
  EXPECT_TRUE(make_self_signed({}, std::chrono::hours(1)).ok());
}

TEST(CertificateEnd, RefusesWhatIsNone) {
  for (const char* text : {"", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    const auto end = certificate_end(text);
    ASSERT_FALSE(end.ok());
    EXPECT_EQ(end.error().code, ErrorCode::kConfigFileError);
    EXPECT_FALSE(end.error().detail.empty());
  }
}

}  // namespace
}  // namespace merganser::auth
