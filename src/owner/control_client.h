// Asks a running owner through its control socket.
//
// Threads: free functions, safe from any; each call is one connection.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "owner/endpoint.h"
#include "owner/file_place.h"
#include "owner/wire.h"

namespace merganser::owner {

// What is known about the owner of a file after asking.
enum class ProbeState {
  kAbsent,   // no endpoint file
  kStale,    // an endpoint file, and nobody or somebody else behind it
  kLeaving,  // an owner that is shutting down
  kSilent,   // somebody listens and does not answer: hung or stopped
  kRefused,  // an owner that this process must not or cannot use; error says why
  kLive,
};

struct Probe {
  ProbeState state = ProbeState::kAbsent;
  std::optional<Endpoint> endpoint;  // of every state but kAbsent, when it could be read
  Error error;                       // of every state but kLive
};

// The fast path: no lock, nothing created. Reads the endpoint, connects, checks the peer's user and the answer's nonce,
// device and inode. Waits for the answer until the deadline.
Probe probe(const FilePlace& place, wire::Intent intent, Deadline deadline);

// The endpoint of a live owner that will not leave because it is idle before its idle timeout has passed again; 08006
// when none runs, 57P03 when it is leaving or silent.
Result<Endpoint> connect(const FilePlace& place, Deadline deadline);

// Sends one operation and returns the result's JSON text, or the error that the owner reports. `arguments` is the text
// of a JSON object, or empty.
Result<std::string> control_request(const Endpoint& endpoint, const std::string& op, const std::string& arguments,
                                    Deadline deadline);

// "merganser (pid 4711)", and that the process is gone when it is.
std::string describe_owner(const Endpoint& endpoint);

}  // namespace merganser::owner
