// Who a client is: by the channel it comes through, by its certificate, by its password.
#include "auth/password_file.h"
#include "base/log.h"
#include "pgwire/connection.h"

namespace merganser::pgwire {

void Connection::authenticate() {
  if (transport_->peer_is_trusted()) return log_in();
  if (transport_->is_local()) {
    return fatal(make_error(ErrorCode::kInvalidAuthorization, "peer authentication failed for user \"" + user_ + "\"",
                            {},
                            "The socket is for the user that runs the owner. Others connect over TCP with a password: "
                            "merganser serve --listen --password-file."));
  }
  const ChannelSecurity& security = transport_->security();
  if (security.must_encrypt && !security.encrypted) {
    log(LogLevel::kWarn, "auth.failed", {{"user", user_}, {"peer", transport_->peer()}, {"why", "no encryption"}});
    return fatal(make_error(ErrorCode::kInvalidAuthorization,
                            "connections from " + transport_->peer() + " have to be encrypted", {},
                            "Connect with TLS: sslmode=require."));
  }
  if (!options_->client_certificates) return start_scram();
  authenticate_certificate(security.certificate_name, *options_->client_certificates);
}

void Connection::authenticate_certificate(const std::optional<std::string>& name, ClientCertificates rule) {
  const bool fits = name && *name == user_;
  const auto refuse = [&](const std::string& message, const char* why, std::string hint = {}) {
    log(LogLevel::kWarn, "auth.failed", {{"user", user_}, {"peer", transport_->peer()}, {"why", why}});
    fatal(make_error(ErrorCode::kInvalidAuthorization, message, {}, std::move(hint)));
  };
  if (!name && rule != ClientCertificates::kOptional) {
    return refuse("connection requires a valid client certificate", "no certificate",
                  "Connect with TLS and a certificate: sslcert and sslkey.");
  }
  const bool must_fit = rule == ClientCertificates::kVerifyFull || rule == ClientCertificates::kCert;
  if (must_fit && !fits) {
    return refuse("certificate authentication failed for user \"" + user_ + "\"", "the certificate names another");
  }
  const bool may_replace_password = rule == ClientCertificates::kOptional || rule == ClientCertificates::kCert;
  if (may_replace_password && fits) return log_in();
  start_scram();
}

void Connection::start_scram() {
  if (options_->password_file.empty()) {
    return fatal(make_error(ErrorCode::kInvalidAuthorization, "nobody may log in over TCP: there is no password file",
                            {}, "Make one with merganser password and start the owner with --password-file."));
  }
  const auto file = auth::PasswordFile::load(options_->password_file);
  if (!file.ok()) {
    log(LogLevel::kError, "auth.password_file", {{"error", file.error().to_string()}});
    return fatal(make_error(ErrorCode::kInvalidAuthorization, "password authentication is not available now", {},
                            "The owner's log tells why the password file cannot be read."));
  }
  scram_ = std::make_unique<auth::ScramServer>(user_, file->find(user_), file->mock_secret());
  const std::string& end_point = transport_->security().end_point;
  if (end_point.empty()) {
    writer_.authentication_sasl({auth::kScramSha256});
  } else {
    scram_->offer_channel_binding(end_point);
    writer_.authentication_sasl({auth::kScramSha256Plus, auth::kScramSha256});
  }
  flush();
}

void Connection::on_password(const PasswordMessage& message) {
  if (!scram_) return fatal(make_error(ErrorCode::kProtocolViolation, "unexpected password message"));
  const auto fail = [&](const Error& error) {
    log(LogLevel::kWarn, "auth.failed", {{"user", user_}, {"peer", transport_->peer()}, {"why", error.message}});
    fatal(error);
  };
  if (scram_step_ == 0) {
    const auto initial = parse_sasl_initial_response(message.body);
    if (!initial.ok()) return fail(initial.error());
    scram_mechanism_ = initial->mechanism;
    scram_step_ = 1;
    if (!initial->data) {
      writer_.authentication_sasl_continue("");
      return flush();
    }
    return answer_client_first(*initial->data, fail);
  }
  if (scram_step_ == 1) return answer_client_first(message.body, fail);
  const auto reply = scram_->client_final(message.body);
  if (!reply.ok()) return fail(reply.error());
  writer_.authentication_sasl_final(*reply);
  scram_.reset();
  log_in();
}

void Connection::answer_client_first(std::string_view data, const std::function<void(const Error&)>& fail) {
  const auto reply = scram_->client_first(data, scram_mechanism_);
  if (!reply.ok()) return fail(reply.error());
  scram_step_ = 2;
  writer_.authentication_sasl_continue(*reply);
  flush();
}

}  // namespace merganser::pgwire
