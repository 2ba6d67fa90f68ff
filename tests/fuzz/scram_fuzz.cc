// Feeds a client's two SCRAM messages, split at the first newline, to a server that knows the user and to one that
// does not. Nobody may get in: the fuzzer does not know the password.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "auth/scram.h"

using namespace merganser;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auth::ScramVerifier verifier = *auth::make_verifier("not in the corpus", 1);
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t split = input.find('\n');
  const std::string first(input.substr(0, split));
  const std::string final(split == std::string_view::npos ? std::string_view() : input.substr(split + 1));
  for (const bool known : {true, false}) {
    auth::ScramServer server("ada", known ? std::optional(verifier) : std::nullopt, "secret", "nonce");
    const auto answer = server.client_first(first);
    if (answer.ok() && !answer->starts_with("r=")) std::abort();
    const auto end = server.client_final(final);
    if (end.ok() || server.authenticated()) std::abort();
  }
  (void)auth::ScramVerifier::parse(input);
  return 0;
}
