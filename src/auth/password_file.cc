#include "auth/password_file.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "os/file.h"
#include "os/lock.h"

namespace merganser::auth {

namespace {

constexpr std::chrono::seconds kLockWait{5};

Error line_error(const std::string& name, size_t line, const std::string& what) {
  return make_error(ErrorCode::kConfigFileError, fmt::format("{}, line {}: {}", name, line, what), {},
                    "Each line is user:verifier; `merganser password` writes one.");
}

// The next line without its end ("\n" or "\r\n"); `text` moves past it.
std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_blank_or_comment(std::string_view line) {
  return line.starts_with('#') || line.find_first_not_of(" \t") == std::string_view::npos;
}

std::string_view user_of(std::string_view line) {
  return line.substr(0, line.find(':'));
}

// Symbolic links are followed here, once, so that replacing the file does not replace the link.
std::string resolved(const std::string& path) {
  std::error_code problem;
  const auto real = std::filesystem::canonical(path, problem);
  return problem ? path : real.string();
}

Status check_access(const std::string& path, const os::FileFacts& facts) {
  if (!S_ISREG(facts.mode)) {
    return make_error(ErrorCode::kConfigFileError, fmt::format("the password file {} is not a regular file", path));
  }
  if (facts.uid != ::geteuid() && facts.uid != 0) {
    return make_error(
        ErrorCode::kConfigFileError, fmt::format("the password file {} belongs to another user", path),
        fmt::format("It belongs to user id {}; this program runs as {}.", facts.uid, ::geteuid()),
        fmt::format("Make a file of your own with `merganser password`, or: sudo chown {} {}", ::geteuid(), path));
  }
  if ((facts.mode & 077) != 0) {
    return make_error(ErrorCode::kConfigFileError,
                      fmt::format("the password file {} can be read or written by others", path),
                      fmt::format("Its mode is {:04o}.", facts.mode & 07777), "chmod 600 " + path);
  }
  return {};
}

// The text of a file that may be trusted; nullopt when there is none.
Result<std::optional<std::string>> read_trusted(const std::string& path) {
  MERGANSER_ASSIGN(const auto facts, os::file_facts(path));
  if (!facts) return std::optional<std::string>();
  MERGANSER_TRY(check_access(path, *facts));
  MERGANSER_ASSIGN(std::string text, os::read_small_file(path, kMaxPasswordFileBytes));
  return std::optional<std::string>(std::move(text));
}

// All lines of `text`, with this one in place of the user's old line or at the end.
std::string with_line(std::string_view text, std::string_view user, const std::string& new_line) {
  std::string out;
  bool written = false;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const bool replaced = !is_blank_or_comment(line) && user_of(line) == user;
    out.append(replaced ? new_line : line).push_back('\n');
    written = written || replaced;
  }
  if (!written) out.append(new_line).push_back('\n');
  return out;
}

}  // namespace

Status check_user_name(std::string_view user) {
  const auto refuse = [](std::string why) {
    return make_error(ErrorCode::kInvalidParameterValue, "not a user name: " + std::move(why));
  };
  if (user.empty()) return refuse("it is empty");
  if (user.size() > kMaxUserNameBytes) return refuse(fmt::format("it is longer than {} bytes", kMaxUserNameBytes));
  if (find_invalid_utf8(user)) return refuse("it is not UTF-8");
  const bool control = std::any_of(user.begin(), user.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; });
  if (control) return refuse("it has a control character");
  if (user.find(':') != std::string_view::npos) return refuse("it has a colon");
  if (user.front() == '#') return refuse("it starts with #, as a comment does");
  if (user.front() == ' ' || user.back() == ' ') return refuse("it starts or ends with a blank");
  return {};
}

Result<PasswordFile> PasswordFile::parse(std::string_view text, const std::string& name) {
  PasswordFile out;
  for (size_t number = 1; !text.empty(); number++) {
    const std::string_view line = take_line(text);
    if (is_blank_or_comment(line)) continue;
    if (line.find(':') == std::string_view::npos) return line_error(name, number, "there is no colon");
    const std::string_view user = user_of(line);
    if (const Status valid = check_user_name(user); !valid.ok()) {
      return line_error(name, number, valid.error().message);
    }
    auto verifier = ScramVerifier::parse(line.substr(user.size() + 1));
    if (!verifier.ok()) {
      return line_error(name, number, verifier.error().message + ". " + verifier.error().detail);
    }
    if (out.users_.empty()) {
      MERGANSER_ASSIGN(const Digest secret, hmac_sha256(as_text(verifier->server_key), "mock authentication"));
      out.mock_secret_ = as_text(secret);
    }
    if (!out.users_.emplace(user, std::move(*verifier)).second) {
      return line_error(name, number, fmt::format("the user \"{}\" is there twice", user));
    }
  }
  if (out.users_.empty()) {
    MERGANSER_ASSIGN(out.mock_secret_, random_bytes(Digest().size()));
  }
  return out;
}

Result<PasswordFile> PasswordFile::load(const std::string& path) {
  MERGANSER_ASSIGN(const auto text, read_trusted(resolved(path)));
  if (!text) {
    return make_error(ErrorCode::kConfigFileError, fmt::format("there is no password file {}", path), {},
                      "`merganser password` makes one.");
  }
  return parse(*text, path);
}

std::optional<ScramVerifier> PasswordFile::find(std::string_view user) const {
  const auto found = users_.find(user);
  if (found == users_.end()) return std::nullopt;
  return found->second;
}

Status set_password(const std::string& path, std::string_view user, const ScramVerifier& verifier) {
  MERGANSER_TRY(check_user_name(user));
  const std::string real = resolved(path);
  MERGANSER_ASSIGN(const os::FileLock lock, os::FileLock::take(real + ".lock", Deadline::in(kLockWait)));
  MERGANSER_ASSIGN(const auto old_text, read_trusted(real));
  if (old_text) {
    // Whoever made a mistake by hand should mend it, not have it buried under a new line.
    const auto old_file = PasswordFile::parse(*old_text, path);
    if (!old_file.ok()) return old_file.error();
  }
  const std::string text = with_line(old_text.value_or(""), user, std::string(user) + ":" + verifier.format());
  if (text.size() > kMaxPasswordFileBytes) {
    return make_error(ErrorCode::kProgramLimitExceeded,
                      fmt::format("the password file {} would be larger than {} bytes", path, kMaxPasswordFileBytes));
  }
  return os::write_file_atomically(real, text, 0600);
}

}  // namespace merganser::auth
