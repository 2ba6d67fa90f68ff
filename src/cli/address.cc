#include "cli/address.h"

#include <array>
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

namespace merganser::cli {

std::string percent_encoded(std::string_view text, std::string_view also_kept) {
  static constexpr std::string_view kUnreserved = "-._~";  // RFC 3986, besides letters and digits
  std::string result;
  for (const char c : text) {
    const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const auto among = [c](std::string_view set) { return set.find(c) != std::string_view::npos; };
    if (alphanumeric || among(kUnreserved) || among(also_kept)) {
      result += c;
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

std::string Address::uri() const {
  // node-postgres decodes the path with decodeURI, which leaves these escaped: they must stand as they are.
  const std::string path = percent_encoded(database, ";:@&=+$,");
  if (host.starts_with('/')) {
    return fmt::format("postgresql://{}@/{}?host={}&port={}", percent_encoded(user), path, percent_encoded(host, "/"),
                       port);
  }
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("postgresql://{}@{}:{}/{}", percent_encoded(user), v6 ? "[" + host + "]" : host, port, path);
}

std::vector<std::pair<std::string, std::string>> Address::environment() const {
  return {{"PGHOST", host}, {"PGPORT", port}, {"PGDATABASE", database}, {"PGUSER", user}, {"DATABASE_URL", uri()}};
}

std::string database_name(std::string_view file) {
  const size_t slash = file.rfind('/');
  std::string_view name = slash == std::string_view::npos ? file : file.substr(slash + 1);
  const size_t dot = name.rfind('.');
  if (dot != std::string_view::npos && dot > 0) name = name.substr(0, dot);
  const bool taken = name.empty() || name == "main" || name == "memory" || name == "system" || name == "temp" ||
                     name == "merganser_pg";
  return std::string(name) + (taken ? "_db" : "");
}

std::string user_name() {
  std::array<char, 4096> buffer;
  struct passwd entry {};
  struct passwd* found = nullptr;
  if (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
    return entry.pw_name;
  return std::to_string(geteuid());
}

Result<Address> tcp_address(std::string_view listen, Address address) {
  const size_t colon = listen.rfind(':');
  if (colon == std::string_view::npos || colon == 0) {
    return make_error(ErrorCode::kInvalidParameterValue, "this owner does not listen on TCP", {},
                      "stop it and start it with: merganser serve FILE --listen 127.0.0.1:5432 --password-file F");
  }
  address.host = listen.substr(0, colon);
  if (address.host.size() > 2 && address.host.front() == '[')
    address.host = address.host.substr(1, address.host.size() - 2);
  if (address.host == "0.0.0.0") address.host = "127.0.0.1";
  if (address.host == "::") address.host = "::1";
  address.port = listen.substr(colon + 1);
  return address;
}

}  // namespace merganser::cli
