#include "net/tls_credentials.h"

#include <ctime>

#include "auth/certificate.h"
#include "base/log.h"

namespace merganser::net {
namespace {

// Clients that pin a self-signed certificate have to fetch it again when it changes: seldom is better than often.
constexpr std::chrono::hours kValidFor{24 * 365 * 5};
constexpr int64_t kDay = 24 * 60 * 60;
constexpr int64_t kRenewBefore = 30 * kDay;
constexpr int64_t kWarnBefore = 14 * kDay;

int64_t days_left(const TlsContext& context) {
  return (context.valid_until() - std::time(nullptr)) / kDay;
}

bool same(const std::optional<os::FileFacts>& a, const std::optional<os::FileFacts>& b) {
  if (a.has_value() != b.has_value()) return false;
  return !a || (a->id == b->id && a->size == b->size && a->modified_ns == b->modified_ns && a->mode == b->mode);
}

}  // namespace

Result<TlsCredentials> TlsCredentials::open(TlsSource source) {
  TlsCredentials out;
  out.generated_ = source.files.certificate.empty();
  if (out.generated_ != source.files.key.empty()) {
    return make_error(ErrorCode::kInvalidParameterValue, "a TLS certificate and its key are only of use together", {},
                      "Set tls_certificate and tls_key, or neither: then a self-signed one is made.");
  }
  if (out.generated_) {
    source.files.certificate = source.generated + ".tls.crt";
    source.files.key = source.generated + ".tls.key";
  }
  out.source_ = std::move(source);
  MERGANSER_TRY(out.load());
  return out;
}

TlsCredentials::Facts TlsCredentials::facts() const {
  Facts out;
  const TlsFiles& files = source_.files;
  for (const std::string* path : {&files.certificate, &files.key, &files.client_ca, &files.crl}) {
    auto one = path->empty() ? Result<std::optional<os::FileFacts>>(std::nullopt) : os::file_facts(*path);
    out.push_back(one.ok() ? *one : std::nullopt);
  }
  return out;
}

// Before the files are read: what changes meanwhile is seen by the next look.
Status TlsCredentials::load() {
  seen_ = facts();
  auto loaded = TlsContext::load(source_.files);
  const bool ends_soon = loaded.ok() && (*loaded)->valid_until() < std::time(nullptr) + kRenewBefore;
  if (generated_ && (!loaded.ok() || ends_soon)) {
    MERGANSER_TRY(make());
    seen_ = facts();
    loaded = TlsContext::load(source_.files);
  }
  if (!loaded.ok()) return std::move(loaded).error();
  current_ = std::move(*loaded);
  if (current_->valid_until() < std::time(nullptr) + kWarnBefore) {
    log(LogLevel::kWarn, "tls.certificate_ends",
        {{"certificate", source_.files.certificate}, {"days", days_left(*current_)}});
  }
  return {};
}

Status TlsCredentials::make() const {
  MERGANSER_ASSIGN(const auth::KeyAndCertificate made, auth::make_self_signed(source_.hosts, kValidFor));
  MERGANSER_TRY(os::write_file_atomically(source_.files.key, made.key_pem, 0600));
  MERGANSER_TRY(os::write_file_atomically(source_.files.certificate, made.certificate_pem, 0644));
  log(LogLevel::kInfo, "tls.certificate_made", {{"certificate", source_.files.certificate}});
  return {};
}

void TlsCredentials::look(bool even_unchanged) {
  const Facts now = facts();
  bool changed = even_unchanged || now.size() != seen_.size();
  for (size_t i = 0; !changed && i < now.size(); i++) changed = !same(now[i], seen_[i]);
  const bool due = generated_ && current_->valid_until() < std::time(nullptr) + kRenewBefore;
  if (!changed && !due) return;
  const auto before = current_;
  if (const Status loaded = load(); !loaded.ok()) {
    log(LogLevel::kError, "tls.reload_failed",
        {{"certificate", source_.files.certificate}, {"error", loaded.error().to_string()}});
  } else {
    log(LogLevel::kInfo, "tls.reloaded", {{"certificate", source_.files.certificate}, {"days", days_left(*current_)}});
  }
}

}  // namespace merganser::net
