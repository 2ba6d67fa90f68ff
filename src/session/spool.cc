#include "session/spool.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace merganser::session {

Result<std::unique_ptr<Spool>> Spool::create(SpoolSpace& space) {
  const int fd = ::open(space.directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) return std::unique_ptr<Spool>(new Spool(space, fd));
  std::string pattern = space.directory + "/spool-XXXXXX";
  const int named = mkostemp(pattern.data(), O_CLOEXEC);
  if (named < 0) {
    return errno_error(errno, "cannot make a temporary file in " + space.directory,
                       "Set temp_dir to a folder with room.");
  }
  ::unlink(pattern.c_str());
  return std::unique_ptr<Spool>(new Spool(space, named));
}

Spool::~Spool() {
  space_.used -= size_;
  ::close(fd_);
}

Status Spool::append(const std::string& encoded) {
  if (space_.used + encoded.size() > space_.limit) {
    return make_error(ErrorCode::kConfigurationLimitExceeded, "temporary storage for unfinished results is full",
                      "temp_limit is " + std::to_string(space_.limit) + " bytes.",
                      "Read or close open cursors before the next statement, or raise temp_limit.");
  }
  size_t done = 0;
  while (done < encoded.size()) {
    const ssize_t written =
        ::pwrite(fd_, encoded.data() + done, encoded.size() - done, static_cast<off_t>(size_ + done));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error(errno, "cannot write a temporary file in " + space_.directory);
    done += static_cast<size_t>(written);
  }
  blocks_.push_back({size_, static_cast<uint32_t>(encoded.size())});
  size_ += encoded.size();
  space_.used += encoded.size();
  return {};
}

Status Spool::read(uint64_t max_rows, size_t max_bytes, std::string& out, uint64_t& rows) {
  rows = 0;
  size_t bytes = 0;
  size_t first = next_;
  if (backward_) {
    // The rows lie the other way round: one at a time.
    if (next_ >= blocks_.size() || max_rows == 0) return {};
    bytes = blocks_[next_].bytes;
    rows = 1;
    first = next_--;
  }
  while (!backward_ && next_ < blocks_.size() && rows < max_rows &&
         (rows == 0 || bytes + blocks_[next_].bytes <= max_bytes)) {
    bytes += blocks_[next_++].bytes;
    rows++;
  }
  if (rows == 0) return {};
  const size_t before = out.size();
  out.resize(before + bytes);
  size_t done = 0;
  while (done < bytes) {
    const ssize_t got =
        ::pread(fd_, out.data() + before + done, bytes - done, static_cast<off_t>(blocks_[first].offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return errno_error(got < 0 ? errno : EIO, "cannot read a temporary file in " + space_.directory);
    done += static_cast<size_t>(got);
  }
  return {};
}

}  // namespace merganser::session
