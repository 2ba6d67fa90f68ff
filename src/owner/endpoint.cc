#include "owner/endpoint.h"

#include <unistd.h>

#include "owner/wire.h"

namespace merganser::owner {
namespace {
constexpr size_t kEndpointLimit = 16 * 1024;
}

Result<std::optional<Endpoint>> read_endpoint(const FilePlace& place) {
  MERGANSER_ASSIGN(const std::optional<os::FileFacts> facts, os::link_facts(place.endpoint_path()));
  if (!facts) return std::optional<Endpoint>();
  // Whoever may write into the directory could plant an endpoint that leads elsewhere.
  if (facts->uid != place.rightful_user() && facts->uid != ::geteuid() && facts->uid != 0) {
    return make_error(ErrorCode::kInsufficientPrivilege,
                      place.endpoint_path() + " belongs to " + os::user_name(facts->uid) + " and is not trusted", {},
                      "find out who made it and remove it");
  }
  Result<std::string> text = os::read_small_file(place.endpoint_path(), kEndpointLimit);
  if (!text.ok()) {
    if (text.error().code == ErrorCode::kUndefinedFile) return std::optional<Endpoint>();
    if (text.error().code == ErrorCode::kInsufficientPrivilege) {
      return make_error(ErrorCode::kInsufficientPrivilege, "no permission to reach the owner of " + place.path(),
                        "it runs as " + os::user_name(facts->uid) + ", this is " + os::user_name(::geteuid()),
                        "run as " + os::user_name(facts->uid) + ", or connect over TCP with a password");
    }
    // Too large to be one of ours: damaged, like one that does not parse.
    if (text.error().code == ErrorCode::kProgramLimitExceeded) return wire::parse_endpoint({}).error();
    return std::move(text).error();
  }
  MERGANSER_ASSIGN(Endpoint endpoint, wire::parse_endpoint(*text));
  return std::optional<Endpoint>(std::move(endpoint));
}

Status write_endpoint(const FilePlace& place, const Endpoint& endpoint) {
  return os::write_file_atomically(place.endpoint_path(), wire::endpoint_text(endpoint), 0600);
}

Status remove_endpoint(const FilePlace& place, const std::string& nonce) {
  MERGANSER_ASSIGN(const std::optional<Endpoint> found, read_endpoint(place));
  if (!found || found->nonce != nonce) return {};
  return os::remove_file(place.endpoint_path());
}

}  // namespace merganser::owner
