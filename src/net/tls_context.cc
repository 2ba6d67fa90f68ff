#include "net/tls_context.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/certificate.h"
#include "os/file.h"

namespace merganser::net {
namespace {

// Forward secrecy and authenticated encryption only; every client of the last ten years has one of them.
constexpr const char* kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr unsigned char kProtocolName[] = "\x0apostgresql";  // ALPN, with its length in front

Error bad_file(const std::string& what, const std::string& path, std::string hint = {}) {
  return make_error(ErrorCode::kConfigFileError, "cannot use the " + what + " " + path, auth::take_openssl_error(),
                    std::move(hint));
}

// PostgreSQL's rule: ours and closed to all others, or root's and at most its group's.
Status check_key_file(const std::string& path) {
  MERGANSER_ASSIGN(const auto facts, os::file_facts(path));
  if (!facts) return make_error(ErrorCode::kConfigFileError, "there is no TLS key file " + path);
  if (!S_ISREG(facts->mode)) return make_error(ErrorCode::kConfigFileError, "the TLS key " + path + " is no file");
  const bool ours = facts->uid == ::geteuid();
  if (!ours && facts->uid != 0) {
    return make_error(ErrorCode::kConfigFileError, "the TLS key file " + path + " belongs to somebody else");
  }
  if ((facts->mode & (ours && facts->uid != 0 ? 077 : 027)) != 0) {
    return make_error(ErrorCode::kConfigFileError, "others may read or write the TLS key file " + path, {},
                      "chmod 600 " + path);
  }
  return {};
}

Status check_readable(const std::string& what, const std::string& path) {
  if (::access(path.c_str(), R_OK) == 0) return {};
  return errno_error(errno, "cannot read the " + what + " " + path);
}

// The hash of the certificate by its own signature's digest; MD5 and SHA-1 count as SHA-256 (RFC 5929, section 4.1).
std::string end_point_of(X509* certificate) {
  int digest = NID_undef;
  if (X509_get_signature_info(certificate, &digest, nullptr, nullptr, nullptr) != 1) return {};
  if (digest == NID_md5 || digest == NID_sha1) digest = NID_sha256;
  const EVP_MD* algorithm = EVP_get_digestbynid(digest);
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (algorithm == nullptr || X509_digest(certificate, algorithm, hash, &size) != 1) return {};
  return std::string(reinterpret_cast<const char*>(hash), size);
}

// A client that names protocols must name ours: then a page in a browser cannot be made to talk to us (RFC 7301).
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned int offered_size, void*) {
  unsigned char* chosen = nullptr;
  const int result =
      SSL_select_next_proto(&chosen, out_size, kProtocolName, sizeof kProtocolName - 1, offered, offered_size);
  *out = chosen;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Nobody is there to type a passphrase.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsFiles& files) {
  std::shared_ptr<TlsContext> made(new TlsContext());
  made->context_.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = made->context_.get();
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context, kTls12Ciphers) != 1) {
    return make_error(ErrorCode::kInternalError, "cannot set up TLS", auth::take_openssl_error());
  }
  // No renegotiation and no session resumption, as in PostgreSQL: they would save little and have a history.
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);  // idle connections keep no buffers
  SSL_CTX_set_read_ahead(context, 1);                       // a record's header and body in one read
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  MERGANSER_TRY(made->use_certificate(files));
  if (!files.client_ca.empty()) MERGANSER_TRY(made->use_client_authorities(files));
  return std::shared_ptr<const TlsContext>(std::move(made));
}

Status TlsContext::use_certificate(const TlsFiles& files) {
  SSL_CTX* context = context_.get();
  MERGANSER_TRY(check_readable("TLS certificate", files.certificate));
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return bad_file("TLS certificate", files.certificate, "It has to be PEM: -----BEGIN CERTIFICATE-----.");
  }
  MERGANSER_TRY(check_key_file(files.key));
  MERGANSER_TRY(check_readable("TLS key", files.key));
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return bad_file("TLS key", files.key, "It has to be PEM, without a passphrase, and belong to the certificate.");
  }
  if (SSL_CTX_check_private_key(context) != 1) return bad_file("TLS key", files.key);
  X509* certificate = SSL_CTX_get0_certificate(context);
  end_point_ = end_point_of(certificate);
  tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1) valid_until_ = timegm(&end);
  return {};
}

Status TlsContext::use_client_authorities(const TlsFiles& files) {
  SSL_CTX* context = context_.get();
  MERGANSER_TRY(check_readable("file of client authorities", files.client_ca));
  if (SSL_CTX_load_verify_file(context, files.client_ca.c_str()) != 1) {
    return bad_file("file of client authorities", files.client_ca);
  }
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(files.client_ca.c_str());
  if (names == nullptr) return bad_file("file of client authorities", files.client_ca);
  SSL_CTX_set_client_CA_list(context, names);
  if (!files.crl.empty()) {
    MERGANSER_TRY(check_readable("TLS revocation list", files.crl));
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    X509_LOOKUP* lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (lookup == nullptr || X509_load_crl_file(lookup, files.crl.c_str(), X509_FILETYPE_PEM) <= 0) {
      return bad_file("TLS revocation list", files.crl);
    }
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  }
  // A client without a certificate gets through the handshake: what it needs one for is told in words afterwards.
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, nullptr);
  return {};
}

}  // namespace merganser::net
