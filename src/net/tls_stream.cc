#include "net/tls_stream.h"

#include <cerrno>
#include <cstring>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "auth/certificate.h"

namespace merganser::net {

void TlsStream::Free::operator()(ssl_st* stream) const {
  SSL_free(stream);
}

TlsStream::TlsStream(std::shared_ptr<const TlsContext> context, int fd)
    : context_(std::move(context)), stream_(SSL_new(context_->raw())) {
  if (!stream_ || SSL_set_fd(stream_.get(), fd) != 1) {
    problem_ = auth::take_openssl_error();
    stream_.reset();
    return;
  }
  SSL_set_accept_state(stream_.get());
}

TlsStream::~TlsStream() = default;

TlsStream::Outcome TlsStream::outcome_of(int result) {
  const int error = errno;
  switch (SSL_get_error(stream_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Outcome::kWantRead;
    case SSL_ERROR_WANT_WRITE:
      return Outcome::kWantWrite;
    case SSL_ERROR_ZERO_RETURN:
      return Outcome::kClosed;
    case SSL_ERROR_SYSCALL:
      ERR_clear_error();
      problem_ = error == 0 ? "the connection was closed" : std::strerror(error);
      return Outcome::kClosed;
    default:
      break;
  }
  // A peer that vanishes without a goodbye is no failure of TLS.
  const unsigned long reason = ERR_peek_error();
  const bool cut_off =
      ERR_GET_LIB(reason) == ERR_LIB_SSL && ERR_GET_REASON(reason) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  problem_ = auth::take_openssl_error();
  const long verdict = SSL_get_verify_result(stream_.get());
  if (verdict != X509_V_OK) problem_ += std::string(": ") + X509_verify_cert_error_string(verdict);
  return cut_off ? Outcome::kClosed : Outcome::kFailed;
}

TlsStream::Outcome TlsStream::handshake() {
  if (!stream_) return Outcome::kFailed;
  ERR_clear_error();
  errno = 0;
  const int result = SSL_do_handshake(stream_.get());
  return result == 1 ? Outcome::kDone : outcome_of(result);
}

TlsStream::Moved TlsStream::read(char* buffer, size_t size) {
  ERR_clear_error();
  errno = 0;
  size_t bytes = 0;
  const int result = SSL_read_ex(stream_.get(), buffer, size, &bytes);
  if (result == 1) return {Outcome::kDone, bytes};
  return {outcome_of(result)};
}

TlsStream::Moved TlsStream::write(const char* from, size_t size) {
  ERR_clear_error();
  errno = 0;
  size_t bytes = 0;
  const int result = SSL_write_ex(stream_.get(), from, size, &bytes);
  if (result == 1) return {Outcome::kDone, bytes};
  return {outcome_of(result)};
}

bool TlsStream::has_pending() const {
  return SSL_has_pending(stream_.get()) == 1;
}

void TlsStream::say_goodbye() {
  if (!stream_ || !problem_.empty() || SSL_is_init_finished(stream_.get()) != 1) return;
  ERR_clear_error();
  SSL_shutdown(stream_.get());
  ERR_clear_error();
}

bool TlsStream::agreed_on_protocol() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(stream_.get(), &name, &size);
  return size > 0;
}

std::string TlsStream::version() const {
  return SSL_get_version(stream_.get());
}

std::optional<std::string> TlsStream::verified_name() const {
  X509* certificate = SSL_get0_peer_certificate(stream_.get());
  if (certificate == nullptr || SSL_get_verify_result(stream_.get()) != X509_V_OK) return std::nullopt;
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  // Two common names leave open which one the authority looked at.
  if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return std::string();
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return std::string();
  std::string name(reinterpret_cast<char*>(text), static_cast<size_t>(size));
  OPENSSL_free(text);
  if (name.find('\0') != std::string::npos) name.clear();
  return name;
}

}  // namespace merganser::net
