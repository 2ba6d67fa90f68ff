#include "owner/control_client.h"

#include <unistd.h>

#include "os/io.h"
#include "os/process.h"
#include "os/unix_socket.h"

namespace merganser::owner {
namespace {

constexpr size_t kReplyLimit = 4 << 20;

Result<std::string> exchange(int socket, const std::string& line, Deadline deadline) {
  MERGANSER_TRY(os::send_all(socket, line + "\n", deadline));
  os::LineReader lines(socket, kReplyLimit);
  MERGANSER_ASSIGN(std::optional<std::string> reply, lines.next(deadline));
  if (!reply) return make_error(ErrorCode::kConnectionFailure, "the owner closed the control connection");
  return *std::move(reply);
}

bool is_trusted(uid_t peer, const FilePlace& place) {
  return peer == ::geteuid() || peer == 0 || peer == place.rightful_user();
}

std::string not_running(const FilePlace& place) {
  return "no owner runs for " + place.path();
}

// Whether the owner that answered is the one of the endpoint file and of the file at the path as it is now.
std::optional<std::string> mismatch(const FilePlace& place, const Endpoint& endpoint, const wire::Hello& hello) {
  if (hello.nonce != endpoint.nonce) return "the process at its control socket is another owner";
  const Result<std::optional<os::FileFacts>> now = os::file_facts(place.path());
  if (!now.ok()) return "the database cannot be looked at: " + now.error().to_string();
  if (!*now) return "the database file is gone";
  if ((*now)->id != hello.file) return "the database file was replaced while its owner ran";
  return std::nullopt;
}

Probe judge(const FilePlace& place, Probe probe, const wire::Hello& hello) {
  if (const std::optional<std::string> reason = mismatch(place, *probe.endpoint, hello)) {
    probe.state = ProbeState::kStale;
    probe.error = make_error(ErrorCode::kConnectionFailure, not_running(place), *reason);
  } else if (hello.protocol_max < kProtocolMin || hello.protocol_min > kProtocolMax) {
    probe.state = ProbeState::kRefused;
    probe.error = make_error(ErrorCode::kConnectionRejected,
                             "the owner of " + place.path() + " is merganser " + hello.version +
                                 " and speaks another control protocol than this program (" + kVersion + ")",
                             {}, "use the same version, or stop the owner with the version that started it");
  } else if (hello.leaving) {
    probe.state = ProbeState::kLeaving;
    probe.error = make_error(ErrorCode::kCannotConnectNow, "the owner of " + place.path() + " is shutting down", {},
                             "try again in a moment");
  } else {
    probe.state = ProbeState::kLive;
  }
  return probe;
}

Probe silent(const FilePlace& place, Probe probe) {
  probe.state = ProbeState::kSilent;
  probe.error = make_error(ErrorCode::kCannotConnectNow, "the owner of " + place.path() + " does not answer",
                           "it is " + describe_owner(*probe.endpoint),
                           "look at it with: merganser doctor '" + place.path() +
                               "'; if it hangs, end it with: merganser stop --force '" + place.path() + "'");
  return probe;
}

Probe refused(Probe probe, Error error) {
  probe.state = ProbeState::kRefused;
  probe.error = std::move(error);
  return probe;
}

}  // namespace

std::string describe_owner(const Endpoint& endpoint) {
  const std::string pid = std::to_string(endpoint.process.pid);
  if (!os::is_running(endpoint.process)) return "pid " + pid + ", which is gone";
  return os::process_name(endpoint.process.pid) + " (pid " + pid + ")";
}

Probe probe(const FilePlace& place, wire::Intent intent, Deadline deadline) {
  Probe probe;
  Result<std::optional<Endpoint>> endpoint = read_endpoint(place);
  if (!endpoint.ok()) {
    // What cannot be parsed leads nowhere; what must not be read is a reason not to start another owner.
    const bool unreadable = endpoint.error().code == ErrorCode::kProtocolViolation;
    probe.state = unreadable ? ProbeState::kStale : ProbeState::kRefused;
    probe.error = std::move(endpoint).error();
    return probe;
  }
  if (!*endpoint) {
    probe.error = make_error(ErrorCode::kConnectionFailure, not_running(place));
    return probe;
  }
  probe.endpoint = std::move(endpoint).value();
  const Result<os::UniqueFd> socket = os::connect_unix(probe.endpoint->control, deadline);
  if (!socket.ok()) {
    if (socket.error().code == ErrorCode::kQueryCanceled) return silent(place, std::move(probe));
    if (socket.error().code == ErrorCode::kInsufficientPrivilege) return refused(std::move(probe), socket.error());
    probe.state = ProbeState::kStale;
    probe.error = make_error(ErrorCode::kConnectionFailure, not_running(place),
                             "its endpoint file is left over from " + describe_owner(*probe.endpoint));
    return probe;
  }
  const Result<os::PeerCredentials> peer = os::peer_credentials(socket->get());
  if (!peer.ok()) return refused(std::move(probe), peer.error());
  if (!is_trusted(peer->uid, place)) {
    return refused(std::move(probe),
                   make_error(ErrorCode::kInsufficientPrivilege,
                              "the process at " + probe.endpoint->control + " runs as " + os::user_name(peer->uid),
                              "the database belongs to " + os::user_name(place.rightful_user()),
                              "do not use it before you know what it is"));
  }
  const Result<std::string> reply = exchange(socket->get(), wire::hello_line(intent), deadline);
  if (!reply.ok()) {
    if (reply.error().code == ErrorCode::kQueryCanceled) return silent(place, std::move(probe));
    probe.state = ProbeState::kStale;
    probe.error = make_error(ErrorCode::kConnectionFailure, not_running(place), reply.error().to_string());
    return probe;
  }
  const Result<wire::Hello> hello = wire::parse_hello(*reply);
  if (!hello.ok()) return refused(std::move(probe), hello.error());
  return judge(place, std::move(probe), *hello);
}

Result<Endpoint> connect(const FilePlace& place, Deadline deadline) {
  Probe found = probe(place, wire::Intent::kUse, deadline);
  if (found.state != ProbeState::kLive) return std::move(found.error);
  return *std::move(found.endpoint);
}

Result<std::string> control_request(const Endpoint& endpoint, const std::string& op, const std::string& arguments,
                                    Deadline deadline) {
  MERGANSER_ASSIGN(const std::string line, wire::request_line(op, arguments));
  MERGANSER_ASSIGN(const os::UniqueFd socket, os::connect_unix(endpoint.control, deadline));
  MERGANSER_ASSIGN(const std::string reply, exchange(socket.get(), line, deadline));
  return wire::parse_reply(reply);
}

}  // namespace merganser::owner
