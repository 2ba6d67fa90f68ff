// Where a running owner is reached, as it stands in <db>.endpoint.
//
// Threads: values and free functions. The file is only a hint that leads to the control socket; what counts is the
// owner's answer there. The pid is for people to read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "os/file.h"
#include "os/process.h"
#include "owner/file_place.h"

namespace merganser::owner {

// The control protocol's versions that this build speaks.
constexpr int kProtocolMin = 1;
constexpr int kProtocolMax = 1;
constexpr const char* kVersion = MERGANSER_VERSION;

struct Endpoint {
  std::string database;    // canonical path
  std::string socket_dir;  // libpq's host
  std::string control;     // path of the control socket
  int port = 0;            // libpq's port, also of the Unix socket
  std::string tcp;         // "address:port" or empty
  os::ProcessIdentity process;
  std::string nonce;        // new for every owner
  os::FileId file;          // of the database
  uint64_t generation = 0;  // rises by one with every owner of the file
  int protocol_min = kProtocolMin;
  int protocol_max = kProtocolMax;
  std::string version;
};

// nullopt when there is no endpoint file. 42501 when it belongs to somebody who has no say over the database.
Result<std::optional<Endpoint>> read_endpoint(const FilePlace& place);
Status write_endpoint(const FilePlace& place, const Endpoint& endpoint);
// Removes it only if it still is the one with this nonce.
Status remove_endpoint(const FilePlace& place, const std::string& nonce);

}  // namespace merganser::owner
