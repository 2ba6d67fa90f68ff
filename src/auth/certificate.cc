#include "auth/certificate.h"

#include <algorithm>
#include <arpa/inet.h>
#include <memory>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "auth/crypto.h"

namespace merganser::auth {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using Memory = std::unique_ptr<BIO, Deleter<BIO_free_all>>;

constexpr size_t kMaxCommonName = 64;  // RFC 5280, ub-common-name
constexpr size_t kSerialBytes = 16;
constexpr long kClockSkewSeconds = 3600;

Error failed(const char* what) {
  return make_error(ErrorCode::kInternalError, std::string("cannot make a certificate: ") + what, take_openssl_error());
}

bool is_address(const std::string& host) {
  in6_addr ignored;
  return inet_pton(AF_INET, host.c_str(), &ignored) == 1 || inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

// A name that would need escaping in an extension's text is none that a host has.
bool is_plain(const std::string& host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._:").find(c) != std::string_view::npos;
  });
}

std::string alternative_names(const std::vector<std::string>& hosts) {
  std::string out;
  for (const std::string& host : hosts) {
    if (!is_plain(host)) continue;
    out += (out.empty() ? "" : ",") + std::string(is_address(host) ? "IP:" : "DNS:") + host;
  }
  return out;
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// Positive and unpredictable, as RFC 5280 asks for.
bool set_serial(X509* certificate) {
  auto bytes = random_bytes(kSerialBytes);
  if (!bytes.ok()) return false;
  (*bytes)[0] = static_cast<char>(((*bytes)[0] & 0x3F) | 0x40);
  const std::unique_ptr<BIGNUM, Deleter<BN_free>> number(
      BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes->data()), kSerialBytes, nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_name(X509* certificate, const std::string& host) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto add = [name](const char* field, const std::string& value) {
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.c_str()),
                                      -1, -1, 0) == 1;
  };
  return add("O", "Merganser, self-signed") && add("CN", host.substr(0, kMaxCommonName)) &&
         X509_set_issuer_name(certificate, name) == 1;
}

template <typename Write>
std::string as_pem(Write write) {
  const Memory memory(BIO_new(BIO_s_mem()));
  if (!memory || write(memory.get()) != 1) return {};
  const char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

}  // namespace

std::string take_openssl_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason != nullptr ? reason : "OpenSSL gives no reason";
}

Result<KeyAndCertificate> make_self_signed(const std::vector<std::string>& hosts, std::chrono::seconds valid_for) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return failed("no key");
  const Certificate certificate(X509_new());
  if (!certificate || X509_set_version(certificate.get(), X509_VERSION_3) != 1 || !set_serial(certificate.get()) ||
      X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kClockSkewSeconds) == nullptr ||
      X509_gmtime_adj(X509_getm_notAfter(certificate.get()), valid_for.count()) == nullptr ||
      X509_set_pubkey(certificate.get(), key.get()) != 1) {
    return failed("no certificate");
  }
  const std::string names = alternative_names(hosts);
  const auto first = std::find_if(hosts.begin(), hosts.end(), is_plain);
  if (!set_name(certificate.get(), first == hosts.end() ? "localhost" : *first)) return failed("no name");
  if (!add_extension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(certificate.get(), NID_key_usage, "critical,digitalSignature") ||
      !add_extension(certificate.get(), NID_ext_key_usage, "serverAuth") ||
      (!names.empty() && !add_extension(certificate.get(), NID_subject_alt_name, names)) ||
      !add_extension(certificate.get(), NID_subject_key_identifier, "hash")) {
    return failed("no extensions");
  }
  if (X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0) return failed("no signature");
  KeyAndCertificate out;
  out.key_pem =
      as_pem([&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  out.certificate_pem = as_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
  if (out.key_pem.empty() || out.certificate_pem.empty()) return failed("no text");
  return out;
}

Result<int64_t> certificate_end(std::string_view pem) {
  const Memory memory(BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<size_t>(pem.size(), 1 << 20))));
  const Certificate certificate(memory ? PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!certificate) return make_error(ErrorCode::kConfigFileError, "there is no certificate", take_openssl_error());
  tm time{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &time) != 1) {
    return make_error(ErrorCode::kConfigFileError, "the certificate has no end", take_openssl_error());
  }
  return static_cast<int64_t>(timegm(&time));
}

}  // namespace merganser::auth
