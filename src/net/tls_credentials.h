// Where the server's certificate comes from: files that somebody named, or a self-signed one that is made and renewed
// beside the database. Follows the files when they change.
//
// Threads: the loop's. Lifetime: of the server; a context that was handed out outlives its replacement.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/tls_context.h"
#include "os/file.h"

namespace merganser::net {

struct TlsSource {
  TlsFiles files;                  // certificate and key empty: made here
  std::string generated;           // prefix of the names of what is made: <generated>.tls.crt and .tls.key
  std::vector<std::string> hosts;  // that a made certificate names
};

class TlsCredentials {
 public:
  static Result<TlsCredentials> open(TlsSource source);

  const std::shared_ptr<const TlsContext>& current() const { return current_; }
  const TlsFiles& files() const { return source_.files; }
  bool generated() const { return generated_; }

  // Takes the files up when they have changed since they were last looked at, or when `even_unchanged`; renews what was
  // made here when its end is near. What cannot be used is logged, and the old stays.
  void look(bool even_unchanged);

 private:
  using Facts = std::vector<std::optional<os::FileFacts>>;
  TlsCredentials() = default;
  Facts facts() const;
  Status load();
  Status make() const;

  TlsSource source_;
  bool generated_ = false;
  Facts seen_;
  std::shared_ptr<const TlsContext> current_;
};

}  // namespace merganser::net
