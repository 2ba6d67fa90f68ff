// The file that says who may log in over TCP: lines of `user:verifier`, comments that start with #.
//
// Threads: a loaded file is immutable and may be shared. Lifetime: values; loading again is how changes are seen.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "auth/scram_verifier.h"
#include "base/result.h"

namespace merganser::auth {

inline constexpr size_t kMaxPasswordFileBytes = 1024 * 1024;  // about 7,000 users; read at every log-in
inline constexpr size_t kMaxUserNameBytes = 63;               // PostgreSQL's NAMEDATALEN - 1

class PasswordFile {
 public:
  // Refuses a file that group or others may read or write, or that belongs to somebody else than us or root.
  static Result<PasswordFile> load(const std::string& path);
  // `name` is what errors call the file; they say the line, never what stands in it.
  static Result<PasswordFile> parse(std::string_view text, const std::string& name);

  std::optional<ScramVerifier> find(std::string_view user) const;
  size_t size() const { return users_.size(); }
  // For ScramServer's answers to unknown names: derived from the file, so that it survives a restart, and as secret
  // as the file. It changes when the first user's verifier does.
  const std::string& mock_secret() const { return mock_secret_; }

 private:
  std::map<std::string, ScramVerifier, std::less<>> users_;
  std::string mock_secret_;
};

// 1 to 63 bytes of UTF-8 without control characters, ':', '#' in front, or blanks at either end.
Status check_user_name(std::string_view user);

// Adds the user's line, or replaces it, and keeps all others as they are. The file is replaced as a whole (temporary
// file and rename, mode 0600): a reader sees the old one or the new one. Callers in several processes take turns
// through `<path>.lock`. A file that load() would refuse is not touched.
Status set_password(const std::string& path, std::string_view user, const ScramVerifier& verifier);

}  // namespace merganser::auth
