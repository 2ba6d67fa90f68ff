#include "auth/scram.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "auth/saslprep.h"

namespace merganser::auth {
namespace {

using namespace std::string_literals;

// RFC 7677 section 3.
constexpr const char* kUser = "user";
constexpr const char* kPassword = "pencil";
constexpr const char* kClientFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
constexpr const char* kServerNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr const char* kServerFirst =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr const char* kClientFinal =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
constexpr const char* kServerFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

ScramVerifier rfc_verifier() {
  return *make_verifier_with_salt(kPassword, 4096, *base64_decode("W22ZaJ0SNY7soEsUEjb6gQ=="));
}
ScramServer rfc_server() {
  return ScramServer(kUser, rfc_verifier(), "secret", kServerNonce);
}

// A client, to make proofs for other passwords and headers than the RFC's.
std::string client_final(const std::string& password, const std::string& client_first_bare,
                         const std::string& server_first, const std::string& binding) {
  const size_t salt_at = server_first.find(",s=");
  const size_t count_at = server_first.find(",i=");
  const std::string nonce = server_first.substr(2, salt_at - 2);
  const std::string salt = *base64_decode(server_first.substr(salt_at + 3, count_at - salt_at - 3));
  const int iterations = std::stoi(server_first.substr(count_at + 3));
  const Digest salted = *pbkdf2_sha256(saslprep(password), salt, iterations);
  const Digest key = *hmac_sha256(as_text(salted), "Client Key");
  const Digest stored = *sha256(as_text(key));
  const std::string without_proof = "c=" + binding + ",r=" + nonce;
  Digest proof = *hmac_sha256(as_text(stored), client_first_bare + "," + server_first + "," + without_proof);
  for (size_t i = 0; i < proof.size(); i++) proof[i] ^= key[i];
  return without_proof + ",p=" + base64_encode(as_text(proof));
}

TEST(Scram, RunsTheExchangeOfRfc7677) {
  ScramServer server = rfc_server();
  const auto first = server.client_first(kClientFirst);
  ASSERT_TRUE(first.ok()) << first.error().to_string();
  EXPECT_EQ(*first, kServerFirst);
  EXPECT_FALSE(server.authenticated());
  const auto final = server.client_final(kClientFinal);
  ASSERT_TRUE(final.ok()) << final.error().to_string();
  EXPECT_EQ(*final, kServerFinal);
  EXPECT_TRUE(server.authenticated());
}

TEST(Scram, AClientThatCouldBindIsServedToo) {
  ScramServer server("ada", *make_verifier("pw"), "secret");
  const std::string first = *server.client_first("y,,n=,r=abc");
  const auto final = server.client_final(client_final("pw", "n=,r=abc", first, "eSws"));
  EXPECT_TRUE(final.ok());
}

TEST(Scram, IgnoresExtensionsThatMayBeIgnored) {
  ScramServer server("ada", *make_verifier("pw"), "secret");
  const std::string first = *server.client_first("n,,n=,r=abc,z=1,Y=");
  EXPECT_TRUE(server.client_final(client_final("pw", "n=,r=abc,z=1,Y=", first, "biws")).ok());
}

TEST(Scram, NoncesDiffer) {
  ScramServer a("ada", rfc_verifier(), "secret");
  ScramServer b("ada", rfc_verifier(), "secret");
  const std::string first = *a.client_first("n,,n=,r=abc");
  EXPECT_NE(first, *b.client_first("n,,n=,r=abc"));
  EXPECT_EQ(first.find(",s="), 2 + 3 + 24U);
}

TEST(Scram, RefusesAWrongPassword) {
  ScramServer server("ada", *make_verifier("right"), "secret");
  const std::string first = *server.client_first("n,,n=,r=abc");
  const auto final = server.client_final(client_final("wrong", "n=,r=abc", first, "biws"));
  ASSERT_FALSE(final.ok());
  EXPECT_EQ(final.error().code, ErrorCode::kInvalidPassword);
  EXPECT_EQ(final.error().message, "password authentication failed for user \"ada\"");
  EXPECT_FALSE(server.authenticated());
}

TEST(Scram, RefusesEveryProofWithAChangedBit) {
  const std::string good = kClientFinal;
  const size_t at = good.find(",p=") + 3;
  for (size_t byte = 0; byte < 32; byte++) {
    std::string proof = *base64_decode(good.substr(at));
    proof[byte] = static_cast<char>(proof[byte] ^ 1);
    ScramServer server = rfc_server();
    ASSERT_TRUE(server.client_first(kClientFirst).ok());
    const auto final = server.client_final(good.substr(0, at) + base64_encode(proof));
    ASSERT_FALSE(final.ok());
    EXPECT_EQ(final.error().code, ErrorCode::kInvalidPassword);
  }
}

// An unknown name must look like a known one with another password: a salt of the same length that is the same each
// time, the same iteration count, the same error; and no proof may ever fit.
TEST(Scram, AnUnknownNameLooksLikeAWrongPassword) {
  ScramServer unknown("bob", std::nullopt, "secret");
  ScramServer again("bob", std::nullopt, "secret");
  ScramServer other("eve", std::nullopt, "secret");
  ScramServer known("ada", *make_verifier("pw"), "secret");
  const auto salt = [](const std::string& first) { return first.substr(first.find(",s=")); };
  const std::string first = *unknown.client_first("n,,n=,r=abc");
  EXPECT_EQ(salt(first), salt(*again.client_first("n,,n=,r=abc")));
  EXPECT_NE(salt(first), salt(*other.client_first("n,,n=,r=abc")));
  EXPECT_EQ(first.size(), known.client_first("n,,n=,r=abc")->size());
  const auto final = unknown.client_final(client_final("pw", "n=,r=abc", first, "biws"));
  ASSERT_FALSE(final.ok());
  EXPECT_EQ(final.error().code, ErrorCode::kInvalidPassword);
  EXPECT_EQ(final.error().message, "password authentication failed for user \"bob\"");
  // Another secret gives another salt: nobody can compute it from the name.
  ScramServer elsewhere("bob", std::nullopt, "another secret");
  EXPECT_NE(salt(first), salt(*elsewhere.client_first("n,,n=,r=abc")));
}

struct Bad {
  std::string message;
  ErrorCode code;
  std::string words;  // the message, or the detail when the message is "malformed SCRAM message"
};

std::string words_of(const Error& error) {
  return error.message == "malformed SCRAM message" ? error.detail : error.message;
}

TEST(Scram, RefusesBrokenFirstMessages) {
  const ErrorCode violation = ErrorCode::kProtocolViolation;
  const std::vector<Bad> table = {
      {"", violation, "The message is empty."},
      {"n,,n=,r=a\0b"s, violation, "Message length does not match input length."},
      {"p=tls-server-end-point,,n=,r=abc", violation,
       "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding "
       "data."},
      {"x,,n=,r=abc", violation, "Unexpected channel-binding flag \"'x'\"."},
      {"\x01,,n=,r=abc", violation, "Unexpected channel-binding flag \"0x01\"."},
      {"n", violation, "Comma expected, but found character \"0x00\"."},
      {"nn,n=,r=abc", violation, "Comma expected, but found character \"'n'\"."},
      {"n,a=root,n=,r=abc", ErrorCode::kFeatureNotSupported,
       "client uses authorization identity, but it is not supported"},
      {"n,b=root,n=,r=abc", violation, "Unexpected attribute \"'b'\" in client-first-message."},
      {"n,,m=x,n=,r=abc", ErrorCode::kFeatureNotSupported, "client requires an unsupported SCRAM extension"},
      {"n,,r=abc", violation, "Expected attribute \"n\" but found \"'r'\"."},
      {"n,,n", violation, "Expected character \"=\" for attribute \"n\"."},
      {"n,,n=", violation, "Expected attribute \"r\" but found \"0x00\"."},
      {"n,,n=x,r", violation, "Expected character \"=\" for attribute \"r\"."},
      {"n,,n=,r=", violation, "non-printable characters in SCRAM nonce"},
      {"n,,n=,r=a b", violation, "non-printable characters in SCRAM nonce"},
      {"n,,n=,r=\xC3\xA9", violation, "non-printable characters in SCRAM nonce"},
      {"n,,n=,r=abc,1=x", violation, "Attribute expected, but found invalid character \"'1'\"."},
  };
  for (const Bad& bad : table) {
    ScramServer server = rfc_server();
    const auto answer = server.client_first(bad.message);
    ASSERT_FALSE(answer.ok()) << bad.message;
    EXPECT_EQ(answer.error().code, bad.code) << bad.message;
    EXPECT_EQ(words_of(answer.error()), bad.words);
    // The exchange is over: not even the right messages help now.
    EXPECT_FALSE(server.client_first(kClientFirst).ok());
    EXPECT_FALSE(server.client_final(kClientFinal).ok());
  }
}

TEST(Scram, RefusesBrokenFinalMessages) {
  const ErrorCode violation = ErrorCode::kProtocolViolation;
  const std::string good = kClientFinal;
  const std::string nonce = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  const std::string proof = good.substr(good.find(",p="));
  const std::vector<Bad> table = {
      {"", violation, "The message is empty."},
      {good + "\0"s, violation, "Message length does not match input length."},
      {"c=eSws," + nonce + proof, violation, "unexpected SCRAM channel-binding attribute in client-final-message"},
      {"c=," + nonce + proof, violation, "unexpected SCRAM channel-binding attribute in client-final-message"},
      {nonce + proof, violation, "Expected attribute \"c\" but found \"'r'\"."},
      {"c=biws" + proof, violation, "Expected attribute \"r\" but found \"'p'\"."},
      {"c=biws," + nonce, violation, "Attribute expected, but found end of string."},
      {"c=biws," + nonce + "x" + proof, violation, "invalid SCRAM response"},
      {"c=biws,r=rOprNGfwEbeRWgbNEkqO" + proof, violation, "invalid SCRAM response"},
      {"c=biws," + nonce + ",p=", violation, "Malformed proof in client-final-message."},
      {"c=biws," + nonce + ",p=AAAA", violation, "Malformed proof in client-final-message."},
      {"c=biws," + nonce + proof + "=", violation, "Malformed proof in client-final-message."},
      {good + ",x=1", violation, "Garbage found at the end of client-final-message."},
      {good + ",", violation, "Garbage found at the end of client-final-message."},
  };
  for (const Bad& bad : table) {
    ScramServer server = rfc_server();
    ASSERT_TRUE(server.client_first(kClientFirst).ok());
    const auto answer = server.client_final(bad.message);
    ASSERT_FALSE(answer.ok()) << bad.message;
    EXPECT_EQ(answer.error().code, bad.code) << bad.message;
    EXPECT_EQ(words_of(answer.error()), bad.words) << bad.message;
    EXPECT_FALSE(server.client_final(kClientFinal).ok());
    EXPECT_FALSE(server.authenticated());
  }
}

TEST(Scram, EveryCutOfAMessageIsRefused) {
  const std::string first = kClientFirst;
  for (size_t cut = 0; cut < first.find("r=") + 3; cut++) {
    ScramServer server = rfc_server();
    EXPECT_FALSE(server.client_first(first.substr(0, cut == 0 ? 0 : cut - 1)).ok()) << cut;
  }
  const std::string final = kClientFinal;
  for (size_t cut = 0; cut < final.size(); cut++) {
    ScramServer server = rfc_server();
    ASSERT_TRUE(server.client_first(kClientFirst).ok());
    EXPECT_FALSE(server.client_final(final.substr(0, cut)).ok()) << cut;
  }
}

TEST(Scram, MessagesMustComeInOrder) {
  ScramServer early = rfc_server();
  EXPECT_FALSE(early.client_final(kClientFinal).ok());
  ScramServer twice = rfc_server();
  ASSERT_TRUE(twice.client_first(kClientFirst).ok());
  EXPECT_FALSE(twice.client_first(kClientFirst).ok());
  ScramServer after = rfc_server();
  ASSERT_TRUE(after.client_first(kClientFirst).ok());
  ASSERT_TRUE(after.client_final(kClientFinal).ok());
  EXPECT_FALSE(after.client_final(kClientFinal).ok());
  EXPECT_FALSE(after.authenticated());
}

TEST(Verifier, IsPostgresText) {
  // What PostgreSQL 15 wrote into pg_authid for the RFC's password and salt.
  const std::string text =
      "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
      "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
  EXPECT_EQ(rfc_verifier().format(), text);
  const auto parsed = ScramVerifier::parse(text);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->format(), text);
  EXPECT_EQ(parsed->iterations, 4096);
}

TEST(Verifier, RefusesBrokenText) {
  const std::string good = rfc_verifier().format();
  for (size_t cut = 0; cut < good.size(); cut++) EXPECT_FALSE(ScramVerifier::parse(good.substr(0, cut)).ok()) << cut;
  const std::string keys = good.substr(good.find_last_of('$'));
  for (const std::string& bad :
       {"md5" + good, good + "=", good + " ", "SCRAM-SHA-256$0:AAAA" + keys, "SCRAM-SHA-256$-1:AAAA" + keys,
        "SCRAM-SHA-256$4096x:AAAA" + keys, "SCRAM-SHA-256$99999999999:AAAA" + keys,
        "SCRAM-SHA-256$10000001:AAAA" + keys, "SCRAM-SHA-256$4096:" + keys, "SCRAM-SHA-256$4096:A*AA" + keys}) {
    const auto parsed = ScramVerifier::parse(bad);
    ASSERT_FALSE(parsed.ok()) << bad;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidParameterValue);
    // An error must not repeat what might be a password that was put in the wrong place.
    EXPECT_EQ(parsed.error().to_string().find(keys), std::string::npos);
  }
}

TEST(Verifier, RefusesPasswordsThatCannotBe) {
  EXPECT_FALSE(make_verifier("").ok());
  EXPECT_FALSE(make_verifier("a\0b"s).ok());
  EXPECT_FALSE(make_verifier(std::string(1025, 'x')).ok());
  EXPECT_FALSE(make_verifier("x", 0).ok());
  EXPECT_TRUE(make_verifier(std::string(1024, 'x'), 1).ok());
  EXPECT_NE(make_verifier("x")->format(), make_verifier("x")->format()) << "salts must differ";
}

TEST(Saslprep, MapsWhatRfc4013Maps) {
  EXPECT_EQ(saslprep("I\u00ADX"), "IX");                // soft hyphen: nothing
  EXPECT_EQ(saslprep("user"), "user");                  // ASCII as it is
  EXPECT_EQ(saslprep("USER"), "USER");                  // case stays
  EXPECT_EQ(saslprep("\u00AA"), "a");                   // NFKC
  EXPECT_EQ(saslprep("\u2168"), "IX");                  // NFKC
  EXPECT_EQ(saslprep("a\u00A0b"), "a b");               // other spaces
  EXPECT_EQ(saslprep("e\u0301"), "\u00E9");             // composed
  EXPECT_EQ(saslprep("\x07"), "\x07");                  // ASCII control: PostgreSQL leaves ASCII alone
  EXPECT_EQ(saslprep("\u0007\u00E9"), "\u0007\u00E9");  // prohibited: the raw text
  EXPECT_EQ(saslprep("\u06271"), "\u06271");            // mixed direction: the raw text
  EXPECT_EQ(saslprep("\xFF\xE9"), "\xFF\xE9");          // not UTF-8: the raw bytes
  EXPECT_EQ(saslprep("\u00AD"), "\u00AD");              // nothing left: the raw text
}

TEST(Base64, IsStrict) {
  for (const std::string& text : {""s, "a"s, "ab"s, "abc"s, "abcd"s, "\0\xFF\x80"s}) {
    EXPECT_EQ(base64_decode(base64_encode(text)), text);
  }
  EXPECT_EQ(base64_encode("foob"), "Zm9vYg==");
  for (const char* bad : {"Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm 9", "Zh==", "Zm9=", "Zm9v\n", "Zm-v"}) {
    EXPECT_EQ(base64_decode(bad), std::nullopt) << bad;
  }
}

TEST(ConstantTimeEqual, Compares) {
  EXPECT_TRUE(constant_time_equal("abc", "abc"));
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_FALSE(constant_time_equal("abc", "abd"));
  EXPECT_FALSE(constant_time_equal("abc", "ab"));
}

}  // namespace
}  // namespace merganser::auth
