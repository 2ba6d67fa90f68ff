#include <gtest/gtest.h>
#include <string>

#include "auth/saslprep.h"
#include "auth/scram.h"

namespace merganser::auth {
namespace {

constexpr const char* kEndPoint = "0123456789abcdef0123456789abcdef";
constexpr const char* kHeader = "p=tls-server-end-point,,";

ScramServer server_with(const std::string& end_point) {
  ScramServer server("ada", *make_verifier("pw"), "secret");
  if (!end_point.empty()) server.offer_channel_binding(end_point);
  return server;
}

// The client's last message for a bare first message "n=,r=abc".
std::string final_of(const std::string& server_first, const std::string& binding, const std::string& password) {
  const size_t salt_at = server_first.find(",s=");
  const size_t count_at = server_first.find(",i=");
  const std::string salt = *base64_decode(server_first.substr(salt_at + 3, count_at - salt_at - 3));
  const Digest salted = *pbkdf2_sha256(saslprep(password), salt, std::stoi(server_first.substr(count_at + 3)));
  const Digest key = *hmac_sha256(as_text(salted), "Client Key");
  const Digest stored = *sha256(as_text(key));
  const std::string without_proof = "c=" + base64_encode(binding) + ",r=" + server_first.substr(2, salt_at - 2);
  Digest proof = *hmac_sha256(as_text(stored), "n=,r=abc," + server_first + "," + without_proof);
  for (size_t i = 0; i < proof.size(); i++) proof[i] ^= key[i];
  return without_proof + ",p=" + base64_encode(as_text(proof));
}

TEST(ScramBinding, TheRightChannelAndPassword) {
  ScramServer server = server_with(kEndPoint);
  const auto first = server.client_first(std::string(kHeader) + "n=,r=abc", kScramSha256Plus);
  ASSERT_TRUE(first.ok()) << first.error().to_string();
  EXPECT_TRUE(server.client_final(final_of(*first, std::string(kHeader) + kEndPoint, "pw")).ok());
  EXPECT_TRUE(server.authenticated());
}

TEST(ScramBinding, AnotherChannelIsRefusedWithTheRightPassword) {
  for (const std::string& bound :
       {std::string(kHeader) + "another", std::string(kHeader), std::string("n,,"), std::string(kEndPoint) + kHeader}) {
    ScramServer server = server_with(kEndPoint);
    const auto first = server.client_first(std::string(kHeader) + "n=,r=abc", kScramSha256Plus);
    ASSERT_TRUE(first.ok());
    const auto final = server.client_final(final_of(*first, bound, "pw"));
    ASSERT_FALSE(final.ok()) << bound;
    EXPECT_EQ(final.error().code, ErrorCode::kInvalidAuthorization);
    EXPECT_FALSE(server.authenticated());
  }
}

TEST(ScramBinding, TheWrongPasswordOnTheRightChannel) {
  ScramServer server = server_with(kEndPoint);
  const auto first = server.client_first(std::string(kHeader) + "n=,r=abc", kScramSha256Plus);
  ASSERT_TRUE(first.ok());
  const auto final = server.client_final(final_of(*first, std::string(kHeader) + kEndPoint, "pwd"));
  ASSERT_FALSE(final.ok());
  EXPECT_EQ(final.error().code, ErrorCode::kInvalidPassword);
}

TEST(ScramBinding, ClientsThatDoNotBindMayComeUnlessTheyThinkThatWeCannot) {
  ScramServer plain = server_with(kEndPoint);
  EXPECT_TRUE(plain.client_first("n,,n=,r=abc", kScramSha256).ok());
  ScramServer downgraded = server_with(kEndPoint);
  const auto refused = downgraded.client_first("y,,n=,r=abc", kScramSha256);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidAuthorization);
  ScramServer unable = server_with("");
  EXPECT_TRUE(unable.client_first("y,,n=,r=abc", kScramSha256).ok());
}

TEST(ScramBinding, MechanismAndHeaderHaveToAgree) {
  struct Bad {
    const char* end_point;
    const char* message;
    std::string_view mechanism;
  };
  for (const Bad& bad :
       {Bad{kEndPoint, "n,,n=,r=abc", kScramSha256Plus}, Bad{kEndPoint, "y,,n=,r=abc", kScramSha256Plus},
        Bad{kEndPoint, "p=tls-server-end-point,,n=,r=abc", kScramSha256},
        Bad{kEndPoint, "p=tls-unique,,n=,r=abc", kScramSha256Plus},
        Bad{kEndPoint, "p=\x01,,n=,r=abc", kScramSha256Plus}, Bad{kEndPoint, "p=", kScramSha256Plus},
        Bad{"", "p=tls-server-end-point,,n=,r=abc", kScramSha256Plus},
        Bad{"", "p=tls-server-end-point,,n=,r=abc", kScramSha256}, Bad{kEndPoint, "n,,n=,r=abc", "SCRAM-SHA-1"}}) {
    ScramServer server = server_with(bad.end_point);
    const auto answer = server.client_first(bad.message, bad.mechanism);
    ASSERT_FALSE(answer.ok()) << bad.message;
    EXPECT_EQ(answer.error().code, ErrorCode::kProtocolViolation) << bad.message;
  }
}

}  // namespace
}  // namespace merganser::auth
